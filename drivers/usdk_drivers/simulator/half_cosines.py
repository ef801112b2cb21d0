"""A periodic curve through given knots, with its integral and slope in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["HalfCosines"]


@dataclass(frozen=True)
class HalfCosines:
    r"""Half a cosine from each knot to the next, over and over with the period 1.

    Between the knots (φ_k, s_k) and (φ_{k+1}, s_{k+1}), with u from 0 to 1,

    .. math:: s = s_k + (s_{k+1} - s_k) (1 - \cos \pi u) / 2

    so that the curve is smooth, its extremes are knots, and its mean over a piece is that of the
    two ends.

    Parameters
    ----------
    phases : tuple of float
        From 0 to 1, rising.
    levels : tuple of float
        As many; the last is the first.
    """

    phases: tuple[float, ...]
    levels: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over a period."""
        return float(self._areas().sum())

    @property
    def steepest(self) -> float:
        """Greatest magnitude of the slope, per period."""
        return float(np.max(np.pi / 2 * np.abs(np.diff(self.levels)) / np.diff(self.phases)))

    def value(self, phase: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return s."""
        u, _, _, level, rise = self._piece(phase)
        return np.asarray(level + rise * (1 - np.cos(np.pi * u)) / 2)

    def slope(self, phase: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return ds/dφ."""
        u, width, _, _, rise = self._piece(phase)
        return np.asarray(np.pi / 2 * rise * np.sin(np.pi * u) / width)

    def integral(self, phase: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return the integral of s from 0 to a phase of any size."""
        u, width, before, level, rise = self._piece(phase)
        within = width * (level * u + rise * (u / 2 - np.sin(np.pi * u) / (2 * np.pi)))
        return np.asarray(np.floor(phase) * self.mean + before + within)

    def _areas(self) -> NDArray[np.float64]:
        levels = np.array(self.levels)
        return np.asarray(np.diff(self.phases) * (levels[:-1] + levels[1:]) / 2)

    def _piece(self, phase: NDArray[Any] | float) -> tuple[NDArray[np.float64], ...]:
        """Return the place in its piece, the piece's width, the area before it, level and rise."""
        phases, levels = np.array(self.phases), np.array(self.levels)
        wrapped = np.mod(np.asarray(phase, np.float64), 1.0)
        k = np.clip(np.searchsorted(phases, wrapped, side="right") - 1, 0, len(phases) - 2)
        width = np.diff(phases)[k]
        before = np.append(0.0, np.cumsum(self._areas()))[k]
        return (wrapped - phases[k]) / width, width, before, levels[k], np.diff(levels)[k]
