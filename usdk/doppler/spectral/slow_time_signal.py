"""SlowTimeSignal: what a gate heard of pulses that followed each other without a loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, number
from usdk.errors import ArgumentError

__all__ = ["SlowTimeSignal", "unbroken"]


@dataclass(frozen=True, eq=False, kw_only=True)
class SlowTimeSignal:
    """An unbroken run of pulses.

    Parameters
    ----------
    samples : ndarray of complex64, (n_looks, n_pulses)
        The gate's baseband signal, slow time last; finite.
    first_pulse : int
        Number of the first pulse. A signal that begins with the pulse after the last of the one
        before goes on with it; any other stands behind a hole.
    start_s : float
        Time of the first pulse on the device's clock, s; NaN when unknown.
    """

    samples: NDArray[np.complex64]
    first_pulse: int = 0
    start_s: float = math.nan

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if samples.ndim != 2 or samples.dtype.kind not in "fciu" or samples.shape[0] < 1:
            raise ArgumentError(
                "samples must be complex, (n_looks, n_pulses), got "
                f"{samples.dtype} of shape {samples.shape}"
            )
        samples = np.ascontiguousarray(samples, np.complex64)
        if not np.all(np.isfinite(samples)):
            raise ArgumentError(
                "samples of a SlowTimeSignal must be finite: `unbroken` cuts an array at its NaN"
            )
        object.__setattr__(self, "samples", samples)

    @property
    def n_pulses(self) -> int:
        """Number of pulses."""
        return int(self.samples.shape[1])

    @property
    def stop_pulse(self) -> int:
        """One past the number of the last pulse."""
        return self.first_pulse + self.n_pulses


def unbroken(
    samples: NDArray[Any],
    *,
    first_pulse: int = 0,
    start_s: float = math.nan,
    prf_hz: float = math.nan,
) -> list[SlowTimeSignal]:
    """Return the runs of an array between the pulses that are NaN: those were lost.

    Parameters
    ----------
    samples : ndarray, (n_pulses,) or (n_looks, n_pulses)
        Slow-time signal, slow time last.
    first_pulse : int
        Number of the array's first pulse.
    start_s, prf_hz : float
        Its time, s, and the rate by which those of later runs are counted, Hz.
    """
    start_s, prf_hz = number(start_s, "start_s"), number(prf_hz, "prf_hz")
    first_pulse = count(first_pulse, "first_pulse", least=0, most=2**62)
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fciu":
        raise ArgumentError(
            "a slow-time signal is complex, (n_pulses,) or (n_looks, n_pulses), got "
            f"{array.dtype} of shape {array.shape}"
        )
    array = np.atleast_2d(array).astype(np.complex64)
    if np.any(np.isinf(array)):
        raise ArgumentError("the signal holds infinite samples: mark lost pulses with NaN")
    is_whole = ~np.any(np.isnan(array), axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_whole.view(np.int8), [0]))))
    return [
        SlowTimeSignal(
            samples=array[:, begin:stop],
            first_pulse=first_pulse + int(begin),
            start_s=start_s + (begin / prf_hz if begin else 0.0),
        )
        for begin, stop in zip(edges[::2], edges[1::2], strict=True)
    ]
