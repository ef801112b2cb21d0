from __future__ import annotations

import io

import pytest

from usdk.errors import ArgumentError, DataDamagedError, UsdkError
from usdk.export.delivery.bandwidth import BURST_S, MeteredReader, TokenBucket
from usdk.export.delivery.rate import WINDOW_S, RateMeter


def test_a_bucket_lets_its_rate_through_and_one_burst_more() -> None:
    now = [0.0]
    bucket = TokenBucket(
        1000.0, clock=lambda: now[0], sleep=lambda wait_s: now.__setitem__(0, now[0] + wait_s)
    )
    for _ in range(100):
        bucket.take(100)
    assert now[0] == pytest.approx(10.0 - BURST_S)
    now[0] += 3600.0
    bucket.take(int(1000 * BURST_S))
    before = now[0]
    bucket.take(1000)
    assert now[0] - before == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_lets_nothing_through_is_refused(rate: float) -> None:
    with pytest.raises(ArgumentError):
        TokenBucket(rate)


def test_what_is_read_is_counted_and_the_files_own_errors_are_told() -> None:
    class Damaged(io.BytesIO):
        def read(self, n: int | None = -1) -> bytes:
            data = super().read(n)
            if not data:
                raise DataDamagedError("damaged")
            return data

    counted: list[int] = []
    errors: list[UsdkError] = []
    reader = MeteredReader(
        Damaged(b"x" * 100), bucket=None, on_bytes=counted.append, on_error=errors.append
    )
    assert reader.read(60) == b"x" * 60
    with pytest.raises(DataDamagedError):
        reader.readall()
    assert sum(counted) == 100
    assert len(errors) == 1


def test_a_rate_is_over_the_last_seconds_alone() -> None:
    meter = RateMeter(0.0)
    meter.add(1000, 1.0)
    assert meter.bytes_per_s(2.0) == pytest.approx(500.0)
    assert meter.bytes_per_s(2.0 + WINDOW_S) == 0.0
    assert meter.n_bytes == 1000
    for second in range(100_000):
        meter.add(1, float(second))
    assert len(meter._slots) < 50
