"""Band-limited speckle whose motion is known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from usdk.scan import LinearScan

SOUND_SPEED_M_S = 1540.0
RATE_HZ = 20e6
STEP_M = SOUND_SPEED_M_S / 2 / RATE_HZ


@pytest.fixture(scope="session")
def speckle() -> Callable[..., list[np.ndarray]]:
    """Return frames of analytic signals of a flat band, each moved away by a distance, m."""

    def frames(
        moved_m,
        *,
        n_lines=32,
        n_samples=1024,
        frequency_hz=5e6,
        fractional_bandwidth=0.5,
        snr_db=np.inf,
        seed=0,
    ):
        rng = np.random.default_rng(seed)
        hz = np.fft.fftfreq(n_samples, 1 / RATE_HZ)
        band = np.abs(hz - frequency_hz) <= fractional_bandwidth * frequency_hz / 2

        def spectrum():
            return rng.standard_normal((n_lines, n_samples, 2)).view(complex)[..., 0] * band

        echoes = spectrum()
        noise = 10 ** (-snr_db / 20)
        return [
            np.fft.ifft(
                echoes * np.exp(-4j * np.pi * hz * d / SOUND_SPEED_M_S) + noise * spectrum()
            ).astype(np.complex64)
            for d in moved_m
        ]

    return frames


@pytest.fixture(scope="session")
def scan() -> LinearScan:
    """Where the samples of `speckle` lie."""
    return LinearScan(x_m=np.arange(32) * 3e-4, z_m=5e-3 + np.arange(1024) * STEP_M)
