from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk.io.wave_recovery import wave_from_delays
from usdk.probe import Probe
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement, Transmit

C = 1540.0


def linear(n_elements: int = 64) -> Probe:
    return Probe.linear(
        "L",
        n_elements=n_elements,
        pitch_m=0.3e-3,
        centre_frequency_hz=5e6,
        fractional_bandwidth=0.7,
    )


def convex() -> Probe:
    return Probe.curved(
        "C",
        n_elements=128,
        pitch_m=0.5e-3,
        radius_m=0.05,
        centre_frequency_hz=3.5e6,
        fractional_bandwidth=0.7,
    )


def recovered(wave: Transmit, probe: Probe, offset_s: float) -> Transmit:
    """What is found from the wave's own delays on a clock that starts elsewhere."""
    return wave_from_delays(wave.element_delays_s(probe, C) + offset_s, probe, C)


OFFSET = st.floats(-1e-4, 1e-4)


@settings(deadline=None)
@given(angle_deg=st.floats(-60, 60), offset_s=OFFSET)
def test_a_plane_wave_is_found(angle_deg: float, offset_s: float) -> None:
    for probe in (linear(), convex()):
        wave = PlaneWave(azimuth_rad=math.radians(angle_deg))
        found = recovered(wave, probe, offset_s)
        assert isinstance(found, PlaneWave)
        assert found.azimuth_rad == pytest.approx(wave.azimuth_rad, abs=1e-9)


@settings(deadline=None)
@given(x=st.floats(-0.02, 0.02), z=st.floats(-0.05, -0.002), offset_s=OFFSET)
def test_a_diverging_wave_is_found(x: float, z: float, offset_s: float) -> None:
    found = recovered(DivergingWave(source_m=(x, 0.0, z)), linear(), offset_s)
    assert isinstance(found, DivergingWave)
    assert found.source_m == pytest.approx((x, 0.0, z), abs=1e-7)


@settings(deadline=None)
@given(x=st.floats(-0.02, 0.02), z=st.floats(0.004, 0.08), offset_s=OFFSET)
def test_a_focused_wave_is_found(x: float, z: float, offset_s: float) -> None:
    for probe in (linear(), convex()):
        wave = FocusedWave(focus_m=(x, 0.0, z), aperture=(10, 60))
        found = recovered(wave, probe, offset_s)
        assert isinstance(found, FocusedWave)
        assert found.focus_m == pytest.approx(wave.focus_m, abs=1e-6)
        assert found.aperture == (10, 60)


def test_a_wave_from_behind_a_convex_array_is_found() -> None:
    found = recovered(DivergingWave(source_m=(0.005, 0.0, -0.03)), convex(), 1e-6)
    assert isinstance(found, DivergingWave)
    assert found.source_m == pytest.approx((0.005, 0.0, -0.03), abs=1e-7)


def test_equal_delays_on_a_convex_array_come_from_its_centre() -> None:
    found = wave_from_delays(np.full(128, 3e-6), convex(), C)
    assert isinstance(found, DivergingWave)
    assert found.source_m == pytest.approx((0.0, 0.0, -0.05), abs=1e-12)


def test_equal_delays_on_a_flat_array_are_a_plane_wave() -> None:
    assert wave_from_delays(np.full(64, 3e-6), linear(), C) == PlaneWave()


def test_one_element_is_found() -> None:
    delays_s = np.full(64, np.nan)
    delays_s[17] = 2e-6
    assert wave_from_delays(delays_s, linear(), C) == SingleElement(element=17)


def test_a_focused_beam_leaves_where_it_is_said_to() -> None:
    delays_s = FocusedWave(focus_m=(0.0, 0.0, 0.02)).element_delays_s(linear(), C)
    found = wave_from_delays(delays_s, linear(), C, beam_x_m=1e-3)
    assert isinstance(found, FocusedWave)
    assert found.origin_m == (1e-3, 0.0, 0.0)


@pytest.mark.parametrize("exponent", [10, 160, 304])
def test_delays_that_no_wave_has_are_refused_before_they_overflow(exponent: int) -> None:
    delays_s = np.arange(64) ** 2 * 10.0**exponent
    with pytest.raises(DataDamagedError, match="too large"):
        wave_from_delays(delays_s, linear(), C)


@pytest.mark.parametrize("fires", [[], [1, 3], [0, 1, 63]])
def test_elements_that_are_no_neighbours_are_refused(fires: list[int]) -> None:
    delays_s = np.full(64, np.nan)
    delays_s[fires] = 0.0
    with pytest.raises(DataDamagedError, match="neighbours"):
        wave_from_delays(delays_s, linear(), C)
