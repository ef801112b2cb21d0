from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pymust
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import Probe
from usdk.transmit import (
    MAX_TRANSMITS,
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    Transmit,
    TransmitSequence,
)

C = 1540.0
PROBE = Probe.linear(
    "L11", n_elements=64, pitch_m=0.3e-3, centre_frequency_hz=7e6, fractional_bandwidth=0.7
)
CONVEX = Probe.curved(
    "C5",
    n_elements=64,
    pitch_m=0.5e-3,
    radius_m=50e-3,
    centre_frequency_hz=3.5e6,
    fractional_bandwidth=0.7,
)


def peer_param(probe: Probe) -> Any:
    param = pymust.utils.Param()
    param.fc, param.c = probe.centre_frequency_hz, C
    param.pitch, param.Nelements = probe.pitch_m, probe.n_elements
    param.width, param.radius = probe.element_width_m, probe.radius_m
    return param


def same_but_for_an_offset(ours_s: NDArray[np.float64], theirs_s: Any, tolerance_s: float) -> bool:
    difference_s = ours_s - np.ravel(theirs_s)
    return float(np.ptp(difference_s)) < tolerance_s


@pytest.mark.parametrize("angle_deg", [-20.0, -3.0, 0.0, 12.0])
def test_plane_delays_are_those_of_pymust(angle_deg: float) -> None:
    wave = PlaneWave(azimuth_rad=math.radians(angle_deg))
    theirs_s = pymust.txdelay(peer_param(PROBE), math.radians(angle_deg))
    assert same_but_for_an_offset(wave.element_delays_s(PROBE, C), theirs_s, 1e-12)


@pytest.mark.parametrize(("x_m", "z_m"), [(0.0, -20e-3), (4e-3, -10e-3), (-6e-3, -30e-3)])
def test_diverging_delays_are_those_of_pymust(x_m: float, z_m: float) -> None:
    wave = DivergingWave(source_m=(x_m, 0.0, z_m))
    theirs_s = pymust.txdelay(x_m, z_m, peer_param(PROBE))
    assert same_but_for_an_offset(wave.element_delays_s(PROBE, C), theirs_s, 1e-12)


@pytest.mark.parametrize(("x_m", "z_m"), [(0.0, 20e-3), (5e-3, 40e-3), (-8e-3, 15e-3)])
def test_focused_delays_are_those_of_pymust(x_m: float, z_m: float) -> None:
    wave = FocusedWave(focus_m=(x_m, 0.0, z_m))
    theirs_s = pymust.txdelay(x_m, z_m, peer_param(PROBE))
    assert same_but_for_an_offset(wave.element_delays_s(PROBE, C), theirs_s, 1e-12)


def test_focused_delays_of_a_convex_array_bring_all_elements_to_the_focus_at_once() -> None:
    wave = FocusedWave(focus_m=(3e-3, 0.0, 40e-3))
    flight_s = np.linalg.norm(CONVEX.element_positions_m - wave.focus_m, axis=1) / C
    assert np.ptp(wave.element_delays_s(CONVEX, C) + flight_s) < 1e-15


@pytest.mark.parametrize(
    ("wave", "origin_m"),
    [
        (PlaneWave(azimuth_rad=0.2, elevation_rad=0.1), (0, 0, 0)),
        (DivergingWave(source_m=(2e-3, 0.0, -8e-3)), (0, 0, 0)),
        (DivergingWave(source_m=(2e-3, 0.0, -8e-3), origin_m=(4e-3, 0, 0)), (4e-3, 0, 0)),
        (FocusedWave(focus_m=(5e-3, 0.0, 20e-3)), (0, 0, 0)),
        (FocusedWave(focus_m=(5e-3, 0.0, 20e-3), origin_m=(3e-3, 0, 0)), (3e-3, 0, 0)),
        (SingleElement(element=5), PROBE.element_positions_m[5]),
    ],
)
def test_the_clock_starts_when_the_wave_passes_its_origin(wave: Transmit, origin_m: Any) -> None:
    assert wave.arrival_time_s(np.array(origin_m, float), PROBE, C) == pytest.approx(0, abs=1e-18)


