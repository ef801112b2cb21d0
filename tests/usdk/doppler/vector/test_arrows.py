"""Arrows start at their points and go the way of the flow."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler.vector import draw_arrows, solve_vectors
from usdk.errors import ArgumentError
from usdk.frame import Frame, Provenance
from usdk.scan import LinearScan, Raster

SCAN = LinearScan(x_m=np.array([-1e-3, 0, 1e-3]), z_m=np.array([9e-3, 10e-3, 11e-3]))
RASTER = Raster(x_m=-5e-3, z_m=5e-3, pixel_size_m=1e-4, n_rows=101, n_columns=101)
FRAME = Frame(
    pixels=np.full((101, 101), 60, np.uint8),
    raster=RASTER,
    dynamic_range_db=60,
    provenance=Provenance(
        probe="p", sequence="s", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
    ),
)


def vectors(v_x, v_z):
    looks = np.zeros((2, 3, 3, 2))
    looks[0, ..., 0] = looks[1, ..., 1] = -1
    velocity = np.stack((np.full((3, 3), -v_x), np.full((3, 3), -v_z)))
    return solve_vectors(velocity, np.full((2, 3, 3), 1e-6), looks, SCAN)


def only_middle():
    middle = np.zeros((3, 3), bool)
    middle[1, 1] = True
    return middle


def ink(frame):
    """Return (x, z) of the pixels of the arrow's colour, m."""
    rows, columns = np.nonzero(frame.pixels[..., 0] > 200)
    return np.stack((-5e-3 + 1e-4 * columns, 5e-3 + 1e-4 * rows), axis=-1)


@pytest.mark.parametrize(
    ("v_x", "v_z"), [(0.3, 0), (-0.3, 0), (0, 0.3), (0, -0.3), (0.2, 0.25), (-0.2, -0.25)]
)
def test_an_arrow_goes_from_its_point_the_way_that_the_flow_goes(v_x, v_z):
    drawn = draw_arrows(FRAME, vectors(v_x, v_z), s_per_picture=0.01, is_flow=only_middle())
    places = ink(drawn)
    way = np.array([v_x, v_z]) * 0.01
    along = (places - [0, 10e-3]) @ way / np.linalg.norm(way)
    # From the point to the tip, and no farther; the head, the widest part, is at the far end.
    assert along.min() == pytest.approx(0, abs=2e-4)
    assert along.max() == pytest.approx(np.linalg.norm(way), abs=2e-4)
    across = np.abs((places - [0, 10e-3]) @ [-way[1], way[0]]) / np.linalg.norm(way)
    assert along[across.argmax()] > 0.55 * np.linalg.norm(way)
    assert across[along < 0.5 * np.linalg.norm(way)].max() < 2e-4
    assert drawn.is_colour
    np.testing.assert_array_equal(FRAME.pixels, 60)


def test_flow_towards_the_probe_goes_up_in_the_picture():
    drawn = draw_arrows(FRAME, vectors(0, -0.3), s_per_picture=0.01, is_flow=only_middle())
    rows = np.nonzero(drawn.pixels[..., 0] > 200)[0]
    assert rows.min() == pytest.approx(20, abs=2)
    assert rows.max() == pytest.approx(50, abs=2)


def test_slow_unsure_and_hidden_vectors_have_no_arrow():
    same = np.repeat(FRAME.pixels[..., np.newaxis], 3, axis=2)
    for options in (
        {"vectors": vectors(0.01, 0)},
        {"vectors": vectors(0.3, 0), "least_confidence": 1.1},
        {"vectors": vectors(0.3, 0), "is_flow": np.zeros((3, 3))},
        {"vectors": vectors(np.nan, 0.3)},
    ):
        drawn = draw_arrows(FRAME, s_per_picture=0.01, **options)
        np.testing.assert_array_equal(drawn.pixels, same)


def test_arrows_keep_their_distance_and_may_leave_the_picture():
    few = ink(draw_arrows(FRAME, vectors(0.1, 0), s_per_picture=0.01, spacing_m=1e-2))
    many = ink(draw_arrows(FRAME, vectors(0.1, 0), s_per_picture=0.01, spacing_m=1e-3))
    assert len(many) > 5 * len(few)
    draw_arrows(FRAME, vectors(3, 3), s_per_picture=0.01)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="is_flow"):
        draw_arrows(FRAME, vectors(0.1, 0), s_per_picture=0.01, is_flow=np.ones(3))
    with pytest.raises(ArgumentError, match="s_per_picture"):
        draw_arrows(FRAME, vectors(0.1, 0), s_per_picture=0)
