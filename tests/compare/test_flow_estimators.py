"""Velocity and spread beside PyMUST's `iq2doppler`, and on the measured disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.doppler import (
    Autocorrelator,
    Averaging,
    SlowTime,
    average,
    depth_sample_period_s,
    flow_values,
)
from usdk.quality import Circle
from usdk.scan import LinearScan

CLOCK = SlowTime(prf_hz=4000.0, frequency_hz=5e6)
DISK_CLOCK = SlowTime(prf_hz=10e3, frequency_hz=5e6, sound_speed_m_s=1480.0)
DISK_CENTRE_M = (-0.8e-3, 23.4e-3)


def vessel_packet(n_lines: int = 48, n_samples: int = 96, n_pulses: int = 16) -> Any:
    """Tissue that moves slowly, blood with a parabolic profile, and noise."""
    rng = np.random.default_rng(3)

    def speckle(*shape: int) -> Any:
        return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)

    tissue, blood = (
        gaussian_filter(speckle(n_lines, n_samples, 1), (1.0, 2.0, 0)) for _ in range(2)
    )
    across = np.linspace(-1, 1, n_lines)[:, None, None]
    velocity_m_s = 0.25 * np.clip(1 - (across / 0.5) ** 2, 0, None)
    turn_rad = np.pi / CLOCK.nyquist_m_s * np.arange(n_pulses)
    iq = 3 * tissue * np.exp(1j * 0.002 * turn_rad)
    iq = iq + blood * np.exp(1j * velocity_m_s * turn_rad) * (velocity_m_s > 0)
    return (iq + 0.02 * speckle(n_lines, n_samples, n_pulses)).astype(np.complex64)


@pytest.mark.parametrize("lag", [1, 2])
def test_velocity_and_spread_are_those_of_the_peer(lag: int) -> None:
    """The peer's sums of 16 pulses and 15 pairs are not means: its |R| / P is corrected for it."""
    pymust = pytest.importorskip("pymust")
    iq = vessel_packet()
    parameters = pymust.utils.Param()
    parameters.fc, parameters.c, parameters.PRF = 5e6, 1540.0, 4000.0
    theirs_m_s, variance = pymust.iq2doppler(iq, parameters, 1, lag)
    velocity, spread = flow_values(Autocorrelator(iq.shape[:2], 16, lag=lag)(iq), CLOCK)
    np.testing.assert_allclose(velocity, theirs_m_s, atol=1e-6)
    per_root = CLOCK.nyquist_m_s / lag / np.pi
    ratio = (1 - variance / (2 * per_root**2)) * 16 / (16 - lag)
    wanted = per_root * np.sqrt(2 * np.clip(1 - ratio, 0, None))
    np.testing.assert_allclose(spread, wanted, atol=2e-3 * per_root)


@pytest.mark.parametrize("axial", [False, True])
def test_the_disk_turns_as_it_was_measured(
    recording: Callable[[str], Acquisition], axial: bool
) -> None:
    """Measured: 61.3 and 62.4 1/s (2-D), along z 0.13 %, residual 1.4 and 1.2 cm/s."""
    iq = demodulate(recording("pymust/PWI_disk.mat"))
    scan = LinearScan(x_m=np.linspace(-0.0125, 0.0125, 126), z_m=np.arange(0.012, 0.034, 5e-5))
    packet = Beamformer.for_acquisition(iq, scan).ensemble(iq.n_frames)(iq.data)
    found = Autocorrelator(scan.shape, iq.n_frames, axial=axial)(packet)
    if axial:
        found = average(found, Averaging(n_samples=9))
    period_s = depth_sample_period_s(scan, sound_speed_m_s=1480.0)
    velocity, _ = flow_values(found, DISK_CLOCK, sample_period_s=period_s)
    inside = Circle(*DISK_CENTRE_M, 9e-3).mask(scan)
    terms = np.column_stack((scan.points_m()[inside][:, [0, 2]], np.ones(inside.sum())))
    fitted, *_ = np.linalg.lstsq(terms, velocity[inside].astype(np.float64), rcond=None)
    assert 58 < abs(fitted[0]) < 65
    assert abs(fitted[1]) < 0.03 * abs(fitted[0])
    assert np.sqrt(np.mean((terms @ fitted - velocity[inside]) ** 2)) < 0.03
