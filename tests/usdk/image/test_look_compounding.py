from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.image.look_compounding import (
    LookCompounding,
    add_look,
    finish_looks,
)


def compounded(how: LookCompounding, looks: NDArray[np.float32]) -> NDArray[np.float32]:
    total = np.full(looks.shape[1:], np.nan, np.float32)
    for index, look in enumerate(looks):
        add_look(how, index == 0, look.copy(), total)
    finish_looks(how, len(looks), total)
    return total


def test_each_way_is_its_formula() -> None:
    looks = np.random.default_rng(0).rayleigh(1.0, (5, 30, 40)).astype(np.float32)
    for how, expected in (
        (LookCompounding.MEAN, looks.mean(axis=0)),
        (LookCompounding.RMS, np.sqrt(np.mean(looks**2, axis=0))),
        (LookCompounding.MAXIMUM, looks.max(axis=0)),
    ):
        assert compounded(how, looks) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("n", [1, 3, 6])
def test_speckle_falls_with_independent_looks_as_theory_says(n: int) -> None:
    looks = np.random.default_rng(n).rayleigh(1.0, (n, 300, 300)).astype(np.float32)
    mean = compounded(LookCompounding.MEAN, looks)
    assert mean.mean() / mean.std() == pytest.approx(1.913 * math.sqrt(n), rel=0.02)
    # The sum of n powers is gamma distributed: its root has these two moments.
    rms = compounded(LookCompounding.RMS, looks)
    first = math.gamma(n + 0.5) / math.gamma(n)
    assert rms.mean() / rms.std() == pytest.approx(first / math.sqrt(n - first**2), rel=0.02)
