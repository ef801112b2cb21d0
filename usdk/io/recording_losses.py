"""LossCount: turns damage in a recording into gaps, so that no frame is missed in silence."""

from __future__ import annotations

from usdk.acquisition import Gap
from usdk.io.recording_chunks import FramePrefix

__all__ = ["LossCount"]


class LossCount:
    """Follows the chunks of a recording in their order and keeps account of what is missing.

    A gap made here counts damaged chunks as damaged packets, and a missing end as a lost packet.
    """

    def __init__(self) -> None:
        self._gaps: list[Gap] = []
        self._n_chunks_lost = 0
        self._n_frames_told = 0
        self._next_index = 0
        self._last_number: int | None = None

    def recorded(self, gap: Gap) -> None:
        """Count a gap that the recording itself tells of."""
        self._gaps.append(gap)
        self._n_frames_told += gap.n_frames

    def damaged(self, n_chunks: int) -> None:
        """Count chunks that cannot be read."""
        self._n_chunks_lost += n_chunks

    def frame(self, prefix: FramePrefix) -> None:
        """Count a whole frame; what is missing before it becomes a gap."""
        n_missing = max(prefix.index - self._next_index, 0)
        if n_missing or self._n_chunks_lost:
            n_frames = n_missing
            if self._n_chunks_lost > n_missing and self._last_number is not None:
                # A recorded gap was damaged, too: the frames it told of are missing as well.
                jump = prefix.sequence_number - self._last_number - 1
                n_frames = max(n_missing, jump - self._n_frames_told)
            first = prefix.sequence_number - n_frames
            if self._last_number is not None:
                first = self._last_number + 1
            self._lose(first, n_frames)
        self._next_index = prefix.index + 1
        self._last_number = prefix.sequence_number
        self._n_frames_told = 0

    def end(self, n_frames_written: int | None, n_frames_cut: int) -> None:
        """Count what is missing after the last frame.

        Parameters
        ----------
        n_frames_written : int or None
            Frames that the writer counted; None when it was cut off.
        n_frames_cut : int
            Most frames that the bytes after the last whole chunk can have held.
        """
        first = 0 if self._last_number is None else self._last_number + 1
        if n_frames_written is None:
            self._lose(first, self._n_chunks_lost + n_frames_cut, n_packets_lost=1)
            return
        n_missing = max(n_frames_written - self._next_index, 0)
        self.damaged(n_frames_cut)
        if n_missing or self._n_chunks_lost:
            self._lose(first, n_missing)

    def take(self) -> tuple[Gap, ...]:
        """Return the gaps since the last call."""
        gaps = tuple(self._gaps)
        self._gaps = []
        return gaps

    def _lose(self, first: int, n_frames: int, n_packets_lost: int = 0) -> None:
        gap = Gap(
            first_sequence_number=first,
            n_frames=n_frames,
            n_packets_lost=n_packets_lost,
            n_packets_damaged=self._n_chunks_lost,
        )
        self._gaps.append(gap)
        self._n_chunks_lost = 0
