"""StaggeredPacket: one packet whose pulses follow each other at intervals that take turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive
from usdk.doppler.autocorrelation import MAX_PULSES
from usdk.doppler.dealiasing.staggered import StaggeredPrfs, StaggeredVelocity
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError

__all__ = ["StaggeredPacket"]


class StaggeredPacket:
    """Velocities from packets with the intervals T1, T2, …, T1, T2, … between their pulses.

    The lag-one products of each interval are averaged apart, and their velocities joined by
    `StaggeredPrfs`.

    Parameters
    ----------
    intervals_s : sequence of float
        The intervals in turn, s; their ratio of small whole numbers, such as 3 : 4.
    frequency_hz, sound_speed_m_s : float
        As for `SlowTime`.

    Notes
    -----
    A clutter filter for pulses at equal times does not fit such a packet. A mean, an SVD, and a
    polynomial fitted at the true times `pulse_times_s` do.
    """

    def __init__(
        self,
        intervals_s: Sequence[float],
        *,
        frequency_hz: float,
        sound_speed_m_s: float = 1540.0,
    ) -> None:
        if not isinstance(intervals_s, Iterable):
            raise ArgumentError("intervals_s must be two times or more, s")
        self.intervals_s = tuple(positive(value, "intervals_s") for value in intervals_s)
        self.prfs = StaggeredPrfs(
            [
                SlowTime(
                    prf_hz=1 / interval_s,
                    frequency_hz=frequency_hz,
                    sound_speed_m_s=sound_speed_m_s,
                )
                for interval_s in self.intervals_s
            ]
        )

    @property
    def nyquist_m_s(self) -> float:
        """Greatest velocity that is not aliased, m/s."""
        return self.prfs.nyquist_m_s

    def pulse_times_s(self, n_pulses: int) -> NDArray[np.float64]:
        """Return when each pulse of a packet is sent after its first, (n_pulses,), s."""
        n_pulses = count(n_pulses, "n_pulses", least=0, most=MAX_PULSES)
        intervals_s = np.resize(np.array(self.intervals_s), max(n_pulses - 1, 0))
        return np.concatenate(([0.0], np.cumsum(intervals_s)))[:n_pulses]

    def lags(self, packet: NDArray[Any]) -> NDArray[np.complex64]:
        """Return the mean lag-one product of each interval, (n_intervals, ...).

        Parameters
        ----------
        packet : ndarray of complex64, (..., n_pulses)
            Filtered packet, slow time last, at least one pulse more than there are intervals.
        """
        packet = np.asarray(packet)
        n_intervals = len(self.intervals_s)
        if packet.dtype.kind != "c" or packet.ndim < 1 or packet.shape[-1] <= n_intervals:
            raise ArgumentError(
                f"a packet is complex, with at least {n_intervals + 1} pulses in its last axis, "
                f"got {packet.dtype} {packet.shape}"
            )
        means = []
        for first in range(n_intervals):
            earlier = packet[..., first:-1:n_intervals]
            later = packet[..., first + 1 :: n_intervals]
            means.append(np.einsum("...t,...t->...", later, earlier.conj()) / earlier.shape[-1])
        return np.stack(means).astype(np.complex64)

    def __call__(self, lags: NDArray[Any], *, threads: int | None = None) -> StaggeredVelocity:
        """Return the velocities of lag-one products, which may have been averaged in space.

        Parameters
        ----------
        lags : ndarray of complex, (n_intervals, ...)
            As `lags` gives them.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        lags = np.asarray(lags)
        if lags.dtype.kind != "c" or lags.shape[:1] != (len(self.intervals_s),):
            raise ArgumentError(f"lags must be complex, ({len(self.intervals_s)}, ...)")
        velocities = [
            np.asarray(slow_time.velocity_m_s(np.angle(lag)))
            for slow_time, lag in zip(self.prfs.slow_times, lags, strict=True)
        ]
        return self.prfs(velocities, threads=threads)