def earliest_arrival_s(wave: Transmit, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Huygens: the first of the elements' own waves."""
    delays_s = wave.element_delays_s(PROBE, C)
    flights_s = np.linalg.norm(points_m[:, None] - PROBE.element_positions_m, axis=-1) / C
    return np.asarray(np.nanmin(delays_s + flights_s, axis=1))


@pytest.mark.parametrize(
    "wave",
    [
        PlaneWave(azimuth_rad=0.2),
        DivergingWave(source_m=(2e-3, 0.0, -8e-3)),
        SingleElement(element=5),
    ],
    ids=lambda wave: wave.kind,
)
def test_the_wave_arrives_when_the_first_element_is_heard(wave: Transmit) -> None:
    # Points that the whole array insonifies; elements are a pitch apart, so the envelope of their
    # waves lags the ideal wavefront by up to pitch² / (8 depth).
    points_m = np.array([[0, 0, 15e-3], [1e-3, 0, 20e-3], [3e-3, 0, 30e-3], [2e-3, 0, 12e-3]])
    late_s = earliest_arrival_s(wave, points_m) - wave.arrival_time_s(points_m, PROBE, C)
    assert np.all(late_s > -1e-15)
    assert np.all(late_s < PROBE.pitch_m**2 / (8 * 10e-3) / C)


def test_on_the_axis_the_middle_is_heard_first_before_the_focus_and_last_behind_it() -> None:
    wave = FocusedWave(focus_m=(0.0, 0.0, 20e-3))
    delays_s = wave.element_delays_s(PROBE, C)
    for z_m, pick in ((15e-3, np.min), (25e-3, np.max)):
        point_m = np.array([0.0, 0.0, z_m])
        heard_s = delays_s + np.linalg.norm(point_m - PROBE.element_positions_m, axis=1) / C
        assert pick(heard_s) == pytest.approx(wave.arrival_time_s(point_m, PROBE, C), abs=1e-9)


COORDINATE = st.floats(-0.02, 0.02)
DEPTH = st.floats(0.005, 0.08)


@given(x=COORDINATE, z=DEPTH, ox=COORDINATE, along=st.floats(0, 3), c=st.floats(1400, 1700))
def test_a_focused_wave_is_exact_on_its_axis(
    x: float, z: float, ox: float, along: float, c: float
) -> None:
    wave = FocusedWave(focus_m=(x, 0.0, z), origin_m=(ox, 0.0, 0.0))
    point_m = (1 - along) * np.array(wave.origin_m) + along * np.array(wave.focus_m)
    path_m = along * math.dist(wave.origin_m, wave.focus_m)
    assert wave.arrival_time_s(point_m, PROBE, c) == pytest.approx(path_m / c, abs=1e-15)


@given(x=st.floats(-0.01, 0.01), dz=st.floats(-5e-3, 5e-3), transition=st.floats(1e-4, 5e-3))
def test_a_focused_wave_is_continuous_across_the_focus(
    x: float, dz: float, transition: float
) -> None:
    wave = FocusedWave(focus_m=(0.0, 0.0, 0.02), transition_m=transition)
    step_m = 1e-9
    ends_m = np.array([[x, 0, 0.02 + dz - step_m / 2], [x, 0, 0.02 + dz + step_m / 2]])
    before_s, after_s = wave.arrival_time_s(ends_m, PROBE, C)
    # The steepest slope is that of the blend: |x| / transition on top of the wave's own.
    assert abs(after_s - before_s) <= step_m / C * (3 + 2 * abs(x) / transition)


def test_the_transition_is_the_focal_zone_unless_given() -> None:
    probe = Probe.linear(
        "L", n_elements=64, pitch_m=0.2e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    points_m = np.array([[1e-3, 0.0, z_m] for z_m in (0.010, 0.017, 0.0199, 0.0202, 0.024, 0.03)])
    wavelength_m = C / 5e6
    for aperture, n in (((16, 48), 32), (None, 64)):
        f_number = 20e-3 / (n * 0.2e-3)
        wave = FocusedWave(focus_m=(0.0, 0.0, 0.02), aperture=aperture)
        same = replace(wave, transition_m=min(8 * wavelength_m * f_number**2, 20e-3))
        given_s, chosen_s = (w.arrival_time_s(points_m, probe, C) for w in (same, wave))
        assert chosen_s == pytest.approx(given_s, rel=1e-9)
        assert TransmitSequence.from_dict(
            TransmitSequence(transmits=(wave,)).to_dict()
        ).transmits == (wave,)


def test_outside_the_transition_a_focused_wave_is_a_sphere() -> None:
    wave = FocusedWave(focus_m=(0.0, 0.0, 0.02), transition_m=1e-3)
    before_m, behind_m = np.array([4e-3, 0, 0.015]), np.array([4e-3, 0, 0.025])
    radius_m = math.hypot(4e-3, 5e-3)
    assert wave.arrival_time_s(before_m, PROBE, C) == pytest.approx((0.02 - radius_m) / C)
    assert wave.arrival_time_s(behind_m, PROBE, C) == pytest.approx((0.02 + radius_m) / C)


@given(azimuth=st.floats(-1.5, 1.5), elevation=st.floats(-1.5, 1.5))
def test_a_plane_wave_travels_along_a_unit_vector(azimuth: float, elevation: float) -> None:
    direction = PlaneWave(azimuth_rad=azimuth, elevation_rad=elevation).direction
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[1] == pytest.approx(math.sin(elevation))
    assert math.atan2(direction[0], direction[2]) == pytest.approx(azimuth, abs=1e-9)


def waves(turn: NDArray[np.float64], shift_m: NDArray[np.float64]) -> list[Transmit]:
    def place(point: tuple[float, float, float]) -> Any:
        return tuple((turn @ np.array(point) + shift_m).tolist())

    origin_m = place((0.0, 0.0, 0.0))
    return [
        DivergingWave(source_m=place((2e-3, 0.0, -9e-3)), origin_m=origin_m),
        FocusedWave(focus_m=place((4e-3, 1e-3, 30e-3)), origin_m=origin_m),
        SingleElement(element=17),
    ]


@given(
    angle=st.floats(-3, 3),
    axis=st.tuples(*(st.floats(0.1, 1),) * 3),
    shift=st.tuples(*(st.floats(-0.05, 0.05),) * 3),
)
def test_turning_and_moving_everything_changes_no_time(
    angle: float, axis: tuple[float, ...], shift: tuple[float, ...]
) -> None:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    shift_m = np.array(shift)
    moved = Probe.from_dict(
        PROBE.to_dict()
        | {
            "element_positions_m": (PROBE.element_positions_m @ turn.T + shift_m).tolist(),
            "element_normals": (PROBE.element_normals @ turn.T).tolist(),
        }
    )
    points_m = np.array([[0, 0, 10e-3], [5e-3, 2e-3, 30e-3], [-9e-3, 0, 55e-3]])
    pairs = zip(waves(np.eye(3), np.zeros(3)), waves(turn, shift_m), strict=True)
    for still, turned in pairs:
        assert np.allclose(
            still.arrival_time_s(points_m, PROBE, C),
            turned.arrival_time_s(points_m @ turn.T + shift_m, moved, C),
            rtol=0,
            atol=1e-13,
        )
        assert np.allclose(
            still.element_delays_s(PROBE, C),
            turned.element_delays_s(moved, C),
            rtol=0,
            atol=1e-13,
            equal_nan=True,
        )


def test_silent_elements_have_no_delay() -> None:
    delays_s = PlaneWave(aperture=(10, 20)).element_delays_s(PROBE, C)
    assert np.flatnonzero(np.isfinite(delays_s)).tolist() == list(range(10, 20))
    alone_s = SingleElement(element=3).element_delays_s(PROBE, C)
    assert np.flatnonzero(np.isfinite(alone_s)).tolist() == [3]
    assert alone_s[3] == 0


EVERY_KIND = TransmitSequence(
    transmits=(
        PlaneWave(azimuth_rad=0.1, elevation_rad=-0.2, aperture=(0, 32)),
        DivergingWave(source_m=(1e-3, 0.0, -5e-3), origin_m=(1e-3, 0.0, 0.0)),
        FocusedWave(focus_m=(0.0, 0.0, 0.03), transition_m=1e-3, aperture=(1, 3)),
        SingleElement(element=7),
    ),
    frequency_hz=5e6,
    n_cycles=1.5,
    prf_hz=5000,
)


def test_json_gives_the_same_sequence_back() -> None:
    again = TransmitSequence.from_dict(json.loads(json.dumps(EVERY_KIND.to_dict())))
    assert again == EVERY_KIND
    assert len(again) == 4


def test_numpy_numbers_can_be_written_as_json() -> None:
    sequence = TransmitSequence(
        transmits=(
            SingleElement(element=np.int64(3)),  # type: ignore[arg-type]
            PlaneWave(azimuth_rad=np.float32(0.5), aperture=np.array([1, 4])),  # type: ignore[arg-type]
            FocusedWave(focus_m=np.array([0, 0, 0.02]), transition_m=np.float32(0.5)),  # type: ignore[arg-type]
        ),
        frequency_hz=np.float32(5e6),  # type: ignore[arg-type]
    )
    assert TransmitSequence.from_dict(json.loads(json.dumps(sequence.to_dict()))) == sequence


def test_delays_are_stacked_in_firing_order() -> None:
    delays_s = EVERY_KIND.delays_s(PROBE, C)
    assert delays_s.shape == (4, 64)
    for row, wave in zip(delays_s, EVERY_KIND.transmits, strict=True):
        assert np.array_equal(row, wave.element_delays_s(PROBE, C), equal_nan=True)


def test_a_description_counts_each_kind() -> None:
    twice = TransmitSequence(transmits=(PlaneWave(), SingleElement(element=0), PlaneWave()))
    assert twice.describe() == "2 × plane, 1 × single element"


@pytest.mark.parametrize(
    "make",
    [
        lambda: PlaneWave(azimuth_rad=math.pi / 2),
        lambda: PlaneWave(elevation_rad=math.nan),
        lambda: PlaneWave(azimuth_rad="steep"),
        lambda: PlaneWave(aperture=(4, 4)),
        lambda: PlaneWave(aperture=(-1, 4)),
        lambda: PlaneWave(aperture=(0, 4, 8)),
        lambda: PlaneWave(aperture=(0.5, 4)),
        lambda: PlaneWave(aperture=7),
        lambda: DivergingWave(source_m=(0, 0)),
        lambda: DivergingWave(source_m=(0, 0, math.inf)),
        lambda: DivergingWave(source_m=None),
        lambda: FocusedWave(focus_m=(0, 0, 0)),
        lambda: FocusedWave(focus_m=(0, 0, math.nan)),
        lambda: FocusedWave(focus_m=(0, 0, 0.02), transition_m=0),
        lambda: FocusedWave(focus_m=(0, 0, 0.02), transition_m=math.nan),
        lambda: SingleElement(element=-1),
        lambda: SingleElement(element=1.5),
        lambda: SingleElement(element=1, aperture=(0, 2)),
        lambda: TransmitSequence(transmits=()),
        lambda: TransmitSequence(transmits=(PlaneWave(),) * (MAX_TRANSMITS + 1)),
        lambda: TransmitSequence(transmits=("plane",)),
        lambda: DivergingWave(source_m=(0.0, 0.0, -1.1e6)),
        lambda: FocusedWave(focus_m=(1e200, 0.0, 0.02)),
        lambda: TransmitSequence(transmits=(PlaneWave(),), frequency_hz=0),
        lambda: TransmitSequence(transmits=(PlaneWave(),), n_cycles=None),
        lambda: TransmitSequence(transmits=(PlaneWave(),), prf_hz=math.inf),
    ],
)
def test_what_is_no_transmit_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()


def test_elements_that_the_probe_lacks_are_refused() -> None:
    with pytest.raises(ArgumentError, match="64"):
        SingleElement(element=64).element_delays_s(PROBE, C)
    with pytest.raises(ArgumentError, match="64"):
        SingleElement(element=64).arrival_time_s(np.zeros((1, 3)), PROBE, C)
    with pytest.raises(ArgumentError, match="65 elements"):
        PlaneWave(aperture=(0, 65)).element_delays_s(PROBE, C)


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"transmits": []},
        {"transmits": [{"kind": "square"}]},
        {"transmits": [{"kind": ["plane"]}]},
        {"transmits": [{"kind": "plane", "azimuth_rad": 10**400}]},
        {"transmits": [{"kind": "plane", "aperture": [0, math.inf]}]},
        {"transmits": [{"kind": "plane", "aperture": 5}]},
        {"transmits": [{"kind": "focused"}]},
        {"transmits": ["plane"]},
        {"transmits": None},
        {"transmits": [{"kind": "plane"}], "surprise": 1},
        None,
    ],
)
def test_a_damaged_description_is_refused(plain: Any) -> None:
    with pytest.raises(DataDamagedError, match="not a transmit sequence"):
        TransmitSequence.from_dict(plain)
