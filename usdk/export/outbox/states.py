"""The states of an object in the outbox, and what leads from one to the next. Nothing else.

::

    queued ──claim──> sending ──accept──> accepted ──confirm──> confirmed ──retain──> retained
      ^  ^               │                   │                                          │
      │  └───────────────┴── absent, release ┘                                        purge
      │                                                                                 v
      └──retry── held <── refuse, differ, lose (from any state before confirmed)      purged
"""

from __future__ import annotations

from enum import StrEnum

from usdk.errors import StateError

__all__ = ["UNCONFIRMED", "Event", "State", "next_state"]


class State(StrEnum):
    """Where an object stands."""

    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a process that is sending it, or asking for it."""
    ACCEPTED = "accepted"
    """The receiver said that it has it; nothing is proven yet."""
    CONFIRMED = "confirmed"
    """Read back and the same, or committed to."""
    RETAINED = "retained"
    """Confirmed, and kept on the unit for a while."""
    PURGED = "purged"
    """Its bytes are gone from the unit; its UID and digest are still known."""
    HELD = "held"
    """Waits for a person: refused, changed at the receiver, or damaged on the unit."""


UNCONFIRMED = (State.QUEUED, State.SENDING, State.ACCEPTED, State.HELD)
"""States in which the unit may hold the only copy."""


class Event(StrEnum):
    """What happens to an object."""

    ADD = "add"
    CLAIM = "claim"
    RELEASE = "release"
    """Not now, or no word of it: one asks for it before it is sent again."""
    INTERRUPT = "interrupt"
    """The line or the process broke off: whether the receiver has it is not known."""
    ACCEPT = "accept"
    REFUSE = "refuse"
    CONFIRM = "confirm"
    WAIT = "wait"
    """The receiver has no answer about it yet."""
    ABSENT = "absent"
    """The receiver does not have it, whatever it said before."""
    DIFFER = "differ"
    """The receiver holds something else under this UID."""
    LOSE = "lose"
    """Its file on the unit is missing or damaged."""
    RESTORE = "restore"
    """The same bytes were added again in place of the damaged file."""
    RETAIN = "retain"
    RETRY = "retry"
    PURGE = "purge"
    DISCARD = "discard"
    """A person gives up an object that was never confirmed."""


_Q, _S, _A, _C, _R, _P, _H = (
    State.QUEUED,
    State.SENDING,
    State.ACCEPTED,
    State.CONFIRMED,
    State.RETAINED,
    State.PURGED,
    State.HELD,
)
_NEXT: dict[tuple[State, Event], State] = {
    (_Q, Event.CLAIM): _S,
    (_Q, Event.LOSE): _H,
    (_Q, Event.DISCARD): _P,
    (_Q, Event.RETRY): _Q,
    (_S, Event.RELEASE): _Q,
    (_S, Event.INTERRUPT): _Q,
    (_S, Event.ACCEPT): _A,
    (_S, Event.REFUSE): _H,
    (_S, Event.LOSE): _H,
    # The answers to a question asked before sending again.
    (_S, Event.CONFIRM): _C,
    (_S, Event.WAIT): _Q,
    (_S, Event.ABSENT): _Q,
    (_S, Event.DIFFER): _H,
    (_A, Event.CONFIRM): _C,
    (_A, Event.WAIT): _A,
    (_A, Event.ABSENT): _Q,
    (_A, Event.DIFFER): _H,
    (_A, Event.LOSE): _H,
    (_A, Event.DISCARD): _P,
    (_A, Event.RETRY): _Q,
    (_C, Event.RETAIN): _R,
    (_C, Event.LOSE): _P,
    (_R, Event.PURGE): _P,
    (_R, Event.LOSE): _P,
    (_H, Event.RETRY): _Q,
    (_H, Event.RESTORE): _Q,
    (_H, Event.LOSE): _H,
    (_H, Event.DISCARD): _P,
}


def next_state(state: State, event: Event) -> State:
    """Return the state after an event.

    Raises
    ------
    StateError
        The event cannot happen in this state.
    """
    try:
        return _NEXT[state, event]
    except KeyError:
        raise StateError(
            f"'{event}' cannot happen to an object that is {state}: look at it with"
            " 'usdk outbox show'"
        ) from None
