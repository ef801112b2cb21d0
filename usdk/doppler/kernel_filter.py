"""How a clutter filter is handed to the kernels that filter and estimate in one pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.clutter import ClutterFilter
from usdk_kernels import autocorrelation

__all__ = ["KernelFilter", "kernel_filter"]

_NEAR = 1e-4  # of 0 and 1, eigenvalues of a projection whose matrix was rounded to float32
_LARGEST_SHARE = 4  # a basis of more than a quarter of the pulses costs more than the matrix


@dataclass(frozen=True, eq=False)
class KernelFilter:
    """The arguments ``coefficients``, ``kind`` and ``n_out`` of `usdk_kernels.autocorrelation`."""

    coefficients: NDArray[np.float32]
    kind: int
    n_out: int


def kernel_filter(clutter: ClutterFilter | None, n_pulses: int) -> KernelFilter | None:
    """Return a filter for the kernels; None where it has to be called by itself.

    Only filters with a real matrix go through the kernels. One that takes away a projection on few
    functions, I − Bᵀ B as for a mean or a polynomial, is recognised by the eigenvalues of I − F.
    """
    if clutter is None:
        return KernelFilter(np.zeros((0, 0), np.float32), autocorrelation.NO_FILTER, n_pulses)
    matrix = clutter.matrix(n_pulses)
    if matrix is None or np.iscomplexobj(matrix):
        return None
    basis = _basis(np.asarray(matrix, np.float64))
    if basis is not None:
        padded = _padded(basis, autocorrelation.ROWS // 2)
        return KernelFilter(padded, autocorrelation.PROJECTION, n_pulses)
    n_out = clutter.n_pulses_out(n_pulses)
    return KernelFilter(_padded(matrix.real, autocorrelation.ROWS), autocorrelation.MATRIX, n_out)


def _basis(matrix: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return orthonormal rows B with F = I − Bᵀ B; None where there are none, or too many."""
    n = matrix.shape[1]
    removed = np.eye(n) - matrix if matrix.shape[0] == n else None
    if removed is None or np.abs(removed - removed.T).max() > _NEAR:
        return None
    values, vectors = np.linalg.eigh((removed + removed.T) / 2)
    is_one = np.abs(values - 1) < _NEAR
    if not np.all(is_one | (np.abs(values) < _NEAR)) or is_one.sum() * _LARGEST_SHARE > n:
        return None
    return np.asarray(vectors[:, is_one].T)


def _padded(rows: NDArray[np.floating], multiple: int) -> NDArray[np.float32]:
    """Return a matrix with rows and columns of zeros behind, as the kernels take it."""
    n_rows = -(-rows.shape[0] // multiple) * multiple
    n_columns = -(-rows.shape[1] // autocorrelation.COLUMNS) * autocorrelation.COLUMNS
    padded = np.zeros((n_rows, n_columns), np.float32)
    padded[: rows.shape[0], : rows.shape[1]] = rows
    return padded
