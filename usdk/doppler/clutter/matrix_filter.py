"""MatrixFilter: clutter filters that are the same matrix for every packet."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.packet import as_floats, over_points, place, require_packet
from usdk_kernels import casorati
from usdk_kernels.slow_time_matrix import apply_matrix

__all__ = [
    "LONGEST_BY_MATRIX",
    "MAX_PULSES",
    "MatrixFilter",
    "PointsFilter",
    "ProjectionFilter",
    "without",
]

PointsFilter = Callable[[NDArray[np.complex64], NDArray[np.complex64]], None]
"""Filters (n_points, n_pulses) into (n_points, n_pulses_out)."""

MAX_PULSES = 2048
"""Pulses to a packet; a matrix then takes 16 MiB."""
LONGEST_BY_MATRIX = 128
"""Pulses of the longest packet that is multiplied by the matrix; both ways give the same."""
LONGEST_PROJECTED_BY_MATRIX = 24
"""The same for filters that are a projection on few signals, whose other way costs less."""
_LONG_PER_TILE = 256
# Packet sizes whose matrices are kept; one device uses one or two.
_N_KEPT = 8


class MatrixFilter(ClutterFilter):
    """A filter whose every output is a fixed sum of the pulses of one packet, y = F x.

    The frequency response of such a filter, its bias and its cost follow from F alone: see
    `usdk.doppler.clutter.frequency_response`.

    References
    ----------
    H. Torp, "Clutter rejection filters in color flow imaging: a theoretical approach", IEEE Trans.
    Ultrason. Ferroelectr. Freq. Control 44(2), 1997.
    """

    _longest_by_matrix = LONGEST_BY_MATRIX

    def __init__(self) -> None:
        self._matrices: dict[int, NDArray[np.float32]] = {}

    @abstractmethod
    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        """Return F for a packet size that `n_pulses_out` allows."""

    @abstractmethod
    def _for_long(self, n_pulses: int) -> PointsFilter:
        """Return what filters points of so many pulses by another way than the matrix.

        Its cost grows with the length of a packet, not with the square of it.
        """

    def matrix(self, n_pulses: int) -> NDArray[np.float32]:
        """Return F, (n_pulses_out, n_pulses) float32.

        Raises
        ------
        ArgumentError
            If the packet is too short for the filter, or longer than `MAX_PULSES`.
        """
        return self._matrix(n_pulses).copy()

    def __call__(
        self,
        packet: NDArray[np.complex64],
        *,
        out: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return the packet without its clutter; a NaN stays with its point."""
        packet = require_packet(packet)
        n_pulses = count(packet.shape[-1], "n_pulses", least=0, most=MAX_PULSES)
        out = place(out, (*packet.shape[:-1], self.n_pulses_out(n_pulses)), packet)
        points, filtered = _rows(packet), _rows(out)
        if n_pulses > self._longest_by_matrix:
            work = self._for_long(n_pulses)
            over_points(
                lambda start, stop: work(points[start:stop], filtered[start:stop]),
                points.shape[0],
                threads=threads,
                size=_LONG_PER_TILE,
            )
            return out
        matrix = self._matrix(n_pulses)
        over_points(
            lambda start, stop: apply_matrix(points, matrix, start, stop, filtered),
            points.shape[0],
            threads=threads,
        )
        return out

    def _matrix(self, n_pulses: int) -> NDArray[np.float32]:
        n_pulses = count(n_pulses, "n_pulses", most=MAX_PULSES)
        self.n_pulses_out(n_pulses)
        found = self._matrices.get(n_pulses)
        if found is None:
            found = np.ascontiguousarray(self._design(n_pulses), np.float32)
            if len(self._matrices) >= _N_KEPT:
                self._matrices.clear()
            self._matrices[n_pulses] = found
        return found


class ProjectionFilter(MatrixFilter):
    """A filter that takes away what lies in the space of a few signals, F = I − Bᵀ B."""

    _longest_by_matrix = LONGEST_PROJECTED_BY_MATRIX

    @abstractmethod
    def _orthonormal(self, n_pulses: int) -> NDArray[np.float64]:
        """Return B for a packet size that `n_pulses_out` allows."""

    def basis(self, n_pulses: int) -> NDArray[np.float32]:
        """Return B, (rank, n_pulses) float32, with orthonormal rows: y = x − Bᵀ B x."""
        n_pulses = count(n_pulses, "n_pulses", most=MAX_PULSES)
        self.n_pulses_out(n_pulses)
        return np.ascontiguousarray(self._orthonormal(n_pulses), np.float32)

    def _for_long(self, n_pulses: int) -> PointsFilter:
        return without(self._orthonormal(n_pulses))

    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        basis = self._orthonormal(n_pulses)
        return np.asarray(np.eye(n_pulses) - basis.T @ basis)


def without(basis: NDArray[np.float64]) -> PointsFilter:
    """Return what takes the parts along orthonormal rows, (rank, n_pulses), out of points."""
    vectors = as_floats(basis.astype(np.complex64))

    def work(points: NDArray[np.complex64], out: NDArray[np.complex64]) -> None:
        n_points = points.shape[0]
        floats = out.view(np.float32)
        casorati.filter_points(as_floats(points), vectors, casorati.REMOVE, 0, n_points, floats)

    return work


def _rows(packet: NDArray[np.complex64]) -> NDArray[np.complex64]:
    n_pulses = packet.shape[-1]
    return packet.reshape(packet.size // max(n_pulses, 1), n_pulses)
