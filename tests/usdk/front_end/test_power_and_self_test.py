"""Power states and self-test: who is asked, and who is refused before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from usdk.errors import ArgumentError, StateError
from usdk.front_end import (
    ElementCondition,
    ElementTest,
    PowerState,
    SelfTest,
    open_front_end,
    power_state,
    self_test,
    set_power_state,
)


def test_findings_are_told_in_a_line() -> None:
    kinds = [ElementCondition.GOOD] * 3 + [ElementCondition.WEAK, ElementCondition.OPEN]
    found = SelfTest(elements=tuple(ElementTest(condition=kind) for kind in kinds))
    assert found.describe() == "3 of 5 elements good; open: 4; weak: 3"
    assert found.of(ElementCondition.GOOD) == (0, 1, 2)
    assert not found.is_good


def test_a_closed_front_end_is_neither_tested_nor_frozen() -> None:
    front_end = open_front_end("sim:phased-p4-2v")
    front_end.close()
    with pytest.raises(StateError, match="closed"):
        self_test(front_end)
    with pytest.raises(StateError, match="closed"):
        set_power_state(front_end, PowerState.FREEZE)


def test_a_self_test_needs_a_time_to_end() -> None:
    with open_front_end("sim:phased-p4-2v") as front_end, pytest.raises(ArgumentError):
        self_test(front_end, timeout_s=0.0)


def test_a_state_may_be_given_by_its_word() -> None:
    with open_front_end("sim:phased-p4-2v") as front_end:
        set_power_state(front_end, PowerState("standby"))
        assert power_state(front_end) is PowerState.STANDBY


@pytest.mark.parametrize("nothing", [None, "sim:phased-p4-2v", 7])
@pytest.mark.parametrize(
    "ask", [self_test, power_state, lambda one: set_power_state(one, PowerState.FREEZE)]
)
def test_what_is_no_front_end_is_refused(ask: Callable[[Any], object], nothing: object) -> None:
    with pytest.raises(ArgumentError, match=r"must be a FrontEnd, got .*: open one with"):
        ask(nothing)
