"""MatrixFilter: clutter filters that are the same matrix for every packet."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.doppler.clutter.filter import ClutterFilter
from usdk.doppler.clutter.packet import over_points, place, require_packet
from usdk_kernels.slow_time_matrix import apply_matrix

__all__ = ["MAX_PULSES", "MatrixFilter", "ProjectionFilter"]

MAX_PULSES = 2048
"""Pulses to a packet; a matrix then takes 16 MiB."""
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

    def __init__(self) -> None:
        self._matrices: dict[int, NDArray[np.float32]] = {}

    @abstractmethod
    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        """Return F for a packet size that `n_pulses_out` allows."""

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
        matrix = self._matrix(packet.shape[-1])
        out = place(out, (*packet.shape[:-1], matrix.shape[0]), packet)
        points, filtered = _rows(packet), _rows(out)
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

    @abstractmethod
    def _orthonormal(self, n_pulses: int) -> NDArray[np.float64]:
        """Return B for a packet size that `n_pulses_out` allows."""

    def basis(self, n_pulses: int) -> NDArray[np.float32]:
        """Return B, (rank, n_pulses) float32, with orthonormal rows: y = x − Bᵀ B x."""
        n_pulses = count(n_pulses, "n_pulses", most=MAX_PULSES)
        self.n_pulses_out(n_pulses)
        return np.ascontiguousarray(self._orthonormal(n_pulses), np.float32)

    def _design(self, n_pulses: int) -> NDArray[np.float64]:
        basis = self._orthonormal(n_pulses)
        return np.asarray(np.eye(n_pulses) - basis.T @ basis)


def _rows(packet: NDArray[np.complex64]) -> NDArray[np.complex64]:
    n_pulses = packet.shape[-1]
    return packet.reshape(packet.size // max(n_pulses, 1), n_pulses)
