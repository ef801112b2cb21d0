"""A choice is a member, or its name."""

from __future__ import annotations

from enum import StrEnum

import pytest

from usdk.choice import choice
from usdk.errors import ArgumentError


class Fruit(StrEnum):
    APPLE = "apple"
    PEAR = "pear"


@pytest.mark.parametrize("value", ["pear", Fruit.PEAR])
def test_a_name_and_the_member_itself_choose_it(value: str) -> None:
    assert choice(Fruit, value) is Fruit.PEAR


def test_what_cannot_be_chosen_is_refused_with_what_can() -> None:
    with pytest.raises(ArgumentError, match="'plum' is not one of apple, pear"):
        choice(Fruit, "plum")


def test_a_message_does_not_show_all_of_what_cannot_be_chosen() -> None:
    for value in ("x" * 10_000, list(range(10_000))):
        with pytest.raises(ArgumentError) as refusal:
            choice(Fruit, value)  # type: ignore[arg-type]
        assert len(str(refusal.value)) < 200
