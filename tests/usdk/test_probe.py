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

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import MAX_ELEMENTS, ArrayKind, Probe

BAND = {"centre_frequency_hz": 5e6, "fractional_bandwidth": 0.7}


def whole(**changes: Any) -> Probe:
    entries: dict[str, Any] = {
        "name": "three",
        "kind": ArrayKind.OTHER,
        "element_positions_m": np.array([[-1e-3, 0, 0], [0, 0, 0], [1e-3, 0, 0]]),
        "element_normals": np.tile([0.0, 0.0, 1.0], (3, 1)),
        "pitch_m": 1e-3,
        "element_width_m": 0.9e-3,
        **BAND,
    }
    return Probe(**(entries | changes))


def curved(n_elements: int = 128) -> Probe:
    return Probe.curved("c", n_elements=n_elements, pitch_m=0.508e-3, radius_m=49.57e-3, **BAND)


def test_a_linear_array_is_centred_and_evenly_pitched() -> None:
    probe = Probe.linear("l", n_elements=128, pitch_m=0.3e-3, **BAND)
    assert np.allclose(probe.element_positions_m.sum(axis=0), 0, atol=1e-15)
    assert np.allclose(np.diff(probe.element_positions_m[:, 0]), 0.3e-3)
    assert np.all(probe.element_normals == [0, 0, 1])
    assert probe.element_width_m == probe.pitch_m
    assert np.all(probe.centre_of_curvature_m == 0)


def test_a_curved_array_is_that_of_pymust() -> None:
    peer = pymust.getparam("C5-2v")
    x_m, z_m, tilt_rad, sagitta_m = peer.getElementPositions()
    probe = Probe.curved(
        "C5-2v",
        n_elements=int(peer.Nelements),
        pitch_m=float(peer.pitch),
        radius_m=float(peer.radius),
        **BAND,
    )
    # The peer's origin is the middle of the chord, ours the middle of the face.
    assert np.allclose(probe.element_positions_m[:, 0], np.ravel(x_m), atol=1e-12)
    ours_m = probe.element_positions_m[:, 2]
    assert np.allclose(ours_m, np.ravel(z_m) - (np.ravel(z_m) - ours_m).mean(), atol=1e-12)
    expected = np.column_stack((np.sin(np.ravel(tilt_rad)), np.cos(np.ravel(tilt_rad))))
    assert np.allclose(probe.element_normals[:, (0, 2)], expected, atol=1e-12)
    assert -ours_m[0] <= sagitta_m


