"""Account: every frame number of a run, received or reported lost, once."""

from __future__ import annotations

from itertools import pairwise

from usdk.acquisition import Acquisition
from usdk.conformance.expect import NotApplicableError, require

__all__ = ["Account"]

_ADVICE = (
    "put a Gap into the next acquisition for every frame that did not come whole, with the "
    "number of the first, how many, and why"
)


class Account:
    """Checks, acquisition by acquisition, that received and lost frames make up the numbers.

    Parameters
    ----------
    first : int, optional
        Number with which the run must begin; whichever comes first when absent.
    """

    def __init__(self, first: int | None) -> None:
        self._next = first
        self.n_received = 0
        self.n_lost = 0
        self.n_packets_lost = 0
        self.n_packets_damaged = 0

    def take(self, acquisition: Acquisition) -> None:
        """Count an acquisition; `DeviationError` at the first number that is not accounted for."""
        numbers = acquisition.sequence_numbers.tolist()
        if any(after <= before for before, after in pairwise(numbers)) or (
            self._next is not None and self.n_received and numbers[0] < self._next
        ):
            raise NotApplicableError("its numbers do not rise: see data.numbers")
        entries = [(number, 1, False) for number in numbers]
        for gap in acquisition.gaps:
            require(
                gap.n_frames >= 1 and min(gap.n_packets_lost, gap.n_packets_damaged) >= 0,
                f"a gap of {gap.n_frames} frames, {gap.n_packets_lost} packets lost and "
                f"{gap.n_packets_damaged} damaged was reported",
                expected="at least one frame, and counts that are not negative",
                advice=_ADVICE,
            )
            entries.append((gap.first_sequence_number, gap.n_frames, True))
            self.n_packets_lost += gap.n_packets_lost
            self.n_packets_damaged += gap.n_packets_damaged
        for first, n_frames, is_lost in sorted(entries):
            expected = first if self._next is None else self._next
            what = f"{'lost' if is_lost else 'received'} frame {first}"
            require(
                first <= expected,
                f"frames {expected} to {first - 1} were neither received nor reported lost, "
                f"before {what}",
                expected="received + lost = numbered",
                advice=_ADVICE,
            )
            require(
                first >= expected,
                f"{what} is counted twice: frame {expected} was the next",
                expected="received + lost = numbered",
                advice=_ADVICE,
            )
            self._next = first + n_frames
            if is_lost:
                self.n_lost += n_frames
            else:
                self.n_received += 1
