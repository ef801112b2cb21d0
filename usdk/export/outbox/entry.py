"""What the outbox tells: entries, counts and the recovery point. No patient data anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

from usdk.export.outbox.states import State

__all__ = ["Count", "Entry", "Priority", "RecoveryPoint"]


ARRIVING_S = math.inf
"""Before when an object is not sent whose file is still being synchronised: nobody claims it."""


class Priority(IntEnum):
    """Which goes first; within one, what is fresh goes before what has waited long."""

    BACKLOG = 0
    ROUTINE = 1
    URGENT = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One object in the outbox.

    Attributes
    ----------
    id : int
        Its number in this outbox, in the order of arrival.
    size_bytes : int
        Length of the DICOM file, as it was added.
    sha256 : bytes
        Digest of the DICOM file.
    created_s, changed_s, not_before_s : float
        When it was added, when its state changed, and before when it is not tried again, in
        service time, s.
    created_wall_s : float
        What the wall clock said as it was added, s since 1970; for people, as clocks are wrong.
    n_tries, n_lost : int
        How often it was claimed for sending, and how often a receiver that had accepted it did
        not have it.
    in_doubt : bool
        Whether it may be at the receiver already, so that one asks before sending.
    reason : str
        Why it is held or waits.
    line : str
        The line that took it last.
    """

    id: int
    sop_instance_uid: str
    sop_class_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax_uid: str
    size_bytes: int
    sha256: bytes
    file: str
    stored_bytes: int
    key_id: str
    state: State
    priority: int
    created_s: float
    created_wall_s: float
    changed_s: float
    not_before_s: float
    n_tries: int
    n_lost: int
    in_doubt: bool
    reason: str
    line: str
    lease_owner: str
    lease_until_s: float

    @property
    def is_arriving(self) -> bool:
        """Whether its row is there and its bytes may not be on the disk yet."""
        return self.not_before_s == ARRIVING_S

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Entry:
        """Return the entry of a row with the columns `COLUMNS`."""
        values = list(row)
        values[_STATE] = _STATES[values[_STATE]]
        values[_IN_DOUBT] = bool(values[_IN_DOUBT])
        return cls(*values)


_NAMES = [field.name for field in fields(Entry)]
_STATE, _IN_DOUBT = _NAMES.index("state"), _NAMES.index("in_doubt")
_STATES = {str(state): state for state in State}
COLUMNS = ", ".join(_NAMES)
# The names of this class alone, and nothing from outside.
SELECT_OBJECTS = f"SELECT {COLUMNS} FROM objects"  # nosec B608
"""Begins every query whose rows `Entry.from_row` takes."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many objects are in one state, and their bytes on the disk."""

    n_objects: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """What would be lost if the unit were lost now.

    Attributes
    ----------
    age_s : float
        Age of the oldest object that is not confirmed, s; 0 when there is none.
    n_unconfirmed : int
        Objects that are not confirmed.
    alarm : bool
        Whether the age is over the outbox's threshold.
    """

    age_s: float
    n_unconfirmed: int
    alarm: bool
    sop_instance_uid: str = ""
