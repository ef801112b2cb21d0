from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usdk.export.delivery.line_choice import (
    CHECK_CAP_S,
    RETURN_AFTER_S,
    Health,
    LineChoice,
)

EVENTS = st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.floats(0.0, 40.0)), max_size=60)


def test_at_first_no_line_is_used_and_all_are_due() -> None:
    choice = LineChoice.of(2)
    assert choice.in_use is None
    assert choice.due(0.0) == [0, 1]


def test_a_failure_switches_at_once_and_the_return_waits() -> None:
    choice = LineChoice.of(2).succeeded(0, 0.0).succeeded(1, 0.0)
    assert choice.in_use == 0
    choice = choice.failed(0, 1.0, 0.5)
    assert choice.in_use == 1
    choice = choice.succeeded(0, 5.0)
    assert choice.at(5.0 + RETURN_AFTER_S - 0.1).in_use == 1
    assert choice.at(5.0 + RETURN_AFTER_S).in_use == 0


def test_the_preferred_line_is_used_as_soon_as_it_is_first_found_up() -> None:
    choice = LineChoice.of(2).succeeded(1, 0.0)
    assert choice.in_use == 1
    assert choice.succeeded(0, 0.1).in_use == 0


def test_the_only_line_that_answers_is_used_at_once() -> None:
    choice = LineChoice.of(2).failed(0, 0.0, 0.5).failed(1, 0.0, 0.5)
    assert choice.in_use is None
    assert choice.succeeded(0, 1.0).in_use == 0


def test_a_line_that_flaps_does_not_take_over() -> None:
    choice = LineChoice.of(2).failed(0, 0.0, 0.5).succeeded(1, 0.0)
    now_s = 1.0
    for _ in range(20):
        choice = choice.succeeded(0, now_s).at(now_s + 10.0)
        assert choice.in_use == 1
        choice = choice.failed(0, now_s + 10.0, 0.5)
        now_s += 11.0


def test_a_receiver_that_asks_to_be_left_alone_is_and_no_wait_is_shortened() -> None:
    choice = LineChoice.of(2).failed(0, 10.0, 0.0).left_alone(0, 130.0)
    assert choice.due(129.0) == [1]
    assert choice.left_alone(0, 20.0).lines[0].check_at_s == 130.0
    assert choice.due(130.0) == [0, 1]


@given(EVENTS)
def test_the_line_in_use_is_up_and_none_only_if_none_is(
    events: list[tuple[int, bool, float]],
) -> None:
    choice, now_s = LineChoice.of(2), 0.0
    for line, works, wait_s in events:
        now_s += wait_s
        choice = choice.at(now_s)
        choice = choice.succeeded(line, now_s) if works else choice.failed(line, now_s, 0.9)
        up = [index for index, state in enumerate(choice.lines) if state.health is Health.UP]
        assert (choice.in_use is None) == (not up)
        assert choice.in_use is None or choice.in_use in up
        for state in choice.lines:
            assert state.check_at_s <= now_s + CHECK_CAP_S


@given(st.integers(1, 500), st.floats(0, 1, exclude_max=True))
def test_a_line_that_is_down_is_asked_again_within_the_cap(n: int, chance: float) -> None:
    choice = LineChoice.of(1)
    for _ in range(n):
        choice = choice.failed(0, 0.0, chance)
    assert 0 <= choice.next_check_s() <= CHECK_CAP_S
