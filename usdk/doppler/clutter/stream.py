"""Streams: filters along slow time that never begin anew."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter.packet import over_points, place, require_packet
from usdk.errors import ArgumentError
from usdk_kernels.slow_time_stream import LANES, filter_sections, filter_taps

__all__ = ["MAX_POINTS", "SectionStream", "SlowTimeStream", "TapStream"]

MAX_POINTS = 2**26


class SlowTimeStream(ABC):
    """A filter that goes on from one block of pulses to the next, with a state for every point.

    For modes whose pulses never stop: spectral Doppler, ultrafast imaging. However the pulses are
    cut into blocks, the output has the same bits. Made by the ``stream`` of a filter.

    Parameters
    ----------
    shape : tuple of int
        Shape of the points, without slow time; () is a single gate.

    Notes
    -----
    A stream works for one thread at a time, and spreads the work over the SDK's own. A NaN stays
    with its point: of a recursive filter until `reset`.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        try:
            sizes = tuple(shape)
        except TypeError:
            raise ArgumentError(f"shape must be a tuple of numbers, got {shape!r}") from None
        self.shape = tuple(count(n, "shape", least=0, most=MAX_POINTS) for n in sizes)
        self._n_points = math.prod(self.shape)
        if self._n_points > MAX_POINTS:
            raise ArgumentError(f"a stream has at most {MAX_POINTS} points, got {self._n_points}")
        self._is_new = True

    @property
    @abstractmethod
    def n_bytes(self) -> int:
        """Memory that the state takes; it does not grow."""

    def reset(self) -> None:
        """Forget all pulses: the next one begins anew."""
        self._is_new = True

    def __call__(
        self,
        block: NDArray[np.complex64],
        *,
        is_after_gap: bool = False,
        out: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return the next pulses, filtered.

        Parameters
        ----------
        block : ndarray of complex64, (*shape, n_pulses)
            Any number of pulses, none too.
        is_after_gap : bool
            Whether pulses were lost before this block: then the filter begins anew.
        out : ndarray of complex64, of the block's shape, optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        block = require_packet(block)
        if block.shape[:-1] != self.shape:
            raise ArgumentError(
                f"planned for points of shape {self.shape}, got a block of {block.shape}"
            )
        out = place(out, block.shape, block)
        if is_after_gap:
            self.reset()
        if block.size == 0:
            return out
        n_pulses = block.shape[-1]
        signal = block.reshape(self._n_points, n_pulses)
        if self._is_new:
            self._begin(signal[:, 0])
            self._is_new = False
        self._filter(signal, out.reshape(self._n_points, n_pulses), threads)
        return out

    @abstractmethod
    def _begin(self, first: NDArray[np.complex64]) -> None:
        """Set the state for the first pulse, (n_points,)."""

    @abstractmethod
    def _filter(
        self,
        signal: NDArray[np.complex64],
        out: NDArray[np.complex64],
        threads: int | None,
    ) -> None:
        """Filter (n_points, n_pulses) and keep the state."""


class SectionStream(SlowTimeStream):
    """A recursive filter as a stream.

    Parameters
    ----------
    shape : tuple of int
        Shape of the points.
    sections : ndarray of float64, (n_sections, 6)
        Second-order sections: b0 b1 b2 1 a1 a2.
    is_step : bool
        Whether to begin as if the first pulse had been there for ever, rather than nothing.
    """

    def __init__(
        self, shape: Sequence[int], sections: NDArray[np.float64], *, is_step: bool
    ) -> None:
        super().__init__(shape)
        self._sections = np.ascontiguousarray(sections, np.float64)
        self._steady = _steady_state(self._sections) * is_step
        n_blocks = -(-self._n_points // LANES)
        self._state = np.zeros((n_blocks, self._sections.shape[0], 2, 2, LANES))

    @property
    def n_bytes(self) -> int:
        """Memory that the state takes; it does not grow."""
        return self._state.nbytes

    def _begin(self, first: NDArray[np.complex64]) -> None:
        n_blocks = self._state.shape[0]
        lanes = np.zeros((n_blocks * LANES, 2))
        lanes[: self._n_points, 0], lanes[: self._n_points, 1] = first.real, first.imag
        parts = lanes.reshape(n_blocks, LANES, 2).transpose(0, 2, 1)
        # An infinity times the 0 of a state that begins with nothing is NaN, as it is later on.
        with np.errstate(invalid="ignore"):
            self._state[:] = self._steady[:, :, None, None] * parts[:, None, None]

    def _filter(
        self, signal: NDArray[np.complex64], out: NDArray[np.complex64], threads: int | None
    ) -> None:
        over_points(
            lambda start, stop: filter_sections(
                signal, self._sections, start, stop, self._state, out
            ),
            self._state.shape[0],
            threads=threads,
            size=512,
        )


class TapStream(SlowTimeStream):
    """A filter of finite length as a stream; it begins as if the first pulse had always been there.

    Parameters
    ----------
    shape : tuple of int
        Shape of the points.
    taps : ndarray of float64, (n_taps,)
        Impulse response.
    """

    def __init__(self, shape: Sequence[int], taps: NDArray[np.float64]) -> None:
        super().__init__(shape)
        self._taps = np.array(taps, np.float32)
        self._history = np.zeros((self._n_points, self._taps.size - 1), np.complex64)

    @property
    def n_bytes(self) -> int:
        """Memory that the state takes; it does not grow."""
        return self._history.nbytes

    def _begin(self, first: NDArray[np.complex64]) -> None:
        self._history[:] = first[:, None]

    def _filter(
        self, signal: NDArray[np.complex64], out: NDArray[np.complex64], threads: int | None
    ) -> None:
        over_points(
            lambda start, stop: filter_taps(signal, self._taps, start, stop, self._history, out),
            self._n_points,
            threads=threads,
        )


def _steady_state(sections: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return s_1 and s_2 of each section for an input that has always been 1, (n_sections, 2)."""
    states, level = [], 1.0
    for b0, b1, b2, _, a1, a2 in sections:
        after = level * (b0 + b1 + b2) / (1 + a1 + a2)
        states.append((after - b0 * level, b2 * level - a2 * after))
        level = after
    return np.array(states)
