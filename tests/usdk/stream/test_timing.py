"""Durations of a stage."""

from __future__ import annotations

import pytest

from usdk.stream.timing import N_RECENT, Stopwatch, Timing


def test_nothing_was_taken_yet() -> None:
    assert Stopwatch().timing() == Timing()


def test_median_percentile_and_greatest_are_those_of_numpy_on_ten_values() -> None:
    watch = Stopwatch()
    for tenth in range(1, 11):
        watch.add(tenth / 10)
    timing = watch.timing()
    assert (timing.n, timing.greatest_s) == (10, 1.0)
    assert timing.total_s == pytest.approx(5.5)
    assert timing.median_s == pytest.approx(0.55)
    assert timing.p99_s == pytest.approx(0.991)


def test_percentiles_forget_what_is_long_past_and_the_count_does_not() -> None:
    watch = Stopwatch()
    watch.add(100.0)
    for _ in range(N_RECENT):
        watch.add(1.0)
    assert watch.timing().greatest_s == 1.0
    assert watch.timing().n == N_RECENT + 1
