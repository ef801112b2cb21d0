"""Line: what the outbox asks of a way to a receiver."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO

__all__ = ["Acknowledgement", "Answer", "Confirmation", "Line", "Outgoing"]


@dataclass(frozen=True)
class Outgoing:
    """A DICOM file on its way: what a line must know of it without reading it.

    ``open`` returns a new stream of the whole file, preamble and file meta information included,
    from its first byte; it may be called again for another try.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    size_bytes: int
    open: Callable[[], BinaryIO]


class Answer(StrEnum):
    """What the receiver said of one object."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: this object will not be taken in this form."""
    NOT_NOW = "not now"
    """Try again later: out of resources, or no word of this object in the answer."""


@dataclass(frozen=True)
class Acknowledgement:
    """The receiver's own word on one object, from the body of its answer."""

    sop_instance_uid: str
    answer: Answer
    reason: str = ""


class Confirmation(StrEnum):
    """What was found when the receiver was asked for the object again."""

    CONFIRMED = "confirmed"
    """Read back and the same, or committed to by the receiver."""
    TRANSCODED = "transcoded"
    """Read back in other coding: the same pixels under a signature that holds."""
    ABSENT = "absent"
    DIFFERENT = "different"
    """The receiver holds something else under this UID."""
    PENDING = "pending"
    """No answer yet; ask again later."""


class Line(ABC):
    """One way to one receiver. The unit opens every connection and accepts none.

    Methods block, may be called from several threads, and end within the line's own timeouts.
    They raise `LineDownError` when the receiver cannot be reached or breaks off, `NotTrustedError`
    when it does not prove who it is, `DeliveryRefusedError` when it refuses this sender; nothing
    else. No byte of an object leaves before the receiver has proven itself.
    """

    name: str

    @abstractmethod
    def check(self) -> None:
        """Return when the receiver answers, by the cheapest question that proves it."""

    @abstractmethod
    def send(self, objects: Sequence[Outgoing]) -> list[Acknowledgement]:
        """Send objects of one study; one acknowledgement for each, in their order."""

    @abstractmethod
    def confirm(self, sent: Outgoing) -> Confirmation:
        """Ask for an object that was accepted and compare it, or ask for a commitment to it."""

    @abstractmethod
    def close(self) -> None:
        """Close what is open; may be called twice."""
