"""What follows from what a receiver said: state and answer in, event and wait out. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.export.delivery.backoff import backoff_s
from usdk.export.lines.line import Answer, Confirmation
from usdk.export.outbox.states import Event

__all__ = [
    "LOST_ALARM",
    "PENDING_ALARM_S",
    "Decision",
    "after_answer",
    "after_break",
    "after_confirmation",
]

ASK_FIRST_S = 1.0
ASK_CAP_S = 300.0
"""First and longest wait between questions for an object that has no answer yet, s."""

PENDING_ALARM_S = 3600.0
"""How long an accepted object may stay without an answer before it is an alarm, s."""

LOST_ALARM = 2
"""How often a receiver may not have what it accepted before it is an alarm."""


@dataclass(frozen=True)
class Decision:
    """What happens to the object, when it may be tried again (s from now), and why.

    ``alarm`` is empty or tells a person what to do.
    """

    event: Event
    delay_s: float = 0.0
    reason: str = ""
    alarm: str = ""


def after_answer(answer: Answer, reason: str, n_tries: int, chance: float) -> Decision:
    """Decide after a receiver's word on an object that was sent.

    Parameters
    ----------
    answer : Answer
        Its word.
    reason : str
        Its reason, if it gave one.
    n_tries : int
        How often the object was sent, this time included.
    chance : float
        Uniform in [0, 1).
    """
    if answer is Answer.ACCEPTED:
        return Decision(Event.ACCEPT)
    if answer is Answer.REFUSED:
        reason = reason or "the receiver refused it"
        return Decision(Event.REFUSE, 0.0, reason, "an object was refused and is held")
    return Decision(
        Event.RELEASE, backoff_s(n_tries, chance), reason or "the receiver said not now"
    )


def after_break(reason: str, n_tries: int, chance: float) -> Decision:
    """Decide after a line broke off while an object was on its way.

    The first time it may go on over another line at once; an object that breaks every line must
    give way to the others.
    """
    return Decision(Event.INTERRUPT, backoff_s(n_tries - 1, chance), reason)


def after_confirmation(
    confirmation: Confirmation, *, waited_s: float, n_lost: int, chance: float
) -> Decision:
    """Decide after a receiver was asked for an object.

    Parameters
    ----------
    confirmation : Confirmation
        What was found.
    waited_s : float
        How long ago the object was accepted, s.
    n_lost : int
        How often it was accepted and not found before.
    chance : float
        Uniform in [0, 1).
    """
    match confirmation:
        case Confirmation.CONFIRMED:
            return Decision(Event.CONFIRM)
        case Confirmation.TRANSCODED:
            return Decision(Event.CONFIRM, 0.0, "kept in another transfer syntax, pixels the same")
        case Confirmation.DIFFERENT:
            reason = "the receiver holds something else under its UID"
            return Decision(Event.DIFFER, 0.0, reason, f"{reason}: ask whoever runs it")
        case Confirmation.ABSENT:
            lies = n_lost + 1 >= LOST_ALARM
            return Decision(
                Event.ABSENT,
                backoff_s(n_lost + 1, chance),
                "the receiver does not have it",
                "the receiver accepts objects and does not keep them" if lies else "",
            )
    # As long again as it took so far: few questions, and none late by more than half.
    wait_s = min(max(waited_s, ASK_FIRST_S), ASK_CAP_S) * (0.5 + 0.5 * chance)
    late = waited_s >= PENDING_ALARM_S
    return Decision(
        Event.WAIT,
        wait_s,
        "the receiver has no answer about it yet",
        "an accepted object has waited long for its confirmation" if late else "",
    )
