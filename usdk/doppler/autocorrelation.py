"""Autocorrelator: slow-time packets to power and correlations, planned once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, require_instance
from usdk.doppler.clutter import ClutterFilter, SvdFilter
from usdk.doppler.correlations import Correlations
from usdk.doppler.kernel_filter import kernel_filter
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels import autocorrelation
from usdk_kernels.flow_values import kasai

__all__ = ["MAX_PULSES", "Autocorrelator", "Correlations"]

MAX_PULSES = 4096
"""Pulses of a packet, at most."""

_FLOATS_PER_TILE = 2**18


class Autocorrelator:
    r"""Clutter filter, power and lag-one autocorrelation of packets, in one pass over the data.

    For the filtered packet y = F x of M pulses

    .. math::
        R_0 = \frac{1}{M} \sum_t |y[t]|^2, \qquad
        R_L = \frac{1}{M - L} \sum_t y[t + L]\, y^*[t],

    whose phase grows when the target comes nearer (Kasai 1985, equations 6 to 12). With ``axial``
    also the lag-one correlation along depth that the 2-D autocorrelator needs (Loupas 1995).

    Parameters
    ----------
    shape : tuple of int
        Shape of the points, (..., n_samples), usually (n_lines, n_samples); depth last.
    n_pulses : int
        Pulses of a packet, 2 to `MAX_PULSES`.
    clutter : ClutterFilter, optional
        What to take away before. A filter with a real matrix is applied in the same pass, and so
        are the singular vectors that an `SvdFilter` finds; any other one (and the latter with
        ``axial``) first, into memory that the plan keeps.
    axial : bool
        Whether to measure the correlation along depth.
    lag : int
        L: 1, or more for dealiasing; less than the pulses that the filter leaves.

    Raises
    ------
    ArgumentError
        If the packet is too short for the filter or the lag, or a number is out of range.

    Notes
    -----
    The result of a point depends on that point's packet alone (and the next deeper one's), and is
    the same, bit for bit, for any number of threads. A plan may be called by several threads.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        n_pulses: int,
        *,
        clutter: ClutterFilter | None = None,
        axial: bool = False,
        lag: int = 1,
    ) -> None:
        self.shape = tuple(count(n, "shape", least=0, most=2**31) for n in shape)
        if not self.shape:
            raise ArgumentError("shape must have at least one axis, depth: (n_lines, n_samples)")
        self.n_pulses = count(n_pulses, "n_pulses", least=2, most=MAX_PULSES)
        self.clutter, self.axial = clutter, bool(axial)
        if clutter is not None:
            require_instance(clutter, ClutterFilter, "clutter")
        n_out = self.n_pulses if clutter is None else clutter.n_pulses_out(self.n_pulses)
        self.n_pulses_out = n_out
        if n_out < 2:
            raise ArgumentError(f"the filter leaves {n_out} of {n_pulses} pulses: send more")
        self.lag = count(lag, "lag", least=1, most=n_out - 1)
        in_pass = kernel_filter(clutter, self.n_pulses)
        self._filter = in_pass or kernel_filter(None, n_out)
        assert self._filter is not None
        # It brings a kernel of its own that filters and correlates in one pass.
        self._svd = clutter if isinstance(clutter, SvdFilter) and not self.axial else None
        self.is_one_pass = in_pass is not None or self._svd is not None
        """Whether the filtered packet is never stored."""
        self._filtered: Scratch[NDArray[np.complex64]] = Scratch(
            lambda: np.empty((*self.shape, n_out), np.complex64)
        )
        self._lags: Scratch[NDArray[np.complex64]] = Scratch(
            lambda: np.empty(self.shape, np.complex64)
        )
        n_points, n_samples = math.prod(self.shape), self.shape[-1]
        size = max(1, _FLOATS_PER_TILE // (2 * self.n_pulses))
        lanes = autocorrelation.LANES
        if self.axial:
            n_lines = n_points // n_samples if n_samples else 0
            self._tiles = cut(n_lines, max(1, size // max(1, n_samples)))
        else:
            self._tiles = cut(n_points, max(lanes, size // lanes * lanes))

    def __call__(
        self,
        packet: NDArray[np.complex64],
        *,
        out: Correlations | None = None,
        threads: int | None = None,
    ) -> Correlations:
        """Return power and correlations of a packet.

        Parameters
        ----------
        packet : ndarray of complex64, (*shape, n_pulses)
            Beamformed IQ, slow time last. Copied when it is not C-contiguous, complex64 or
            writable.
        out : Correlations, optional
            Where to write, as `Correlations.empty` makes it; returned.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If an array is of another shape or type.
        """
        packet, out = self._checked(packet), self._place(out)
        if self._svd is not None:
            settings: dict[str, Any] = {"lag": self.lag, "threads": threads}
            self._svd.correlate(packet, power=out.power, lagged=out.lag_one, **settings)
            return out
        with self._without_clutter(packet, threads) as filtered:
            run_tiles(self._work(filtered, out), self._tiles, threads=threads)
        return out

    def flow_values(
        self,
        packet: NDArray[np.complex64],
        slow_time: SlowTime,
        *,
        out: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] | None = None,
        threads: int | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return velocity, spread and power of a packet where nothing is averaged in between.

        The same, bit for bit, as a call and `usdk.doppler.flow_values`, in one pass: a tile's
        correlations become velocities while they are in the cache.

        Parameters
        ----------
        packet, threads
            As for a call.
        slow_time : SlowTime
            PRF, frequency and sound speed.
        out : (ndarray, ndarray, ndarray) of float32, each of `shape`, optional
            Where to write velocity, spread and power, C-contiguous.

        Returns
        -------
        velocity_m_s, spread_m_s, power : ndarray of float32, of `shape`
            As in `FlowMap`.

        Raises
        ------
        ArgumentError
            If an array is of another shape or type, or the plan measures along depth.
        """
        if self.axial:
            raise ArgumentError("velocities in one pass are Kasai's: plan with axial=False")
        require_instance(slow_time, SlowTime, "slow_time")
        packet = self._checked(packet)
        places = (np.empty(self.shape, np.float32) for _ in range(3)) if out is None else out
        results = tuple(places)
        if len(results) != 3:
            raise ArgumentError("out must be three arrays, of velocity, spread and power")
        for array in results:
            if not _fits(array, self.shape, np.float32):
                raise ArgumentError(f"out must be three C-contiguous float32 of {self.shape}")
        velocity, spread, power = (array.reshape(-1) for array in results)
        scale = float(slow_time.nyquist_m_s / self.lag)
        if self._svd is not None:
            with self._lags.lent() as lag_one:
                self(packet, out=Correlations(results[2], lag_one, lag=self.lag), threads=threads)
                parts = lag_one.reshape(-1).view(np.float32)
                run_tiles(
                    lambda tile: kasai(power, parts, scale, *tile, velocity, spread),
                    self._tiles,
                    threads=threads,
                )
            return results[0], results[1], results[2]
        with self._lags.lent() as lag_one, self._without_clutter(packet, threads) as filtered:
            parts = lag_one.reshape(-1).view(np.float32)
            correlate = self._work(filtered, Correlations(results[2], lag_one, lag=self.lag))

            def run(tile: tuple[int, int]) -> None:
                correlate(tile)
                kasai(power, parts, scale, *tile, velocity, spread)

            run_tiles(run, self._tiles, threads=threads)
        return results[0], results[1], results[2]

    @contextmanager
    def _without_clutter(
        self, packet: NDArray[np.complex64], threads: int | None
    ) -> Iterator[NDArray[np.complex64]]:
        """Lend what the kernel reads: the packet, or what a filter of its own pass makes of it."""
        if self.is_one_pass or self.clutter is None:
            yield packet
            return
        with self._filtered.lent() as filtered:
            self.clutter(packet, out=filtered, threads=threads)
            yield filtered

    def _work(
        self, packet: NDArray[np.complex64], out: Correlations
    ) -> Callable[[tuple[int, int]], None]:
        """Return what correlates one tile."""
        assert self._filter is not None
        settings = (self._filter.coefficients, self._filter.kind, self._filter.n_out, self.lag)
        floats, n_pulses = packet.reshape(-1).view(np.float32), packet.shape[-1]
        power, lag_one = out.power.reshape(-1), out.lag_one.reshape(-1).view(np.float32)
        if out.axial is None:
            return lambda tile: autocorrelation.autocorrelate(
                floats, n_pulses, *settings, *tile, power, lag_one
            )
        axial, n_samples = out.axial.reshape(-1).view(np.float32), self.shape[-1]
        return lambda tile: autocorrelation.autocorrelate_axial(
            floats, n_pulses, *settings, n_samples, *tile, power, lag_one, axial
        )

    def _checked(self, packet: NDArray[Any]) -> NDArray[np.complex64]:
        packet = np.asarray(packet)
        expected = (*self.shape, self.n_pulses)
        if packet.shape != expected:
            raise ArgumentError(f"packet must have shape {expected}, got {packet.shape}")
        if packet.dtype.kind != "c":
            raise ArgumentError(f"packet must be IQ, complex64, got {packet.dtype}: demodulate it")
        # A read-only array is another type to the compiler, which would compile the kernel again.
        return np.require(packet, np.complex64, ("C", "A", "W"))

    def _place(self, out: Correlations | None) -> Correlations:
        if out is None:
            return Correlations.empty(self.shape, axial=self.axial, lag=self.lag)
        require_instance(out, Correlations, "out")
        if (out.axial is not None) != self.axial or out.lag != self.lag:
            raise ArgumentError(
                f"out must be Correlations.empty({self.shape}, axial={self.axial}, lag={self.lag})"
            )
        kinds = (np.float32, np.complex64, np.complex64)
        for array, kind in zip((out.power, out.lag_one, out.axial), kinds, strict=True):
            if array is not None and not _fits(array, self.shape, kind):
                raise ArgumentError(
                    f"out must hold writable, C-contiguous arrays of shape {self.shape}"
                )
        return out


def _fits(array: object, shape: tuple[int, ...], kind: type[np.generic]) -> bool:
    if not isinstance(array, np.ndarray):
        return False
    return array.shape == shape and array.dtype == kind and array.flags.carray
