from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import usb.core

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.probe import Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usbredir import RedirectedPort

SYSTEM_BUS = os.environ.get("USDK_TEST_BUS")


@pytest.fixture
def small_probe() -> Probe:
    return Probe.linear(
        "small",
        n_elements=4,
        pitch_m=0.3e-3,
        centre_frequency_hz=5e6,
        fractional_bandwidth=0.6,
        element_width_m=0.25e-3,
        element_height_m=4e-3,
        lens_delay_s=1e-7,
    )


@pytest.fixture
def every_wave() -> TransmitSequence:
    return TransmitSequence(
        transmits=(
            PlaneWave(azimuth_rad=0.1, elevation_rad=-0.05),
            DivergingWave(source_m=(1e-3, 0.0, -5e-3), origin_m=(1e-3, 0.0, 0.0)),
            FocusedWave(
                focus_m=(0.0, 0.0, 20e-3),
                origin_m=(1e-4, 0.0, 0.0),
                transition_m=1e-3,
                aperture=(1, 3),
            ),
            SingleElement(element=3),
        ),
        frequency_hz=4.5e6,
        n_cycles=1.5,
        prf_hz=20.0,
    )


@pytest.fixture
def recording(small_probe: Probe) -> Callable[..., Acquisition]:
    """Return a maker of acquisitions with random samples, three transmits in a frame."""

    def make(
        dtype: Any = np.int16, *, n_frames: int = 6, prf_hz: float | None = 60.0, **more: Any
    ) -> Acquisition:
        random = np.random.default_rng(7)
        shape = (n_frames, 3, small_probe.n_elements, 16)
        values = random.integers(-30_000, 30_000, shape).astype(dtype)
        if np.dtype(dtype).kind == "c":
            values += 1j * random.standard_normal(shape).astype(np.float32)
        return Acquisition(
            data=values,
            probe=small_probe,
            sequence=TransmitSequence(
                transmits=(
                    PlaneWave(azimuth_rad=-0.1),
                    SingleElement(element=1),
                    FocusedWave(focus_m=(0.0, 0.0, 0.02)),
                ),
                prf_hz=prf_hz,
            ),
            receive=ReceiveSettings(
                sampling_frequency_hz=20e6 / 3,
                n_samples=16,
                time_zero_s=(1e-7, -2.5e-6 / 3, 3e-6),
                demodulation_frequency_hz=5e6 if np.dtype(dtype).kind == "c" else 0.0,
                sound_speed_m_s=1480.0,
            ),
            device=DeviceInfo(
                manufacturer="maker", model="scanner", serial_number="7", firmware_version="2.1"
            ),
            **more,
        )

    return make


LINUX_HUB = 0x1D6B


class GuestBus(RedirectedPort):
    """A port whose device is there when the guest's kernel and libusb have seen it."""

    def add(self, device: UsbDevice) -> None:
        super().add(device)
        self._wait_until(device.is_attached)

    def remove(self, device: UsbDevice) -> None:
        super().remove(device)
        self._wait_until(False)

    def look(self) -> None:
        super().look()
        self._wait_until(any(device.is_attached for device in self.devices))

    @staticmethod
    def _wait_until(is_there: bool) -> None:
        deadline_s = time.monotonic() + 10
        while any(d.idVendor != LINUX_HUB for d in usb.core.find(find_all=True)) != is_there:
            if time.monotonic() > deadline_s:
                raise AssertionError(f"libusb has {'not ' * is_there}seen it")
            time.sleep(0.01)


@pytest.fixture(scope="session")
def system_bus() -> Iterator[MockedBus | RedirectedPort | None]:
    """The bus of the system's libusb, where tests were started on one.

    Its devices are in a kernel that umockdev mocks, or in the true one of a virtual machine that
    takes them by usb-redir.
    """
    if SYSTEM_BUS == "umockdev":
        with MockedBus() as bus:
            yield bus
    elif SYSTEM_BUS == "usb-redir":
        path = Path(os.environ["USDK_TEST_PORT"])
        with path.open("r+b", buffering=0) as stream, GuestBus(stream) as port:
            yield port
    else:
        yield None
