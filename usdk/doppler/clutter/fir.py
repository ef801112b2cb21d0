"""FirFilter: a finite impulse response along slow time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from usdk.arguments import count, finite
from usdk.doppler.clutter.cutoff import require_cutoff
from usdk.doppler.clutter.matrix_filter import MAX_PULSES, MatrixFilter, PointsFilter
from usdk.doppler.clutter.stream import TapStream
from usdk.errors import ArgumentError
from usdk.fir_design import band_taps

__all__ = ["MAX_TAPS", "FirFilter"]

MAX_TAPS = 255


class FirFilter(MatrixFilter):
    r"""A filter of finite length; only outputs that saw no edge of the packet are kept.

    .. math:: y[m] = \sum_{k=0}^{K-1} h[k]\, x[m + K - 1 - k], \qquad m = 0 \dots n - K

    Parameters
    ----------
    taps : array_like of float, (n_taps,)
        Impulse response h, real, 1 to `MAX_TAPS`. A high pass whose taps add up to 0 takes
        standing echoes away altogether. `high_pass` and `difference` design some.

    References
    ----------
    Bjaerum, Torp and Kristoffersen (see `IirFilter`), section II-A.
    """

    def __init__(self, taps: ArrayLike) -> None:
        super().__init__()
        try:
            values = np.array(taps, np.float64)
        except (TypeError, ValueError, OverflowError):
            raise ArgumentError("taps must be real numbers") from None
        if values.ndim != 1 or not 1 <= values.size <= MAX_TAPS:
            raise ArgumentError(f"taps must be 1 to {MAX_TAPS} numbers, got shape {values.shape}")
        if not np.all(np.isfinite(values)) or not np.any(values):
            raise ArgumentError("taps must be finite, and not all 0")
        values.setflags(write=False)
        self.taps: NDArray[np.float64] = values
        self._text = f"FIR, {values.size} taps"

    @classmethod
    def high_pass(cls, cutoff: float, n_taps: int, *, beta: float = 2.0) -> FirFilter:
        """Return a symmetric high pass whose gain at 0 Hz is 0, by the window method.

        A pulse minus the low pass of the same length: the ideal one's response under a Kaiser
        window.

        Parameters
        ----------
        cutoff : float
            Edge, −6 dB where the taps suffice, share of the PRF; `cutoff_for` gives that of a
            velocity.
        n_taps : int
            Number of taps, odd, 3 to `MAX_TAPS`.
        beta : float
            Of the Kaiser window: the greater, the deeper the stop band and the slower its edge.
        """
        cutoff = require_cutoff(cutoff)
        n_taps = count(n_taps, "n_taps", least=3, most=MAX_TAPS)
        if n_taps % 2 == 0:
            raise ArgumentError(f"a symmetric high pass has an odd number of taps, not {n_taps}")
        beta = finite(beta, "beta")
        if not 0 <= beta <= 50:
            raise ArgumentError(f"beta must be 0 to 50, got {beta:g}")
        taps = -band_taps(n_taps, beta, 0.0, cutoff, 1.0).astype(np.float64)
        # In float32 they add up to 1 but for some 1e-8; the middle one makes the sum exact.
        taps[n_taps // 2] -= taps.sum()
        made = cls(taps)
        made._text = f"FIR high pass, {n_taps} taps, cutoff {cutoff:.4g} PRF"
        return made

    @classmethod
    def difference(cls, order: int) -> FirFilter:
        """Return the difference of neighbouring pulses taken ``order`` times (1 to 8).

        The classic canceller of moving-target indication, (1 − z⁻¹) to the power of the order,
        scaled to a gain of 1 at half the PRF.
        """
        order = count(order, "order", most=8)
        signs = [(-1) ** k * math.comb(order, k) for k in range(order + 1)]
        made = cls(np.array(signs) / 2**order)
        made._text = f"FIR, difference of order {order}"
        return made

    def n_pulses_out(self, n_pulses: int) -> int:
        """Return n_pulses − n_taps + 1."""
        n_pulses = count(n_pulses, "n_pulses", least=0, most=MAX_PULSES)
        if n_pulses < self.taps.size:
            raise ArgumentError(
                f"a packet of {n_pulses} pulses is too short for {self.taps.size} taps: "
                "take more pulses or fewer taps"
            )
        return n_pulses - self.taps.size + 1

    def stream(self, shape: Sequence[int]) -> TapStream:
        """Return the filter as a stream over points of a shape, for pulses that never stop.

        It begins as if the first pulse had always been there, and gives as many pulses as it gets.
        """
        return TapStream(shape, self.taps)

    def describe(self) -> str:
        """Return the filter's name and length."""
        return self._text

    def _for_long(self, n_pulses: int) -> PointsFilter:
        def work(points: NDArray[np.complex64], out: NDArray[np.complex64]) -> None:
            filtered = TapStream((points.shape[0],), self.taps)(points, threads=1)
            out[:] = filtered[:, self.taps.size - 1 :]

        return work

    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        n_out, n_taps = self.n_pulses_out(n_pulses), self.taps.size
        matrix = np.zeros((n_out, n_pulses))
        for m in range(n_out):
            matrix[m, m : m + n_taps] = self.taps[::-1]
        return matrix
