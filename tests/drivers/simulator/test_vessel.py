from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator import Vessel

TIMES_S = np.linspace(0, 1 / 1.2, 20_001)
AXIS_M = np.array([0.0, 0.0, 20e-3])


def test_the_waveform_has_the_indices_that_it_states() -> None:
    vessel = Vessel(psv_m_s=0.9, edv_m_s=0.15, heart_rate_hz=1.2)
    velocity_m_s = vessel.axis_velocity_m_s(TIMES_S)
    assert velocity_m_s.max() == pytest.approx(0.9)
    assert velocity_m_s[-1] == velocity_m_s.min() == pytest.approx(0.15)
    assert velocity_m_s[:-1].mean() == pytest.approx(vessel.mean_m_s, rel=1e-6)
    assert vessel.mean_m_s == pytest.approx(0.15 + 0.3306 * 0.75)
    assert vessel.axis_velocity_m_s(0.1 + 3 / 1.2) == pytest.approx(vessel.axis_velocity_m_s(0.1))


def test_blood_on_the_axis_has_come_as_far_as_its_velocity_says() -> None:
    vessel = Vessel()
    way_m = vessel.axis_displacement_m(TIMES_S)
    step_s = TIMES_S[1]
    assert np.gradient(way_m, step_s)[1:-1] == pytest.approx(
        vessel.axis_velocity_m_s(TIMES_S)[1:-1], abs=1e-6
    )
    assert way_m[-1] == pytest.approx(vessel.mean_m_s / 1.2)
    assert Vessel(waveform="steady", psv_m_s=0.1).axis_displacement_m(3.0) == pytest.approx(0.3)


def test_a_beat_can_begin_in_systole() -> None:
    from_diastole, from_systole = Vessel(), Vessel(start_phase=0.12)
    later_s = 0.12 / 1.2
    assert from_systole.axis_velocity_m_s(0.0) == pytest.approx(0.8)
    for name in ("axis_velocity_m_s", "radius_at_m", "wall_velocity_m_s"):
        now, then = getattr(from_systole, name), getattr(from_diastole, name)
        assert now(TIMES_S) == pytest.approx(then(TIMES_S + later_s), abs=1e-9)
    way_m = from_diastole.axis_displacement_m(TIMES_S + later_s)
    assert from_systole.axis_displacement_m(TIMES_S) == pytest.approx(way_m - way_m[0])


@pytest.mark.parametrize(("angle_deg", "towards"), [(60, 0.5), (120, -0.5), (0, 1.0), (90, 0.0)])
def test_velocity_is_positive_towards_the_probe_below_a_right_angle(
    angle_deg: float, towards: float
) -> None:
    vessel = Vessel(angle_deg=angle_deg)
    assert vessel.beam_velocity_m_s(AXIS_M, 0.1) == pytest.approx(0.8 * towards, abs=1e-12)
    # Towards the probe is against +z.
    assert vessel.velocity_m_s(AXIS_M, 0.1)[2] == pytest.approx(-0.8 * towards, abs=1e-12)
    assert np.linalg.norm(vessel.velocity_m_s(AXIS_M, 0.1)) == pytest.approx(0.8)


@pytest.mark.parametrize("exponent", [2.0, 6.0])
def test_the_profile_is_a_power_of_the_relative_radius(exponent: float) -> None:
    vessel = Vessel(profile_exponent=exponent, waveform="steady", psv_m_s=1.0)
    offsets_m = np.linspace(-4e-3, 4e-3, 81)
    speed_m_s = np.linalg.norm(vessel.velocity_m_s(vessel.point_m(0.0, offsets_m), 0.2), axis=-1)
    expected = np.clip(1 - (np.abs(offsets_m) / 3e-3) ** exponent, 0, None)
    assert speed_m_s == pytest.approx(expected, abs=1e-12)


