"""Correlations: what an autocorrelator measured of every point, before it becomes a velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError

__all__ = ["Correlations"]


@dataclass(frozen=True, eq=False)
class Correlations:
    """Power and correlations of filtered packets, point by point.

    They, not velocities, are what is averaged over space and time: a mean of complex correlations
    weighs every velocity by its power and knows no jump at the Nyquist velocity.

    Parameters
    ----------
    power : ndarray of float32, (...)
        R_0, mean of abs(y)² over the pulses y of the filtered packet, squared units of the IQ.
    lag_one : ndarray of complex64, (...)
        R_1, mean over the pairs of pulses of y[t + 1] y*[t]; for another lag L, of y[t + L] y*[t].
    axial : ndarray of complex64, (...), or None
        A_1, mean over the pulses of y[m + 1, t] y*[m, t] along the depths m, the last axis; the
        last sample holds that of the one before it.
    lag : int
        L, 1 but for dealiasing.
    """

    power: NDArray[np.float32]
    lag_one: NDArray[np.complex64]
    axial: NDArray[np.complex64] | None = None
    lag: int = 1

    def __post_init__(self) -> None:
        shape = np.shape(self.power)
        for name in ("lag_one", "axial"):
            array = getattr(self, name)
            if array is not None and np.shape(array) != shape:
                raise ArgumentError(
                    f"{name} must have the shape of power, {shape}: {np.shape(array)}"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of every array, usually (n_lines, n_samples)."""
        return self.power.shape

    @classmethod
    def empty(cls, shape: tuple[int, ...], *, axial: bool = False, lag: int = 1) -> Correlations:
        """Return arrays of a shape to write to, with any content."""
        return cls(
            power=np.empty(shape, np.float32),
            lag_one=np.empty(shape, np.complex64),
            axial=np.empty(shape, np.complex64) if axial else None,
            lag=lag,
        )
