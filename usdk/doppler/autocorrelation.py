"""Autocorrelator: slow-time packets to power and correlations, planned once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter import ClutterFilter
from usdk.doppler.correlations import Correlations
from usdk.doppler.kernel_filter import kernel_filter
from usdk.errors import ArgumentError
from usdk.scratch import Scratch
from usdk.tiles import cut, run_tiles
from usdk_kernels import autocorrelation

__all__ = ["MAX_PULSES", "Autocorrelator", "Correlations"]

MAX_PULSES = 4096
"""Pulses of a packet, at most."""

_FLOATS_PER_TILE = 2**17


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
        What to take away before. A filter with a real matrix is applied in the same pass; any
        other one first, into memory that the plan keeps.
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
        n_out = self.n_pulses if clutter is None else clutter.n_pulses_out(self.n_pulses)
        self.n_pulses_out = n_out
        if n_out < 2:
            raise ArgumentError(f"the filter leaves {n_out} of {n_pulses} pulses: send more")
        self.lag = count(lag, "lag", least=1, most=n_out - 1)
        in_pass = kernel_filter(clutter, self.n_pulses)
        self.is_one_pass = in_pass is not None
        """Whether the filter is applied in the pass that estimates."""
        self._filter = in_pass or kernel_filter(None, n_out)
        assert self._filter is not None
        self._filtered: Scratch[NDArray[np.complex64]] = Scratch(
            lambda: np.empty((*self.shape, n_out), np.complex64)
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
        packet = self._checked(packet)
        out = self._place(out)
        if self.is_one_pass:
            self._correlate(packet, out, threads)
            return out
        assert self.clutter is not None
        with self._filtered.lent() as filtered:
            self.clutter(packet, out=filtered, threads=threads)
            self._correlate(filtered, out, threads)
        return out

    def _correlate(
        self, packet: NDArray[np.complex64], out: Correlations, threads: int | None
    ) -> None:
        assert self._filter is not None
        n_points = math.prod(self.shape)
        floats = packet.view(np.float32).reshape(n_points, 2 * packet.shape[-1])
        power = out.power.reshape(-1)
        lag_one = out.lag_one.reshape(-1, 1).view(np.float32)
        settings = (self._filter.coefficients, self._filter.kind, self._filter.n_out, self.lag)
        if out.axial is None:
            run_tiles(
                lambda tile: autocorrelation.autocorrelate(
                    floats, *settings, *tile, power, lag_one
                ),
                self._tiles,
                threads=threads,
            )
            return
        axial = out.axial.reshape(-1, 1).view(np.float32)
        run_tiles(
            lambda tile: autocorrelation.autocorrelate_axial(
                floats, *settings, self.shape[-1], *tile, power, lag_one, axial
            ),
            self._tiles,
            threads=threads,
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
        if (out.axial is not None) != self.axial or out.lag != self.lag:
            raise ArgumentError(
                f"out must be Correlations.empty({self.shape}, axial={self.axial}, lag={self.lag})"
            )
        for array, dtype in (
            (out.power, np.float32), (out.lag_one, np.complex64), (out.axial, np.complex64),
        ):  # fmt: skip
            if array is not None and not (
                array.shape == self.shape and array.dtype == dtype and array.flags.carray
            ):
                raise ArgumentError(
                    f"out must hold writable, C-contiguous arrays of shape {self.shape}"
                )
        return out
