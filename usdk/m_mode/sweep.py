"""Sweep: a line's envelope in columns of equal time, the oldest making room for the newest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sweep"]


class Sweep:
    """The last columns of a line over time.

    Parameters
    ----------
    n_columns, n_samples : int
        Columns kept, and samples of each.
    column_s : float
        Time that a column covers, s.
    """

    def __init__(self, n_columns: int, n_samples: int, column_s: float) -> None:
        self.n_columns, self.column_s = n_columns, column_s
        self._sums = np.zeros((n_columns, n_samples), np.float32)
        # Lines that fell into a column; −1 where one of an earlier column is held.
        self._counts = np.zeros(n_columns, np.int64)
        self._held = np.zeros(n_samples, np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget all lines."""
        self._sums[:] = 0
        self._counts[:] = 0
        self._newest: int | None = None
        self._last: tuple[int, float] = (0, -math.inf)

    @property
    def n_bytes(self) -> int:
        """Memory that is held, however many lines come."""
        return self._sums.nbytes + self._counts.nbytes + self._held.nbytes

    @property
    def is_empty(self) -> bool:
        """Whether no line was added since the last reset."""
        return self._newest is None

    def add(
        self,
        level: NDArray[np.float32],
        *,
        time_s: float,
        sequence_number: int,
        is_after_gap: bool,
    ) -> None:
        """Add one line; one whose time goes back begins anew."""
        last_number, last_s = self._last
        if time_s < last_s:
            self.reset()
        column = math.floor(time_s / self.column_s)
        if self._newest is None:
            self._newest = column - 1
            is_after_gap = True
        is_held = not is_after_gap and 0 <= sequence_number - last_number <= 1
        # More new columns than there are would only overwrite each other.
        for new in range(max(self._newest + 1, column - self.n_columns + 1), column + 1):
            place = new % self.n_columns
            self._sums[place] = self._held if is_held else 0
            self._counts[place] = -1 if is_held else 0
        place = column % self.n_columns
        if self._counts[place] <= 0:
            self._sums[place] = 0
            self._counts[place] = 0
        self._sums[place] += level
        self._counts[place] += 1
        self._held[:] = level
        self._newest, self._last = column, (sequence_number, time_s)

    def columns(self) -> tuple[NDArray[np.float32], NDArray[np.bool_], float]:
        """Return the mean of each column, which were measured, and when the first begins, s.

        Returns
        -------
        image : ndarray of float32, (n_columns, n_samples)
            From the oldest column to the newest; 0 where nothing was measured.
        has_echoes : ndarray of bool, (n_columns,)
            False for columns of lost frames, and before the first.
        start_s : float
            Left edge of column 0, s.
        """
        newest = -1 if self._newest is None else self._newest
        order = (newest + 1 + np.arange(self.n_columns)) % self.n_columns
        counts = self._counts[order]
        n_lines = np.maximum(np.abs(counts), 1).astype(np.float32)
        image: NDArray[np.float32] = self._sums[order] / n_lines[:, None]
        return image, counts != 0, (newest + 1 - self.n_columns) * self.column_s
