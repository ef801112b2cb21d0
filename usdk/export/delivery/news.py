"""What a delivery tells while it runs: news for a screen or a log, and a snapshot of figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from usdk.export.delivery.line_choice import Health
from usdk.export.outbox.entry import Count, RecoveryPoint
from usdk.export.outbox.states import State

__all__ = ["DeliveryMetrics", "News", "NewsKind"]


class NewsKind(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    HELD = "held"
    WAITS = "waits"
    LINE_UP = "line up"
    LINE_DOWN = "line down"
    SWITCHED = "line in use"
    ALARM = "alarm"
    ALARM_OVER = "alarm over"


@dataclass(frozen=True)
class News:
    """One thing that happened; ``uid`` and ``line`` are empty where none is meant."""

    kind: NewsKind
    text: str = ""
    uid: str = ""
    line: str = ""


@dataclass(frozen=True)
class DeliveryMetrics:
    """Figures of a delivery at one moment.

    Attributes
    ----------
    line : str
        The line in use; empty when none works.
    health : mapping of str to Health
        Of each line, by its name.
    n_accepted, n_confirmed : int
        Since the delivery began.
    n_bytes_sent : int
        Bytes that lines took since then, those of interrupted tries included.
    rate_bytes_per_s : float
        Over the last seconds.
    eta_s : float or None
        When the queue will be empty at that rate, s; None when nothing moves.
    counts : mapping of State to Count
        Of the outbox.
    recovery_point : RecoveryPoint
        Age of the oldest unconfirmed object.
    alarms : tuple of str
        What a person should know now.
    """

    line: str
    health: Mapping[str, Health]
    n_accepted: int
    n_confirmed: int
    n_bytes_sent: int
    rate_bytes_per_s: float
    eta_s: float | None
    counts: Mapping[State, Count]
    recovery_point: RecoveryPoint
    alarms: tuple[str, ...] = field(default=())
