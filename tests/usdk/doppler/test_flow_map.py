from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from usdk.doppler import FlowMap, SlowTime
from usdk.errors import ArgumentError
from usdk.scan import LinearScan

SCAN = LinearScan(x_m=np.array([0.0, 1e-3]), z_m=np.linspace(1e-3, 3e-3, 3))
SLOW_TIME = SlowTime(prf_hz=4e3, frequency_hz=5e6)


def flow_map(velocity_m_s: float = 0.1, shape: tuple[int, int] = (2, 3)) -> FlowMap:
    values = np.full(shape, velocity_m_s, np.float32)
    return FlowMap(
        velocity_m_s=values,
        power=values,
        spread_m_s=values,
        lag_one=values.astype(np.complex64),
        scan=SCAN,
        slow_time=SLOW_TIME,
    )


def test_the_speed_along_the_flow_is_that_along_the_beam_over_the_cosine() -> None:
    found = flow_map(-0.1).corrected_m_s(math.radians(60))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, -0.2, rtol=1e-6)
    np.testing.assert_array_equal(flow_map().corrected_m_s(0.0), flow_map().velocity_m_s)
    flow_map().corrected_m_s(math.radians(-80))


@pytest.mark.parametrize("angle_deg", [81, 90, 120, -95, 360, math.nan])
def test_an_angle_that_tells_nothing_is_refused(angle_deg: float) -> None:
    with pytest.raises(ArgumentError, match=r"at most 80° can|must be finite"):
        flow_map().corrected_m_s(math.radians(angle_deg))


def test_values_lie_on_the_scan() -> None:
    with pytest.raises(ArgumentError, match="the scan's shape"):
        flow_map(shape=(3, 2))


def test_the_nyquist_velocity_is_that_of_slow_time() -> None:
    assert flow_map().nyquist_m_s == SLOW_TIME.nyquist_m_s == pytest.approx(0.308)


@pytest.mark.parametrize("name", ["scan", "slow_time"])
def test_what_is_of_another_class_is_refused_by_name(name: str) -> None:
    with pytest.raises(ArgumentError):
        replace(flow_map(), **{name: "x"})  # type: ignore[arg-type]
