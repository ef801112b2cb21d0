"""Averaging of correlations over neighbours and frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import correlate1d

from usdk.doppler import Averager, Averaging, Correlations, average
from usdk.errors import ArgumentError
from usdk.image import Persistence

SHAPE = (9, 33)


def correlations(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> Correlations:
    rng = np.random.default_rng(seed)
    lag, axial = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape) for _ in range(2))
    return Correlations(
        rng.uniform(1, 2, shape).astype(np.float32),
        lag.astype(np.complex64),
        axial.astype(np.complex64),
    )


def arrays(some: Correlations) -> tuple[Any, Any, Any]:
    return some.power, some.lag_one, some.axial


@pytest.mark.parametrize("window", ["boxcar", "hann"])
def test_it_is_the_weighted_mean_of_the_neighbours_that_exist(window: str) -> None:
    raw = correlations()
    averaging = Averaging(n_lines=3, n_samples=7, window=window)

    def both(values: Any) -> Any:
        for axis, length in ((0, 3), (1, 7)):
            places = np.arange(1, length + 1) / (length + 1)
            weights = np.ones(length) if window == "boxcar" else np.sin(np.pi * places) ** 2
            values = correlate1d(values, weights, axis=axis, mode="constant")
        return values

    for before, after in zip(arrays(raw), arrays(average(raw, averaging)), strict=True):
        wanted = both(before.real) / both(np.ones(SHAPE))
        np.testing.assert_allclose(after.real, wanted, atol=1e-6)
        assert after.dtype == before.dtype


def test_a_window_of_one_changes_nothing() -> None:
    raw = correlations()
    for before, after in zip(arrays(raw), arrays(average(raw, Averaging())), strict=True):
        np.testing.assert_array_equal(before, after)
        assert not np.shares_memory(before, after)


def test_axes_before_lines_and_samples_stay_apart() -> None:
    raw, averaging = correlations(shape=(2, *SHAPE)), Averaging(n_lines=3, n_samples=3)
    both = average(raw, averaging)
    second = Correlations(raw.power[1], raw.lag_one[1], raw.axial[1])  # type: ignore[index]
    np.testing.assert_array_equal(both.lag_one[1], average(second, averaging).lag_one)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    raw, averaging = correlations(shape=(70, 90)), Averaging(n_lines=5, n_samples=9)
    one, three = (average(raw, averaging, threads=n) for n in (1, 3))
    for a, b in zip(arrays(one), arrays(three), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_variance_of_a_mean_of_many_falls_with_their_number() -> None:
    raw = correlations(shape=(200, 200))
    mean = average(raw, Averaging(n_lines=5, n_samples=5))
    inside = mean.lag_one[5:-5, 5:-5]
    assert np.var(inside) == pytest.approx(np.var(raw.lag_one) / 25, rel=0.1)


def test_frames_persist_as_the_recursion_says() -> None:
    averager = Averager(Averaging(persistence=0.6), SHAPE, axial=True)
    state: Any = None
    for number in range(4):
        raw = correlations(number)
        state = raw.lag_one if state is None else 0.6 * state + 0.4 * raw.lag_one
        found = averager(raw, sequence_number=number)
        np.testing.assert_allclose(found.lag_one, state, atol=1e-6)
    assert averager.n_bytes == 5 * 4 * np.prod(SHAPE)


def test_after_a_gap_or_a_reset_frames_begin_anew() -> None:
    averager = Averager(Averaging(n_samples=3, persistence=0.9), SHAPE, axial=True)
    fresh = average(correlations(1), averager.averaging)
    for options, is_reset in (
        ({"sequence_number": 2}, False), ({"sequence_number": 1, "is_after_gap": True}, False),
        ({"sequence_number": 1}, True),
    ):  # fmt: skip
        averager.reset()
        averager(correlations(0), sequence_number=0)
        if is_reset:
            averager.reset()
        found = averager(correlations(1), **options)  # type: ignore[arg-type]
        for a, b in zip(arrays(found), arrays(fresh), strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_time_constant_weighs_by_the_time_between_frames() -> None:
    averager = Averager(Averaging(persistence=Persistence(time_constant_s=0.1)), SHAPE, axial=True)
    averager(correlations(0), sequence_number=0, time_s=1.0)
    found = averager(correlations(1), sequence_number=1, time_s=1.05)
    share = np.exp(-0.5)
    wanted = share * correlations(0).power + (1 - share) * correlations(1).power
    np.testing.assert_allclose(found.power, wanted, rtol=1e-5)


def test_what_was_given_is_not_changed_by_persistence() -> None:
    averager = Averager(Averaging(persistence=0.5), SHAPE, axial=True)
    first, second = averager(correlations(0)), averager(correlations(1))
    assert not np.shares_memory(first.power, second.power)
    np.testing.assert_array_equal(first.power, correlations(0).power)


@pytest.mark.parametrize(
    "options",
    [
        {"n_lines": 2}, {"n_samples": 0}, {"n_lines": 257}, {"window": "cross"},
        {"persistence": 1.0}, {"persistence": -0.1}, {"n_samples": 1.5},
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(options: Any) -> None:
    with pytest.raises(ArgumentError):
        Averaging(**options)


def test_correlations_and_places_of_another_kind_are_refused() -> None:
    raw = correlations()
    with pytest.raises(ArgumentError, match="lines and samples"):
        average(correlations(shape=(9,)), Averaging())
    with pytest.raises(ArgumentError, match="not the correlations"):
        average(raw, Averaging(), out=raw)
    with pytest.raises(ArgumentError, match="out"):
        average(raw, Averaging(), out=Correlations.empty(SHAPE))
    with pytest.raises(ArgumentError, match="planned"):
        Averager(Averaging(), SHAPE)(raw)


def test_settings_are_told_in_a_few_words() -> None:
    assert Averaging(n_lines=3).describe() == "3 lines × 1 samples, boxcar"
    assert "persistence 0.5" in Averaging(persistence=0.5).describe()
    timed = Averaging(persistence=Persistence(time_constant_s=0.1))
    assert "time constant 0.1 s" in timed.describe()


def test_correlations_of_greater_precision_are_read_as_numbers() -> None:
    rng = np.random.default_rng(5)
    power = rng.random((4, 6))
    lag_one = rng.standard_normal((4, 6)) + 1j * rng.standard_normal((4, 6))
    window = Averaging(n_lines=3, n_samples=3)
    wide = average(Correlations(power, lag_one), window)  # type: ignore[arg-type]
    narrow = average(Correlations(power.astype(np.float32), lag_one.astype(np.complex64)), window)
    assert np.array_equal(wide.power, narrow.power)
    assert np.array_equal(wide.lag_one, narrow.lag_one)


@pytest.mark.parametrize("bad", [None, "x", np.zeros((4, 6), np.float32)])
def test_what_are_no_correlations_are_refused_by_name(bad: Any) -> None:
    with pytest.raises(ArgumentError, match="correlations"):
        average(bad, Averaging())
    with pytest.raises(ArgumentError, match="correlations"):
        Averager(Averaging(), (4, 6))(bad)


@pytest.mark.parametrize("shape", [None, "x", (3,), (2.5, 3), (-1, 3)])
def test_a_shape_that_is_none_is_refused(shape: Any) -> None:
    with pytest.raises(ArgumentError, match="shape"):
        Averager(Averaging(), shape)
