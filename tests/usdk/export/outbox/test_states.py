from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import StateError
from usdk.export.outbox.states import UNCONFIRMED, Event, State, next_state


def test_the_straight_way_leads_from_queued_to_purged() -> None:
    state = State.QUEUED
    for event in (Event.CLAIM, Event.ACCEPT, Event.CONFIRM, Event.RETAIN, Event.PURGE):
        state = next_state(state, event)
    assert state is State.PURGED


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_no_way_leads_to_purged_but_over_confirmation_or_a_persons_word(
    events: list[Event],
) -> None:
    state, allowed = State.QUEUED, False
    for event in events:
        try:
            state = next_state(state, event)
        except StateError:
            continue
        allowed = allowed or event in (Event.CONFIRM, Event.DISCARD)
        if state in (State.CONFIRMED, State.RETAINED, State.PURGED):
            assert allowed
        else:
            assert state in UNCONFIRMED


def test_purged_is_the_end() -> None:
    for event in Event:
        with pytest.raises(StateError, match="purged"):
            next_state(State.PURGED, event)


def test_every_state_but_purged_can_be_left() -> None:
    for state in set(State) - {State.PURGED}:
        left = False
        for event in Event:
            try:
                left = left or next_state(state, event) is not state
            except StateError:
                continue
        assert left, state
