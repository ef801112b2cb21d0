"""Where the phase of each point begins anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.point_nyquist import point_nyquist_m_s
from usdk.scan import LinearScan

CLOCK = SlowTime(prf_hz=4e3, frequency_hz=5e6)
SCAN = LinearScan(x_m=np.linspace(-5e-3, 5e-3, 8), z_m=np.linspace(5e-3, 9e-3, 16))


def flow_map(phase_rad: Any, velocity_m_s: Any) -> FlowMap:
    ones = np.ones(SCAN.shape, np.float32)
    return FlowMap(
        velocity_m_s=np.asarray(velocity_m_s * ones, np.float32),
        power=ones,
        spread_m_s=0 * ones,
        lag_one=np.asarray(np.exp(1j * phase_rad) * ones, np.complex64),
        scan=SCAN,
        slow_time=CLOCK,
    )


@pytest.mark.parametrize("ratio", [1.0, 1.1, 0.8])
def test_half_a_turn_is_the_velocity_at_the_frequency_of_the_echoes(ratio: float) -> None:
    """f / f̄ times as fast, also where the phase is 0 and tells nothing."""
    phase = np.linspace(-3, 3, SCAN.shape[0] * SCAN.shape[1]).reshape(SCAN.shape)
    phase[0, :3] = 0
    seen = flow_map(phase, ratio * phase / np.pi * CLOCK.nyquist_m_s)
    np.testing.assert_allclose(point_nyquist_m_s(seen), ratio * CLOCK.nyquist_m_s, rtol=1e-4)


def test_every_point_has_its_own() -> None:
    ratio = np.linspace(0.9, 1.2, SCAN.shape[0])[:, None]
    seen = flow_map(2.0, ratio * 2.0 / np.pi * CLOCK.nyquist_m_s)
    expected = np.broadcast_to(ratio * CLOCK.nyquist_m_s, SCAN.shape)
    np.testing.assert_allclose(point_nyquist_m_s(seen), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("phase", "velocity"), [(1.0, -0.1), (0.5, 1.0), (0.0, 0.1), (1.0, np.nan)]
)
def test_velocities_of_another_phase_have_that_of_the_map(phase: float, velocity: float) -> None:
    found = point_nyquist_m_s(flow_map(phase, velocity))
    np.testing.assert_allclose(found, CLOCK.nyquist_m_s, rtol=1e-6)
