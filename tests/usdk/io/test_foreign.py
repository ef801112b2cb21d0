from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.errors import ArgumentError, DataDamagedError
from usdk.io.foreign import (
    MAX_SAMPLE_BYTES,
    channel_samples,
    damage,
    flat_kind,
    number,
    require_size,
)
from usdk.probe import ArrayKind


@pytest.mark.parametrize(
    ("given", "loaded"),
    [("int8", "int16"), ("int16", "int16"), ("float32", "float32"), ("float64", "float32")],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_keep_their_values_in_either_byte_order(
    given: str, loaded: str, order: str
) -> None:
    values = np.array([[-128, 0, 127]], np.dtype(given).newbyteorder(order))
    samples = channel_samples(values, "rf")
    assert samples.dtype == np.dtype(loaded)
    assert samples.dtype.isnative
    assert samples.tolist() == values.tolist()


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "int32", "float16", "complex64", "U1", "bool"]
)
def test_other_types_are_refused_by_name(dtype: str) -> None:
    with pytest.raises(DataDamagedError, match="rf holds"):
        channel_samples(np.zeros((2, 2), dtype), "rf")


@pytest.mark.parametrize("value", ["5", None, [1, 2], [], 1j, np.nan, np.inf, True])
def test_what_is_not_one_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(DataDamagedError, match="fs"):
        number(value, "fs")


def test_sizes_have_limits() -> None:
    require_size((MAX_SAMPLE_BYTES // 2,), np.dtype(np.int16), "rf")
    for shape in ((MAX_SAMPLE_BYTES // 2 + 1,), (0, 5), (2**62, 2**62)):
        with pytest.raises(DataDamagedError, match="can be read"):
            require_size(shape, np.dtype(np.int16), "rf")


def test_an_array_of_half_a_wavelength_is_phased() -> None:
    assert flat_kind(0.3e-3, 2.72e6, 1540) is ArrayKind.PHASED
    assert flat_kind(0.3e-3, 7.6e6, 1540) is ArrayKind.LINEAR


@pytest.mark.parametrize("error", [ArgumentError("x"), DataDamagedError("x"), KeyError("x")])
def test_every_refusal_names_the_file_and_what_was_expected(error: Exception) -> None:
    with (
        pytest.raises(DataDamagedError, match=r"/a/b is .*a tune.*x"),
        damage(Path("/a/b"), "a tune", KeyError),
    ):
        raise error


def test_a_programmers_error_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), damage(Path("/a"), "a tune", KeyError):
        raise ZeroDivisionError
