from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.scan import Plane, Raster

BOX = (-2e-3, 4e-3, -1e-3, 3e-3, 10e-3, 30e-3)
RASTER = Raster(x_m=-1e-3, z_m=2e-3, pixel_size_m=0.5e-3, n_rows=4, n_columns=3)


@pytest.mark.parametrize(
    ("plane", "corner", "far"),
    [
        (Plane.at_y(1e-3), (-1e-3, 1e-3, 2e-3), (0.0, 1e-3, 3.5e-3)),
        (Plane.at_x(1e-3), (1e-3, -1e-3, 2e-3), (1e-3, 0.0, 3.5e-3)),
        (Plane.at_z(9e-3), (-1e-3, 2e-3, 9e-3), (0.0, 3.5e-3, 9e-3)),
    ],
)
def test_a_raster_runs_along_the_plane_s_directions(plane: Plane, corner: Any, far: Any) -> None:
    points_m = plane.points_m(RASTER)
    assert points_m.shape == (4, 3, 3)
    np.testing.assert_allclose(points_m[0, 0], corner, atol=1e-15)
    np.testing.assert_allclose(points_m[-1, -1], far, atol=1e-15)


def test_orthogonal_planes_cut_a_box_in_its_faces_sizes() -> None:
    for plane, (width_m, height_m) in (
        (Plane.at_y(), (6e-3, 20e-3)),
        (Plane.at_x(), (4e-3, 20e-3)),
        (Plane.at_z(20e-3), (6e-3, 4e-3)),
    ):
        raster = plane.raster(BOX, pixel_size_m=0.1e-3)
        assert (raster.n_columns - 1) * 0.1e-3 == pytest.approx(width_m)
        assert (raster.n_rows - 1) * 0.1e-3 == pytest.approx(height_m)


def test_a_diagonal_plane_cuts_a_hexagon_of_the_known_size() -> None:
    # Through the middle of a cube of side 2, at right angles to its space diagonal: a regular
    # hexagon of side √2.
    across = np.array([1.0, -1.0, 0.0]) / math.sqrt(2)
    down = np.array([1.0, 1.0, -2.0]) / math.sqrt(6)
    plane = Plane(across=tuple(across), down=tuple(down))
    raster = plane.raster((-1, 1, -1, 1, -1, 1), pixel_size_m=1e-3)
    assert (raster.n_columns - 1) * 1e-3 == pytest.approx(2 * math.sqrt(2), abs=1e-3)
    assert (raster.n_rows - 1) * 1e-3 == pytest.approx(math.sqrt(6), abs=1e-3)


@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    origin=st.tuples(st.floats(-1e-3, 3e-3), st.floats(-0.5e-3, 2.5e-3), st.floats(12e-3, 28e-3)),
)
def test_a_plane_through_a_box_shows_all_of_the_cut(
    angles: tuple[float, float, float], origin: tuple[float, float, float]
) -> None:
    a, b, c = angles
    turn = _turn(0, a) @ _turn(1, b) @ _turn(2, c)
    plane = Plane(origin_m=origin, across=tuple(turn[0]), down=tuple(turn[1]))
    raster = plane.raster(BOX, n_rows=40)
    # Beyond the raster by a pixel, no point of the plane lies in the box.
    wide = Raster(x_m=-0.05, z_m=-0.05, pixel_size_m=0.5e-3, n_rows=200, n_columns=200)
    points_m = plane.points_m(wide)
    box = np.array(BOX).reshape(3, 2)
    inside = ((points_m >= box[:, 0]) & (points_m <= box[:, 1])).all(axis=-1)
    rows, columns = np.nonzero(inside)
    size_m = raster.pixel_size_m
    x_m, z_m = -0.05 + 0.5e-3 * columns, -0.05 + 0.5e-3 * rows
    assert (x_m >= raster.x_m - size_m).all()
    assert (x_m <= raster.x_m + raster.n_columns * size_m).all()
    assert (z_m >= raster.z_m - size_m).all()
    assert (z_m <= raster.z_m + raster.n_rows * size_m).all()


def _turn(axis: int, angle: float) -> Any:
    matrix = np.eye(3)
    i, j = (k for k in range(3) if k != axis)
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
    return matrix


def test_vectors_of_a_few_digits_become_exact() -> None:
    plane = Plane(across=(0.7071, 0.7071, 0.0))
    assert math.hypot(*plane.across) == pytest.approx(1, abs=1e-15)
    assert np.dot(plane.across, plane.down) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Plane(across=(2.0, 0.0, 0.0)),
        lambda: Plane(across=(0.0, 0.0, 1.0)),
        lambda: Plane(origin_m=(0.0, math.nan, 0.0)),
        lambda: Plane(origin_m=(0.0, 0.0)),  # type: ignore[arg-type]
        lambda: Plane(down="z"),  # type: ignore[arg-type]
        lambda: Plane.at_y(1.0).raster(BOX),
        lambda: Plane.at_y(3e-3).raster(BOX, n_rows=1),
        lambda: Plane.at_y(0.0).raster(BOX, n_rows=10, pixel_size_m=1e-3),
    ],
)
def test_what_is_no_plane_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()


@pytest.mark.parametrize(
    "bounds_m", [(0.0, 1.0, 0.0, 1.0), "box", None, (0.0, 1.0, 0.0, 1.0, 0.0, np.nan)]
)
def test_a_box_has_six_bounds(bounds_m: Any) -> None:
    with pytest.raises(ArgumentError, match="bounds_m"):
        Plane.at_y().raster(bounds_m)