def test_points_know_how_far_off_the_axis_they_are() -> None:
    vessel = Vessel(angle_deg=35)
    offsets_m = np.linspace(-4.5e-3, 4.5e-3, 10)
    points_m = vessel.point_m(np.linspace(-9e-3, 9e-3, 10), offsets_m)
    assert vessel.offset_m(points_m) == pytest.approx(offsets_m, abs=1e-15)
    assert vessel.along_m(points_m) == pytest.approx(np.linspace(-9e-3, 9e-3, 10), abs=1e-15)
    assert vessel.holds(points_m).sum() == 6
    assert vessel.direction @ (points_m[1] - points_m[0]) == pytest.approx(2e-3)


def test_the_wall_moves_as_far_and_as_fast_as_it_states() -> None:
    vessel = Vessel(wall_displacement_m=0.3e-3)
    radius_m = vessel.radius_at_m(TIMES_S)
    assert np.ptp(radius_m) == pytest.approx(0.3e-3)
    velocity_m_s = vessel.wall_velocity_m_s(TIMES_S)
    assert np.abs(velocity_m_s).max() == pytest.approx(vessel.greatest_wall_velocity_m_s, rel=1e-4)
    assert vessel.greatest_wall_velocity_m_s == pytest.approx(math.pi / 2 * 0.3e-3 * 1.2 / 0.18)
    assert not Vessel(waveform="steady").wall_velocity_m_s(TIMES_S).any()


def test_tissue_moves_by_the_velocity_at_the_place_where_it_is() -> None:
    vessel = Vessel(angle_deg=70, wall_displacement_m=0.4e-3)
    offsets_m = np.concatenate((np.linspace(-8e-3, -3.01e-3, 40), np.linspace(3.01e-3, 8e-3, 40)))
    at_rest_m = vessel.point_m(np.full(80, 1e-3), offsets_m)
    for time_s in (0.05, 0.1, 0.4, 2.0):
        step_s = 1e-6
        ahead_m = vessel.tissue_at_m(at_rest_m, time_s + step_s)
        behind_m = vessel.tissue_at_m(at_rest_m, time_s - step_s)
        moved_m_s = (ahead_m - behind_m) / (2 * step_s)
        now_m = vessel.tissue_at_m(at_rest_m, time_s)
        assert moved_m_s == pytest.approx(vessel.velocity_m_s(now_m, time_s), abs=1e-8)
        assert not vessel.holds(now_m, time_s).any()
    assert np.array_equal(vessel.moves_tissue(at_rest_m), np.abs(offsets_m) < 6e-3)


def test_the_velocity_is_continuous_at_the_wall() -> None:
    vessel = Vessel()
    radius_m = float(vessel.radius_at_m(0.08))
    sides_m = vessel.point_m(0.0, np.array([radius_m - 1e-9, radius_m + 1e-9]))
    inner, outer = vessel.velocity_m_s(sides_m, 0.08)
    assert inner == pytest.approx(outer, abs=1e-6)
    assert np.linalg.norm(outer) == pytest.approx(float(vessel.wall_velocity_m_s(0.08)), rel=1e-4)


def test_times_broadcast_against_points() -> None:
    vessel = Vessel()
    points_m = vessel.point_m(np.zeros((4, 1)), np.linspace(-2e-3, 2e-3, 5))
    times_s = np.array([0.0, 0.1, 0.2, 0.3])[:, np.newaxis]
    both = vessel.velocity_m_s(points_m, times_s)
    assert both.shape == (4, 5, 3)
    assert np.array_equal(both[2], vessel.velocity_m_s(points_m[2], 0.2))


@pytest.mark.parametrize(
    ("parameters", "hint"),
    [
        ({"angle_deg": 181}, "0 to 180"),
        ({"start_phase": 1.5}, "start_phase"),
        ({"radius_m": 0}, "radius_m"),
        ({"length_m": math.nan}, "length_m"),
        ({"psv_m_s": 0.1}, "at least 0.2"),
        ({"psv_m_s": -1, "waveform": "steady"}, "angle_deg"),
        ({"wall_displacement_m": 2e-3}, "wall_displacement_m"),
        ({"waveform": "square"}, "carotid, steady"),
        ({"blood_db": math.nan}, "blood_db"),
    ],
)
def test_what_no_vessel_can_be_is_refused(parameters: dict[str, float], hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        Vessel(**parameters)  # type: ignore[arg-type]
