from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.export.outbox.space import Space

N_BYTES = st.integers(0, 10_000)


@given(used=N_BYTES, free=N_BYTES, quota=st.none() | N_BYTES, reserve=N_BYTES, n=N_BYTES)
def test_what_fits_keeps_quota_and_reserve(
    used: int, free: int, quota: int | None, reserve: int, n: int
) -> None:
    short = Space(used, free, quota, reserve).shortage_bytes(n)
    fits = free - n >= reserve and (quota is None or used + n <= quota)
    assert (short == 0) == fits
    # With so much removed it fits, and with a byte less it does not.
    assert Space(used - short, free + short, quota, reserve).shortage_bytes(n) == 0
    if short:
        assert Space(used - short + 1, free + short - 1, quota, reserve).shortage_bytes(n) == 1


@pytest.mark.parametrize(("quota", "words"), [(100, "quota of 100"), (None, "50 are kept free")])
def test_a_refusal_names_the_limit_and_what_to_do(quota: int | None, words: str) -> None:
    refusal = str(Space(90, 60, quota, 50).refusal(20))
    assert words in refusal
    assert "bring the line back" in refusal
