from __future__ import annotations

import numpy as np
import pytest

from usdk.doppler import Correlations
from usdk.errors import ArgumentError


def test_places_to_write_to_have_the_arrays_asked_for() -> None:
    plain = Correlations.empty((3, 4), lag=2)
    assert (plain.shape, plain.lag, plain.axial) == ((3, 4), 2, None)
    assert (plain.power.dtype, plain.lag_one.dtype) == (np.float32, np.complex64)
    axial = Correlations.empty((3, 4), axial=True).axial
    assert axial is not None
    assert (axial.shape, axial.dtype) == ((3, 4), np.complex64)


@pytest.mark.parametrize("name", ["lag_one", "axial"])
def test_arrays_of_another_shape_are_refused_by_name(name: str) -> None:
    arrays = {"lag_one": np.zeros((3, 4), np.complex64), "axial": np.zeros((3, 4), np.complex64)}
    arrays[name] = np.zeros((3, 5), np.complex64)
    with pytest.raises(ArgumentError, match=name):
        Correlations(power=np.zeros((3, 4), np.float32), **arrays)
