"""Scratch is lent to one borrower at a time, and made once for each that needs it at once."""

from __future__ import annotations

import pytest

from usdk.scratch import Scratch


def counted() -> tuple[Scratch[list[int]], list[list[int]]]:
    made: list[list[int]] = []

    def make() -> list[int]:
        made.append([])
        return made[-1]

    return Scratch(make), made


def test_one_borrower_after_the_other_has_the_same_piece() -> None:
    scratch, made = counted()
    for number in range(3):
        with scratch.lent() as piece:
            piece.append(number)
    assert made == [[0, 1, 2]]


def test_two_borrowers_at_a_time_have_a_piece_each() -> None:
    scratch, made = counted()
    with scratch.lent() as first, scratch.lent() as second:
        assert first is not second
    with scratch.lent(), scratch.lent():
        assert len(made) == 2


def test_a_piece_comes_back_from_work_that_fails() -> None:
    scratch, made = counted()
    with pytest.raises(ValueError, match="broken"), scratch.lent():
        raise ValueError("broken")
    assert scratch.take() is made[0]
