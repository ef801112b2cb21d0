from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from usdk.arguments import count, finite, number, positive, require_instance
from usdk.errors import ArgumentError

NO_NUMBERS: list[Any] = [None, "x", "", 1j, [], (1.0, 2.0), 10**400, object(), np.zeros(3)]


@pytest.mark.parametrize("take", [number, finite, positive])
@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_is_no_number_is_refused_by_name(take: Any, value: Any) -> None:
    with pytest.raises(ArgumentError, match="gain_db"):
        take(value, "gain_db")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_a_number_may_be_infinite_or_nan(value: float) -> None:
    assert number(value, "fill") == pytest.approx(value, nan_ok=True)
    for take in (finite, positive):
        with pytest.raises(ArgumentError, match="finite"):
            take(value, "fill")


def test_numbers_become_plain_floats() -> None:
    for value in (2, np.float32(2), np.int16(2), True + True):
        assert type(finite(value, "x")) is float
        assert positive(value, "x") == 2


@pytest.mark.parametrize("value", [0, -1.0, -0.0])
def test_positive_is_more_than_zero(value: float) -> None:
    with pytest.raises(ArgumentError, match="positive"):
        positive(value, "x")


@pytest.mark.parametrize("value", [*NO_NUMBERS, math.nan, math.inf, 2.5, 0, 9, b"2"])
def test_counts_are_whole_and_within_limits(value: Any) -> None:
    with pytest.raises(ArgumentError, match="n_frames"):
        count(value, "n_frames", most=8)


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3)])
def test_whole_numbers_count(value: Any) -> None:
    assert count(value, "n", least=3, most=3) == 3
    assert type(count(value, "n", most=8)) is int


def test_a_message_does_not_show_all_of_an_array() -> None:
    with pytest.raises(ArgumentError, match=r"got ndarray$"):
        finite(np.zeros(1000), "x")
    with pytest.raises(ArgumentError, match="…"):
        count(10**400, "x", most=8)


def test_an_object_of_another_class_is_refused_by_name() -> None:
    require_instance(3, int, "n")
    with pytest.raises(ArgumentError, match="n must be a int, got str"):
        require_instance("3", int, "n")
