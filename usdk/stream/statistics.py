"""What a stream did, counted such that the counts add up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from usdk.stream.timing import Timing

__all__ = ["BranchStatistics", "SourceStatistics", "StreamState", "StreamStatistics"]


class StreamState(StrEnum):
    """Where a stream stands."""

    STOPPED = "stopped"
    RUNNING = "running"
    ABSENT = "device absent"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class SourceStatistics:
    """What came from the device since the start.

    Parameters
    ----------
    n_frames_sent : int
        Frames that the device numbered, by the numbers of those that came.
    n_frames_received : int
        Whole frames delivered.
    n_frames_lost : int
        Frames with a packet that never came.
    n_frames_damaged : int
        Frames whose packets all came, at least one of them damaged.
    n_packets_lost, n_packets_damaged : int
        The packets behind these frames.
    n_departures : int
        How often the device went away.
    absent_s : float
        For how long in all, s.
    reading : Timing
        Time from asking for a frame to having it.
    """

    n_frames_sent: int = 0
    n_frames_received: int = 0
    n_frames_lost: int = 0
    n_frames_damaged: int = 0
    n_packets_lost: int = 0
    n_packets_damaged: int = 0
    n_departures: int = 0
    absent_s: float = 0.0
    reading: Timing = field(default_factory=Timing)

    @property
    def adds_up(self) -> bool:
        """Whether every frame sent was received or is counted as lost or damaged."""
        return self.n_frames_sent == (
            self.n_frames_received + self.n_frames_lost + self.n_frames_damaged
        )


@dataclass(frozen=True, kw_only=True)
class BranchStatistics:
    """What became of the items that a branch was given.

    Parameters
    ----------
    name, consumer_of : str
        The branch, and what it stands behind: another branch, or "" for the device itself.
    n_given, n_done, n_dropped, n_failed, n_waiting, n_at_work : int
        Items offered; worked through; dropped because the buffer was full or the stream stopped;
        those at which the consumer raised an error; in the buffer now; and in the consumer now.
    n_most_waiting : int
        The most that ever waited.
    working : Timing
        Time in the consumer.
    latency : Timing
        Time from arrival of the channel data at the host to the end of the consumer's work.
    """

    name: str
    consumer_of: str = ""
    n_given: int = 0
    n_done: int = 0
    n_dropped: int = 0
    n_failed: int = 0
    n_waiting: int = 0
    n_at_work: int = 0
    n_most_waiting: int = 0
    working: Timing = field(default_factory=Timing)
    latency: Timing = field(default_factory=Timing)

    @property
    def adds_up(self) -> bool:
        """Whether every item given is accounted for."""
        return self.n_given == (
            self.n_done + self.n_dropped + self.n_failed + self.n_waiting + self.n_at_work
        )


@dataclass(frozen=True, kw_only=True)
class StreamStatistics:
    """A snapshot of a stream.

    Parameters
    ----------
    state : StreamState
        Where it stands.
    source : SourceStatistics
        What came from the device.
    branches : tuple of BranchStatistics
        What became of it.
    """

    state: StreamState
    source: SourceStatistics
    branches: tuple[BranchStatistics, ...] = ()

    def __getitem__(self, name: str) -> BranchStatistics:
        """Return the statistics of the branch of a name; `KeyError` if there is none."""
        for branch in self.branches:
            if branch.name == name:
                return branch
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers in types that JSON knows."""
        return asdict(self)
