"""A device that plays a small recording: it computes nothing, with compiled kernels or without."""

from __future__ import annotations

import numpy as np

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.simulated_device import playing_device

N_TRANSMITS, N_ELEMENTS, N_SAMPLES = 3, 64, 512


def small_device(serial_number: str) -> UsbDevice:
    probe = Probe.linear(
        "small", n_elements=64, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    random = np.random.default_rng(3)
    shape = (4, N_TRANSMITS, N_ELEMENTS, N_SAMPLES)
    recorded = Acquisition(
        data=random.integers(-2000, 2000, shape, dtype=np.int16),
        probe=probe,
        sequence=plane_waves([-0.1, 0.0, 0.1], prf_hz=3000.0),
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6, n_samples=N_SAMPLES, time_zero_s=(0.0,) * N_TRANSMITS
        ),
        device=DeviceInfo(manufacturer="usdk", model="small", serial_number=serial_number),
    )
    simulated = playing_device(recorded, loop=True)
    return simulated.on_usb(simulated.firmware())
