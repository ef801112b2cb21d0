"""Persistence: each frame shows a share of those before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import number, positive
from usdk.errors import ArgumentError
from usdk_kernels.recursive_average import recursive_average

__all__ = ["FrameAverage", "Persistence"]


@dataclass(frozen=True, kw_only=True)
class Persistence:
    r"""How long frames persist: :math:`y_n = a\,y_{n-1} + (1 - a)\,x_n`, of envelopes.

    Give one of both.

    Parameters
    ----------
    coefficient : float, optional
        a, 0 (none) to less than 1. An echo that goes away fades by −20 log₁₀ a dB with each frame,
        and of frames with independent speckle about (1 + a) / (1 − a) are averaged.
    time_constant_s : float, optional
        τ, s: a = exp(−Δt / τ) with the time Δt between two frames, for frames that know their time.

    Raises
    ------
    ArgumentError
        If neither or both are given, or one is out of range.
    """

    coefficient: float | None = None
    time_constant_s: float | None = None

    def __post_init__(self) -> None:
        if (self.coefficient is None) == (self.time_constant_s is None):
            raise ArgumentError("give coefficient or time_constant_s, one of both")
        if (
            self.coefficient is not None
            and not 0 <= number(self.coefficient, "coefficient of persistence") < 1
        ):
            raise ArgumentError(f"coefficient must be 0 to less than 1, got {self.coefficient}")
        tau_s = self.time_constant_s
        if tau_s is not None:
            positive(tau_s, "time_constant_s")

    def describe(self) -> str:
        """Return the setting as text."""
        if self.coefficient is not None:
            return f"{self.coefficient:g}"
        return f"time constant {self.time_constant_s:g} s"


class FrameAverage:
    """The running average of a cine's frames, in place.

    It begins anew, so that no echo outlives what was lost, after a gap in the sequence numbers,
    when they or the times go back, and when a time constant meets a frame of unknown time.

    Parameters
    ----------
    persistence : Persistence
        How long.
    shape : (int, int)
        Of the images.
    """

    def __init__(self, persistence: Persistence, shape: tuple[int, int]) -> None:
        self.persistence = persistence
        self._state = np.zeros(shape, np.float32)
        self._last: tuple[int, float] | None = None

    @property
    def n_bytes(self) -> int:
        """Memory that is held."""
        return self._state.nbytes

    def reset(self) -> None:
        """Forget the frames so far: the next one is shown as it is."""
        self._last = None

    def __call__(
        self,
        image: NDArray[np.float32],
        *,
        sequence_number: int = 0,
        time_s: float = math.nan,
        is_after_gap: bool = False,
    ) -> None:
        """Replace an image by the average that ends with it.

        Parameters
        ----------
        image : ndarray of float32, C-contiguous
            Envelope; overwritten.
        sequence_number : int
            The device's count of the frame. One that does not change means that nobody counts.
        time_s : float
            Start of the frame, s; NaN when unknown.
        is_after_gap : bool
            Whether frames are known to be lost before this one.
        """
        if image.shape != self._state.shape:
            raise ArgumentError(f"image must have shape {self._state.shape}, got {image.shape}")
        if image.dtype != np.float32 or not (image.flags.c_contiguous and image.flags.writeable):
            raise ArgumentError(f"image must be writable, C-contiguous float32, got {image.dtype}")
        coefficient = 0.0 if is_after_gap else self._coefficient(sequence_number, time_s)
        recursive_average(float(coefficient), self._state, image)
        self._last = (sequence_number, time_s)

    def _coefficient(self, sequence_number: int, time_s: float) -> float:
        if self._last is None:
            return 0.0
        last_number, last_s = self._last
        if not 0 <= sequence_number - last_number <= 1 or time_s < last_s:
            return 0.0
        if self.persistence.coefficient is not None:
            return self.persistence.coefficient
        assert self.persistence.time_constant_s is not None
        share = math.exp(-(time_s - last_s) / self.persistence.time_constant_s)
        # Of two frames at one time, or of a time that is not known, nothing can be said.
        return share if share < 1 else 0.0
