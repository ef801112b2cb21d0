"""WallFilter: a clutter filter that goes on from pulse to pulse without end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.clutter import IirFilter

__all__ = ["WallFilter"]


class WallFilter:
    """A recursive high pass for a signal that never ends.

    Parameters
    ----------
    design : IirFilter
        What gives the sections.
    """

    def __init__(self, design: IirFilter) -> None:
        self.design = design

    def stream(self, shape: tuple[int, ...]) -> _Stream:
        """Return a filter with state for signals of this shape and slow time last."""
        return _Stream(self.design.sections, shape)

    def describe(self) -> str:
        """Return the filter's name and settings."""
        return self.design.describe()


class _Stream:
    def __init__(self, sections: NDArray[np.float64], shape: tuple[int, ...]) -> None:
        self._rows = [tuple(row) for row in sections.tolist()]
        self._states: list[list[Any]] | None = None

    def __call__(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        if samples.shape[-1] == 0:
            return samples
        values = [samples[..., n].astype(np.complex128) for n in range(samples.shape[-1])]
        if self._states is None:
            # As if the first pulse had been there for ever: a standing echo leaves no transient.
            self._states = []
            x = values[0]
            for b0, b1, b2, _, a1, a2 in self._rows:
                y = x * ((b0 + b1 + b2) / (1 + a1 + a2))
                second = b2 * x - a2 * y
                self._states.append([b1 * x - a1 * y + second, second])
                x = y
        for (b0, b1, b2, _, a1, a2), state in zip(self._rows, self._states, strict=True):
            first, second = state
            for n, x in enumerate(values):
                y = b0 * x + first
                first = b1 * x - a1 * y + second
                second = b2 * x - a2 * y
                values[n] = y
            state[:] = first, second
        return np.stack(values, axis=-1).astype(np.complex64)
