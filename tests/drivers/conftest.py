from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.probe import Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    TransmitSequence,
)


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
