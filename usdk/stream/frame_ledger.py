"""FrameLedger: every frame that the device numbered, received or lost."""

from __future__ import annotations

from usdk.acquisition import Acquisition, Gap
from usdk.stream.statistics import SourceStatistics
from usdk.stream.timing import Stopwatch

__all__ = ["FrameLedger"]


class FrameLedger:
    """Counts frames sent by their numbers, and frames lost by the gaps that the driver reports.

    The two are counted apart, so that `SourceStatistics.adds_up` is a check of the driver.
    """

    def __init__(self) -> None:
        self._n_sent = self._n_received = self._n_lost = self._n_damaged = 0
        self._n_packets_lost = self._n_packets_damaged = 0
        self._n_run_lost = 0
        self._next: int | None = None
        self._n_departures = 0
        self._absent_s = 0.0
        self.reading = Stopwatch()

    def begin_run(self) -> None:
        """Expect numbers from the beginning: a device was started."""
        self._next, self._n_run_lost = None, 0

    def take(self, acquisition: Acquisition) -> None:
        """Count the frames of an acquisition and the gaps before them."""
        first_lost = [gap.first_sequence_number for gap in acquisition.gaps]
        for number in acquisition.sequence_numbers.tolist():
            if self._next is None or number < self._next:
                # A new run begins with the gap before its first frame, if there is one.
                start = min([number, *(n for n in first_lost if n < number)])
                self._n_sent += number - start + 1
            else:
                self._n_sent += number - self._next + 1
            self._next = number + 1
            self._n_received += 1
        for gap in acquisition.gaps:
            self._lose(gap)
            end = gap.first_sequence_number + gap.n_frames
            if self._next is not None and gap.first_sequence_number >= self._next:
                # Lost after the last frame that came.
                self._n_sent += end - self._next
                self._next = end

    def end_run(self, n_frames_lost: int) -> None:
        """Count what was lost after the last frame: the driver lost so many since its start."""
        n_more = n_frames_lost - self._n_run_lost
        if n_more > 0:
            self._n_sent += n_more
            self._n_lost += n_more
            self._n_run_lost = n_frames_lost

    def leave(self, absent_s: float) -> None:
        """Count one departure of the device that lasted so long, s."""
        self._n_departures += 1
        self._absent_s += absent_s

    def statistics(self) -> SourceStatistics:
        """Return the counts so far."""
        return SourceStatistics(
            n_frames_sent=self._n_sent,
            n_frames_received=self._n_received,
            n_frames_lost=self._n_lost,
            n_frames_damaged=self._n_damaged,
            n_packets_lost=self._n_packets_lost,
            n_packets_damaged=self._n_packets_damaged,
            n_departures=self._n_departures,
            absent_s=self._absent_s,
            reading=self.reading.timing(),
        )

    def _lose(self, gap: Gap) -> None:
        self._n_run_lost += gap.n_frames
        self._n_packets_lost += gap.n_packets_lost
        self._n_packets_damaged += gap.n_packets_damaged
        if gap.n_packets_damaged and not gap.n_packets_lost:
            self._n_damaged += gap.n_frames
        else:
            self._n_lost += gap.n_frames
