"""What a check of time zero found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["TimeZeroReport", "Verdict"]


class Verdict(StrEnum):
    """What the data say about the recording's clock."""

    RIGHT = "right"
    """The transmits agree with each other, and their echoes are in focus."""
    WRONG = "wrong"
    """Some transmits are offset from the others, or all are offset by more than a pulse."""
    UNTOLD = "untold"
    """The data do not tell; ``reason`` says why."""


@dataclass(frozen=True, kw_only=True)
class TimeZeroReport:
    """What a check of time zero found.

    An offset is how much later the recording says that a sample was taken than it was: subtract it
    from the recorded time of sample 0.

    Parameters
    ----------
    verdict : Verdict
        Right, wrong or untold.
    reason : str
        Why it is so, in words.
    n_points : int
        Bright points that were looked at.
    period_s : float
        Period of the pulse, s.
    coherence, coherence_corrected : float
        Coherence factor of the transmits' images, brought to one level, at the points, mean:
        with the clocks as far apart as recorded, and with the offsets taken off. 1 where they
        agree, about 1 / n_transmits where they do not show the same; NaN for a single transmit.
    transmit_offsets_s : tuple of float, one per transmit
        Offset of each transmit against the others, s; NaN where it cannot be told.
    convention : str
        The wrong reference that explains these offsets, for example "the first element that
        fires"; empty where none does.
    common_offset_s, common_uncertainty_s : float
        Offset that all transmits share, s, and how far off it may be; NaN where untold. It moves
        the picture in depth and is seen by the focus alone, hence coarsely.
    recorded_time_zero_s : tuple of float, one per transmit
        As the recording has it, s.
    """

    verdict: Verdict
    reason: str
    n_points: int
    period_s: float
    coherence: float
    coherence_corrected: float
    transmit_offsets_s: tuple[float, ...]
    convention: str
    common_offset_s: float
    common_uncertainty_s: float
    recorded_time_zero_s: tuple[float, ...]

    @property
    def time_zero_s(self) -> tuple[float, ...]:
        """Recorded time zeros without the offsets between the transmits, s.

        The common offset is left in: it is known coarsely, and half of a pulse belongs to it.
        """
        return tuple(
            zero_s - (0.0 if math.isnan(offset_s) else offset_s)
            for zero_s, offset_s in zip(
                self.recorded_time_zero_s, self.transmit_offsets_s, strict=True
            )
        )

    def __str__(self) -> str:
        """Return the report in a few lines."""
        lines = [f"time zero: {self.verdict}: {self.reason}"]
        if not math.isnan(self.coherence):
            lines.append(
                f"  coherence of the transmits {self.coherence:.3f} at {self.n_points} points, "
                f"{self.coherence_corrected:.3f} without the offsets"
            )
            told = [abs(offset_s) for offset_s in self.transmit_offsets_s if not _nan(offset_s)]
            if told:
                lines.append(
                    f"  offsets between transmits up to {self._say(max(told))} "
                    f"({len(told)} of {len(self.transmit_offsets_s)} transmits told)"
                )
        if self.convention:
            lines.append(f"  as if it counted from {self.convention}")
        if not math.isnan(self.common_offset_s):
            lines.append(
                f"  common offset {self._say(self.common_offset_s)} "
                f"± {self._say(self.common_uncertainty_s)}"
            )
        return "\n".join(lines)

    def _say(self, offset_s: float) -> str:
        return f"{offset_s * 1e6:.3f} µs ({offset_s / self.period_s:.2f} periods)"


def _nan(value: float) -> bool:
    return math.isnan(value)
