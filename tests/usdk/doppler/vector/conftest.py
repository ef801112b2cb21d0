"""Flow in front of a simulated array: every scatterer's velocity is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves
from usdk_kernels.point_echoes import add_point_echoes

N_SAMPLES = 800
# 0.65 wavelengths: waves sent at 15° have no grating lobe.
PROBE = Probe.linear(
    "test",
    n_elements=96,
    pitch_m=2e-4,
    centre_frequency_hz=5e6,
    fractional_bandwidth=0.6,
)
WIDTH_M, NEAR_M, FAR_M = 8e-3, 9e-3, 20e-3


@pytest.fixture(scope="session")
def scan() -> LinearScan:
    """A piece of the middle."""
    return LinearScan(x_m=np.linspace(-2e-3, 2e-3, 21), z_m=np.linspace(12e-3, 16e-3, 41))


@pytest.fixture(scope="session")
def flow() -> Callable[..., Acquisition]:
    """Return channel data of scatterers that move at ``velocity(x, z)``, plane waves in turns."""

    def acquire(
        velocity, *, angles=(-15.0, 0.0, 15.0), prf_hz=3000.0, n_frames=12, noise=0.1, seed=0
    ):
        rng = np.random.default_rng(seed)
        n, n_angles = 2600, len(angles)
        start_m = np.zeros((n, 3))
        start_m[:, 0] = rng.uniform(-WIDTH_M, WIDTH_M, n)
        start_m[:, 2] = rng.uniform(NEAR_M, FAR_M, n)
        amplitudes = rng.standard_normal(n).astype(np.float32)
        moving = np.zeros((n, 3))
        moving[:, 0], moving[:, 2] = velocity(start_m[:, 0], start_m[:, 2])
        sequence = plane_waves(angles, prf_hz=prf_hz * n_angles)
        delays_s = sequence.delays_s(PROBE, 1540.0)
        data = np.zeros((n_frames, n_angles, PROBE.n_elements, N_SAMPLES), np.float32)
        for pulse in range(n_frames * n_angles):
            frame, angle = divmod(pulse, n_angles)
            add_point_echoes(
                (start_m + moving * pulse / (prf_hz * n_angles)).astype(np.float32),
                amplitudes,
                PROBE.element_positions_m.astype(np.float32),
                PROBE.element_normals.astype(np.float32),
                delays_s[angle : angle + 1].copy(),
                np.ones((1, PROBE.n_elements), np.float32),
                np.zeros(1),
                5e6,
                0.6,
                25e6,
                1540.0,
                1.8e-4,
                0.0,
                0,
                PROBE.n_elements,
                data[frame, angle : angle + 1],
            )
        data += (noise * data.std() * rng.standard_normal(data.shape)).astype(np.float32)
        return Acquisition(
            data=data,
            probe=PROBE,
            sequence=sequence,
            receive=ReceiveSettings(
                sampling_frequency_hz=25e6, n_samples=N_SAMPLES, time_zero_s=(0.0,) * n_angles
            ),
        )

    return acquire
