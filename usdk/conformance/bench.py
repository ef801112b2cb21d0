"""Bench: what a check works with; it opens front-ends and gives back what was left open."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from usdk.acquisition import Acquisition
from usdk.arguments import count, positive
from usdk.conformance.expect import NotApplicableError
from usdk.conformance.operator import Operator
from usdk.conformance.program import Program, set_usual
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import DeviceAbsentError, DeviceFailedError, EndOfRecordingError
from usdk.front_end import DEFAULT_TIMEOUT_S, FrontEnd, FrontEndState

__all__ = ["DEFAULT_N_FRAMES", "REOPEN_WITHIN_S", "Bench", "Settings"]

DEFAULT_N_FRAMES = 50
"""Frames over which losses are accounted for when nothing is said."""

REOPEN_WITHIN_S = 1.0
"""How soon after it was closed a front-end must be free to be opened again, s."""

_REOPEN_PAUSE_S = 0.02
_MAX_READ_BYTES = 32 * 2**20
_MAX_FRAMES_PER_READ = 64
_PIECE = 8

_MAX_FRAMES = 2**62


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a front-end is tried.

    Parameters
    ----------
    n_frames : int
        Frames over which losses are accounted for.
    timeout_s : float, optional
        How long each check may take, s; its own time when absent.
    frame_timeout_s : float
        How long to wait for frames that must come, s.
    operator : Operator, optional
        Who unplugs the front-end; checks that need it are skipped without.
    """

    n_frames: int = DEFAULT_N_FRAMES
    timeout_s: float | None = None
    frame_timeout_s: float = DEFAULT_TIMEOUT_S
    operator: Operator | None = None

    def __post_init__(self) -> None:
        count(self.n_frames, "n_frames", least=2, most=_MAX_FRAMES)
        if self.timeout_s is not None:
            positive(self.timeout_s, "timeout_s")
        positive(self.frame_timeout_s, "frame_timeout_s")


class Bench:
    """Where one check is made.

    Parameters
    ----------
    opener : callable
        Opens the front-end.
    settings : Settings
        How it is tried.
    """

    def __init__(self, opener: Callable[[], FrontEnd], settings: Settings) -> None:
        self._opener = opener
        self.settings = settings
        self._opened: list[WatchedFrontEnd] = []

    def open(self) -> WatchedFrontEnd:
        """Open the front-end; it is closed after the check if the check does not.

        It may be released a moment after it was closed, as one that is shared over a network is:
        opening is tried for `REOPEN_WITHIN_S`.
        """
        give_up_s = time.monotonic() + REOPEN_WITHIN_S
        while True:
            try:
                front_end = WatchedFrontEnd.opened_by(self._opener)
            except (DeviceAbsentError, DeviceFailedError):
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(_REOPEN_PAUSE_S)
            else:
                self._opened.append(front_end)
                return front_end

    def ready(self) -> tuple[WatchedFrontEnd, Program]:
        """Open the front-end and configure it with a program that it accepts."""
        front_end = self.open()
        return front_end, set_usual(front_end)

    def adjustable(self) -> tuple[WatchedFrontEnd, Program]:
        """Do as `ready`; `NotApplicableError` if the sequence is fixed."""
        front_end, program = self.ready()
        if front_end.capabilities.sequence_is_fixed:
            raise NotApplicableError("its sequence is fixed")
        return front_end, program

    def read(self, front_end: WatchedFrontEnd, n_frames: int = 1) -> Acquisition:
        """Read frames that must come; `NotApplicableError` at the end of a recording."""
        self._require_running(front_end)
        try:
            return front_end.read(n_frames, timeout_s=self.settings.frame_timeout_s)
        except EndOfRecordingError:
            raise NotApplicableError("it has too few frames") from None

    def frames(
        self, front_end: WatchedFrontEnd, n_frames: int, *, at_least: int = 1
    ) -> Iterator[Acquisition]:
        """Yield ``n_frames`` in pieces, or all that a recording has.

        `NotApplicableError` if a recording has fewer than ``at_least``.
        """
        frame_bytes = self._frame_bytes(front_end)
        piece = max(1, min(_PIECE, _MAX_READ_BYTES // frame_bytes))
        n_left = n_frames
        self._require_running(front_end)
        while n_left > 0:
            try:
                acquisition = front_end.read(
                    min(piece, n_left), timeout_s=self.settings.frame_timeout_s
                )
            except EndOfRecordingError:
                break
            n_left -= acquisition.n_frames
            yield acquisition
        if n_frames - n_left < at_least:
            raise NotApplicableError(f"it has {n_frames - n_left} frames, {at_least} are needed")

    def most_frames(self, front_end: WatchedFrontEnd, n_frames: int) -> int:
        """Return ``n_frames``, or fewer where these would not fit into one read."""
        room = min(_MAX_FRAMES_PER_READ, _MAX_READ_BYTES // self._frame_bytes(front_end))
        return max(1, min(n_frames, room))

    def close_all(self) -> None:
        """Close what the check left open; how a front-end closes is a check of its own."""
        for front_end in self._opened:
            with suppress(Exception):
                front_end.front_end.close()
        self._opened.clear()

    @staticmethod
    def _require_running(front_end: WatchedFrontEnd) -> None:
        # That a read starts by itself is a check of its own.
        if front_end.state is FrontEndState.CONFIGURED:
            front_end.start()

    @staticmethod
    def _frame_bytes(front_end: WatchedFrontEnd) -> int:
        configuration = front_end.configuration
        n_samples = len(configuration.sequence) * configuration.receive.n_samples
        return max(1, n_samples * front_end.probe.n_elements * 8)
