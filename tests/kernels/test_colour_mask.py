from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk_kernels.colour_mask import GREATEST_WEIGHT, LEAST_WEIGHT, colour_mask

KERNELS = pytest.mark.parametrize(
    "kernel",
    [colour_mask, getattr(colour_mask, "py_func", colour_mask)],
    ids=["compiled", "python"],
)


def mask(
    kernel: Any,
    velocity: Any,
    power: Any,
    level: Any,
    *,
    reference: float = 1.0,
    least_db: float = -math.inf,
    wall: float = 0.0,
    n: int = 0,
) -> NDArray[np.float32]:
    maps = [np.array(values, np.float32) for values in (velocity, power, level)]
    shape = maps[0].shape
    passed = np.full((shape[0] + 2, shape[1] + 2), 9, np.uint8)
    out = np.full(shape, 5, np.float32)
    with np.errstate(all="ignore"):
        kernel(*maps, reference, least_db, wall, n, passed, out)
    return out


@KERNELS
def test_level_and_speed_must_reach_their_thresholds(kernel: Any) -> None:
    out = mask(
        kernel,
        [[0.1, -0.1, 0.09, -0.09, 0.1]],
        [[1, 2, 3, 4, 5]],
        [[-20, -20, 0, 0, -20.1]],
        reference=2.0,
        least_db=-20.0,
        wall=0.1,
    )
    assert out.tolist() == [[0.5, 1.0, 0, 0, 0]]


@KERNELS
def test_what_is_no_number_is_not_shown(kernel: Any) -> None:
    nan, inf = math.nan, math.inf
    out = mask(
        kernel,
        [[nan, 0, 0, inf, -inf, 0, 0, 0]],
        [[1, nan, 1, 1, 1, 0, -1, inf]],
        [[0, 0, nan, 0, 0, 0, 0, 0]],
    )
    assert out[0, :7].tolist() == [0] * 7
    assert out[0, 7] == GREATEST_WEIGHT


@KERNELS
def test_weights_stay_within_their_limits(kernel: Any) -> None:
    out = mask(kernel, [[0, 0]], [[1e-38, 1e38]], [[0, 0]], reference=1e-4)
    assert out[0].tolist() == [LEAST_WEIGHT, GREATEST_WEIGHT]


@KERNELS
@pytest.mark.parametrize("n", range(10))
def test_points_need_their_neighbours(kernel: Any, n: int) -> None:
    shown = np.random.default_rng(3).random((9, 11)) < 0.6
    out = mask(kernel, np.zeros(shown.shape), shown, np.zeros(shown.shape), n=n)
    padded = np.pad(shown, 1).astype(int)
    near = sum(
        padded[1 + i : 10 + i, 1 + j : 12 + j] for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j
    )
    assert np.array_equal(out > 0, shown & (near >= n))
