"""Points along lines and arrival times against their equations in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.line_points import line_points

C = 1540.0


@pytest.mark.parametrize(
    "kernel",
    [line_points, getattr(line_points, "py_func", line_points)],
    ids=["compiled", "python"],
)
@pytest.mark.parametrize(("start", "stop"), [(0, 35), (3, 31), (7, 14), (9, 11), (20, 20)])
def test_points_and_times_are_those_of_the_equations(kernel, start, stop):
    rng = np.random.default_rng(0)
    bases = rng.uniform(-1e-2, 1e-2, (5, 3))
    directions = rng.standard_normal((5, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    ranges = np.linspace(1e-3, 4e-2, 7)
    normal, source = np.array([0.6, 0.0, 0.8]), np.array([1e-3, -2e-3, -5e-3])
    waves = np.array([[*(normal / C), 0, 0, 0, 0, 1e-7], [0, 0, 0, *source, 1 / C, -3e-6]])
    points = np.full((stop - start, 3), np.nan, np.float32)
    times = np.full((2, stop - start), np.nan)
    kernel(bases, directions, ranges, waves, start, stop, points, times)
    expected = (bases[:, None] + ranges[:, None] * directions[:, None]).reshape(-1, 3)[start:stop]
    np.testing.assert_allclose(points, expected, rtol=1e-7)
    np.testing.assert_allclose(times[0], expected @ normal / C + 1e-7, rtol=1e-14, atol=1e-20)
    distance = np.linalg.norm(expected - source, axis=1)
    np.testing.assert_allclose(times[1], distance / C - 3e-6, rtol=1e-12, atol=1e-18)


def test_one_specialisation_serves_all_calls():
    assert len(getattr(line_points, "signatures", [None])) <= 1
