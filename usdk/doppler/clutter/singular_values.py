"""SingularValues: what a packet's clutter and blood look like to an SVD filter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.clutter.packet import as_floats
from usdk.errors import ArgumentError
from usdk.tiles import cut, run_tiles
from usdk_kernels import casorati

__all__ = ["SingularValues", "decompose", "full_gram", "gram_of"]

_POINTS_PER_TILE = 4096


@dataclass(frozen=True, eq=False, kw_only=True)
class SingularValues:
    """Singular value decomposition of the points-by-pulses matrix of a packet (Casorati matrix).

    Parameters
    ----------
    values : ndarray of float64, (n_pulses,)
        Singular values, falling, in the unit of the IQ.
    temporal : ndarray of complex128, (n_pulses, n_pulses)
        Temporal singular vectors, one to a column.
    points : ndarray of complex64, (n_points, n_pulses)
        The packet.
    """

    values: NDArray[np.float64]
    temporal: NDArray[np.complex128]
    points: NDArray[np.complex64]

    @property
    def n_pulses(self) -> int:
        """Number of singular values."""
        return int(self.values.size)

    @property
    def rank(self) -> int:
        """The most singular values that may differ from 0."""
        return int(min(self.points.shape))

    @property
    def shifts(self) -> NDArray[np.float64]:
        """Mean Doppler shift of each temporal singular vector, share of the PRF, ±0.5."""
        lag_one = np.sum(self.temporal[1:] * self.temporal[:-1].conj(), axis=0)
        return np.asarray(np.angle(lag_one) / (2 * np.pi))

    @cached_property
    def similarity(self) -> NDArray[np.float64]:
        """Correlation over the points of the magnitudes of the spatial singular vectors.

        (n_pulses, n_pulses) float64. One whose magnitude does not vary, as that of a component
        which is 0, correlates with none.
        """
        n_points, n_pulses = self.points.shape
        levels = np.empty((n_pulses, n_points), np.float32)
        vectors = as_floats(self.temporal.T)
        run_tiles(
            lambda tile: casorati.magnitudes(as_floats(self.points), vectors, *tile, levels),
            cut(n_points, _POINTS_PER_TILE),
        )
        centred = levels - levels.mean(axis=1, keepdims=True, dtype=np.float64)
        spread = np.sqrt(np.mean(centred**2, axis=1))
        varies = spread > 1e-6 * self.values[0] / np.sqrt(max(n_points, 1))
        centred[~varies] = 0
        spread[~varies] = 1
        unit = centred / spread[:, None]
        return np.asarray(unit @ unit.T / max(n_points, 1))


def gram_of(points: NDArray[np.complex64], *, threads: int | None) -> NDArray[np.complex128]:
    """Return Σ x xᴴ over the points, (n_pulses, n_pulses), on and below the diagonal.

    The sum is taken in the same order for any number of threads.
    """
    n_points, n_pulses = points.shape
    tiles = cut(n_points, _POINTS_PER_TILE)
    sums = np.zeros((len(tiles), n_pulses, 2 * n_pulses))
    floats = as_floats(points)

    def work(index: int) -> None:
        casorati.gram(floats, *tiles[index], sums[index])

    run_tiles(work, range(len(tiles)), threads=threads)
    return np.asarray(sums.sum(axis=0).view(np.complex128))


def full_gram(lower: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the Hermitian matrix of which the part on and below the diagonal is given."""
    return lower + np.tril(lower, -1).conj().T


def decompose(gram: NDArray[np.complex128], points: NDArray[np.complex64]) -> SingularValues:
    """Return singular values and vectors of points whose Gram matrix is known.

    Raises
    ------
    ArgumentError
        If the packet has values that are not finite, or overflow when they are squared.
    """
    if not np.all(np.isfinite(gram)):
        raise ArgumentError(
            "the packet has values that are not finite or above 1e18: one of them would spoil "
            "every point, so leave its points out or set them to 0"
        )
    powers, vectors = np.linalg.eigh(gram)
    values = np.sqrt(np.maximum(powers[::-1], 0.0))
    return SingularValues(values=values, temporal=vectors[:, ::-1], points=points)