@given(n=st.integers(1, 200), radius_m=st.floats(0.005, 0.2))
def test_a_curved_array_lies_on_its_circle_and_touches_the_origin(n: int, radius_m: float) -> None:
    pitch_m = radius_m / 100
    probe = Probe.curved("c", n_elements=n, pitch_m=pitch_m, radius_m=radius_m, **BAND)
    from_centre_m = probe.element_positions_m - [0, 0, -radius_m]
    assert np.allclose(np.linalg.norm(from_centre_m, axis=1), radius_m)
    assert np.allclose(from_centre_m, radius_m * probe.element_normals)
    assert np.allclose(probe.centre_of_curvature_m, [0, 0, -radius_m])
    chords_m = np.linalg.norm(np.diff(probe.element_positions_m, axis=0), axis=1)
    assert np.allclose(chords_m, pitch_m)
    if n % 2:
        assert np.allclose(probe.element_positions_m[n // 2], 0)


def test_a_matrix_runs_fastest_along_y() -> None:
    probe = Probe.matrix("m", n_elements_x=3, n_elements_y=2, pitch_m=1e-3, **BAND)
    assert probe.n_elements == 6
    assert np.allclose(probe.element_positions_m[:2], [[-1e-3, -0.5e-3, 0], [-1e-3, 0.5e-3, 0]])


@pytest.mark.parametrize(
    "probe",
    [
        whole(),
        whole(kind="linear", lens_delay_s=1e-7, element_height_m=5e-3),
        Probe.linear("p", n_elements=64, pitch_m=0.3e-3, kind=ArrayKind.PHASED, **BAND),
        curved(),
        Probe.matrix("m", n_elements_x=4, n_elements_y=4, pitch_m=0.3e-3, **BAND),
        whole(pitch_m=np.float32(0.3e-3), centre_frequency_hz=5_000_000),
    ],
    ids=lambda probe: probe.kind,
)
def test_json_gives_the_same_probe_back(probe: Probe) -> None:
    again = Probe.from_dict(json.loads(json.dumps(probe.to_dict(), allow_nan=False)))
    assert again.is_like(probe)
    assert not again.is_like(replace(probe, lens_delay_s=1e-6))
    assert np.array_equal(again.element_positions_m, probe.element_positions_m)
    assert again.kind is probe.kind
    assert again.radius_m == probe.radius_m


def test_geometry_cannot_be_changed() -> None:
    given_m = np.zeros((3, 3))
    probe = whole(element_positions_m=given_m)
    given_m[0] = 1
    assert np.all(probe.element_positions_m == 0)
    with pytest.raises(ValueError, match="read-only"):
        probe.element_normals[0, 0] = 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"element_positions_m": np.zeros(3)}, "shape"),
        ({"element_positions_m": np.zeros((0, 3))}, "shape"),
        ({"element_positions_m": np.zeros((3, 2))}, "shape"),
        ({"element_positions_m": np.zeros((2, 3))}, "one row per element"),
        ({"element_positions_m": np.zeros((MAX_ELEMENTS + 1, 3))}, "shape"),
        ({"element_positions_m": np.full((3, 3), np.nan)}, "NaN"),
        ({"element_positions_m": np.full((3, 3), 1.1e3)}, "within 1000 m"),
        ({"element_positions_m": "abc"}, "numbers"),
        ({"element_positions_m": [[10**400] * 3] * 3}, "numbers"),
        ({"element_positions_m": [[0, 0, 0], [0, 0]]}, "numbers"),
        ({"element_normals": np.zeros((3, 3))}, "unit"),
        ({"element_normals": np.full((3, 3), 1e200)}, "unit"),
        ({"element_normals": np.full((3, 3), np.inf)}, "infinite"),
        ({"centre_frequency_hz": 0.0}, "centre_frequency_hz"),
        ({"centre_frequency_hz": math.nan}, "centre_frequency_hz"),
        ({"centre_frequency_hz": "fast"}, "centre_frequency_hz"),
        ({"centre_frequency_hz": 10**400}, "centre_frequency_hz"),
        ({"centre_frequency_hz": None}, "centre_frequency_hz"),
        ({"fractional_bandwidth": -1.0}, "fractional_bandwidth"),
        ({"pitch_m": math.inf}, "pitch_m"),
        ({"element_width_m": 0.0}, "element_width_m"),
        ({"element_height_m": -1e-3}, "element_height_m"),
        ({"lens_delay_s": -1e-9}, "lens_delay_s"),
        ({"lens_delay_s": math.nan}, "lens_delay_s"),
        ({"radius_m": 0.0}, "radius_m"),
        ({"radius_m": math.nan}, "radius_m"),
        ({"kind": "banana"}, "linear, curved"),
        ({"kind": ArrayKind.CURVED}, "radius_m"),
    ],
)
def test_what_is_no_probe_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        whole(**changes)


@pytest.mark.parametrize("n_elements", [0, -1, 2.5, MAX_ELEMENTS + 1])
def test_a_count_of_elements_that_cannot_be_is_refused(n_elements: Any) -> None:
    with pytest.raises(ArgumentError, match="number of elements"):
        Probe.linear("l", n_elements=n_elements, pitch_m=0.3e-3, **BAND)


def test_a_width_of_zero_is_not_taken_for_the_pitch() -> None:
    with pytest.raises(ArgumentError, match="element_width_m"):
        Probe.linear("l", n_elements=8, pitch_m=0.3e-3, element_width_m=0.0, **BAND)


def test_too_large_a_matrix_is_refused_before_it_is_made() -> None:
    with pytest.raises(ArgumentError, match="at most"):
        Probe.matrix("m", n_elements_x=10_000, n_elements_y=10_000, pitch_m=1e-3, **BAND)


@pytest.mark.parametrize(
    ("pitch_m", "radius_m", "n_elements"),
    [(0.0, 0.05, 8), (0.11, 0.05, 8), (1e-3, math.inf, 8), (1e-3, math.nan, 8), (1e-3, 1e-3, 64)],
)
def test_an_arc_that_cannot_be_is_refused(pitch_m: float, radius_m: float, n_elements: int) -> None:
    with pytest.raises(ArgumentError):
        Probe.curved("c", n_elements=n_elements, pitch_m=pitch_m, radius_m=radius_m, **BAND)


@pytest.mark.parametrize(
    "damage",
    [
        lambda plain: plain.pop("radius_m"),
        lambda plain: plain.pop("name"),
        lambda plain: plain.update(kind="banana"),
        lambda plain: plain.update(kind=["linear"]),
        lambda plain: plain.update(unknown=1),
        lambda plain: plain.update(pitch_m=10**400),
        lambda plain: plain.update(element_normals={"a": 1}),
    ],
)
def test_a_damaged_description_is_refused(damage: Any) -> None:
    plain = whole().to_dict()
    damage(plain)
    with pytest.raises(DataDamagedError, match="not a probe description"):
        Probe.from_dict(plain)
