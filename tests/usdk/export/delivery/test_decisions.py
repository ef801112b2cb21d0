from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.export.delivery.backoff import CAP_S, backoff_s
from usdk.export.delivery.decisions import (
    ASK_CAP_S,
    PENDING_ALARM_S,
    after_answer,
    after_break,
    after_confirmation,
)
from usdk.export.lines.line import Answer, Confirmation
from usdk.export.outbox.states import Event, State, next_state

CHANCE = st.floats(0, 1, exclude_max=True)


@given(st.sampled_from(list(Answer)), st.integers(1, 10**6), CHANCE)
def test_every_answer_leads_somewhere_within_the_cap(
    answer: Answer, n_tries: int, chance: float
) -> None:
    decision = after_answer(answer, "", n_tries, chance)
    next_state(State.SENDING, decision.event)
    assert 0 <= decision.delay_s <= CAP_S
    assert (decision.event is Event.ACCEPT) == (answer is Answer.ACCEPTED)
    assert bool(decision.alarm) == (answer is Answer.REFUSED)


@given(
    st.sampled_from(list(Confirmation)),
    st.floats(0, 1e9),
    st.integers(0, 10**6),
    CHANCE,
    st.sampled_from([State.SENDING, State.ACCEPTED]),
)
def test_every_finding_leads_somewhere_within_the_cap(
    found: Confirmation, waited_s: float, n_lost: int, chance: float, state: State
) -> None:
    decision = after_confirmation(found, waited_s=waited_s, n_lost=n_lost, chance=chance)
    next_state(state, decision.event)
    assert 0 <= decision.delay_s <= max(CAP_S, ASK_CAP_S)
    proven = found in (Confirmation.CONFIRMED, Confirmation.TRANSCODED)
    assert (decision.event is Event.CONFIRM) == proven


@pytest.mark.parametrize(
    ("found", "waited_s", "n_lost", "alarm"),
    [
        (Confirmation.DIFFERENT, 0.0, 0, True),
        (Confirmation.ABSENT, 0.0, 0, False),
        (Confirmation.ABSENT, 0.0, 1, True),
        (Confirmation.PENDING, 10.0, 0, False),
        (Confirmation.PENDING, PENDING_ALARM_S, 0, True),
    ],
)
def test_alarms_are_for_what_a_person_must_know(
    found: Confirmation, waited_s: float, n_lost: int, alarm: bool
) -> None:
    decision = after_confirmation(found, waited_s=waited_s, n_lost=n_lost, chance=0.5)
    assert bool(decision.alarm) == alarm


def test_after_the_first_break_there_is_no_wait() -> None:
    assert after_break("cut", 1, 0.99).delay_s == 0.0
    assert after_break("cut", 3, 0.5).delay_s == 1.0


@given(st.integers(1, 10**9), CHANCE)
def test_back_off_is_full_jitter_under_a_doubling_bound(n: int, chance: float) -> None:
    bound_s = min(CAP_S, 2.0 ** min(n - 1, 60))
    assert backoff_s(n, chance) == pytest.approx(chance * bound_s)
    assert backoff_s(0, chance) == 0.0
