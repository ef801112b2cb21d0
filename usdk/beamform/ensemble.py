"""Ensembles: many frames, or slow-time packets, of one geometry beamformed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.beamform import plan_ensemble
from usdk.beamform.plan_ensemble import EnsemblePlan
from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.beamform.beamformer import Beamformer

__all__ = ["LEAST_FRAMES", "EnsembleBeamformer"]

MAX_FRAMES = 2**16

LEAST_FRAMES = 4
"""With fewer frames, one after the other is faster."""


class EnsembleBeamformer:
    """A beamformer of ensembles; delays, windows and phasors are computed once for all frames.

    Parameters
    ----------
    beamformer : Beamformer
        Plan of one frame. Where the ensemble kernel is not exact for its method, or the frames are
        few, it makes them one after the other; `explain` says which.
    n_frames : int
        Frames, or packets of slow time, to an ensemble.

    Raises
    ------
    ArgumentError
        If there is no frame, or the plan's memory would be too large.

    Notes
    -----
    The result has the frames last, next to each other in memory, as Doppler takes them.
    """

    def __init__(self, beamformer: Beamformer, n_frames: int) -> None:
        self.n_frames = n_frames = count(n_frames, "n_frames", most=MAX_FRAMES)
        self._beamformer = beamformer
        geometry, method = beamformer.geometry, beamformer.method
        self._data_shape = geometry.data_shape
        self._plan: EnsemblePlan | None = None
        reason = plan_ensemble.why_not_exact(geometry, method)
        if reason is None and n_frames < LEAST_FRAMES:
            reason = f"fewer than {LEAST_FRAMES} frames"
        if reason is None:
            self._plan = EnsemblePlan(geometry, method, n_frames)
        self._reason = reason or "delays once for all frames"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the result: the beamformer's, and n_frames."""
        return (*self._beamformer.shape, self.n_frames)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds."""
        return self._beamformer.n_bytes if self._plan is None else self._plan.n_bytes

    def explain(self) -> str:
        """Return which kernel runs and why."""
        one = self._beamformer.explain()
        if self._plan is None:
            return f"{self.n_frames} frames one after the other ({self._reason}): {one}"
        return f"ensemble kernel, {self.n_frames} frames, {self._reason}; of a single frame: {one}"

    def __call__(
        self, data: NDArray[Any], *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return one beamformed ensemble.

        Parameters
        ----------
        data : ndarray, (n_frames, n_transmits, n_elements, n_samples)
            Channel data: complex64 IQ, or real RF (int16 is converted to float32).
        out : ndarray, optional
            Where to write: of `shape` and the beamformer's ``dtype``, C-contiguous.
        threads : int, optional
            As for `Beamformer`.

        Returns
        -------
        ndarray, of `shape`
            Frames last.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for.
        """
        data = self._checked(data, (self.n_frames, *self._data_shape))
        out = self._place(out)
        if self._plan is not None:
            self._plan(data, out, threads)
            return out
        for frame in range(self.n_frames):
            out[..., frame] = self._beamformer(data[frame], threads=threads)
        return out

    def from_frames_fastest(
        self, data: NDArray[Any], *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return one beamformed ensemble of data whose frames lie next to each other.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples, n_frames)
            Channel data; 8, 16 or 32 frames of IQ (16, 32 or 64 of RF) are read in place.
        out, threads
            As for a call.

        Returns
        -------
        ndarray, of `shape`
            Frames last.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for.
        """
        data = self._checked(data, (*self._data_shape, self.n_frames))
        if self._plan is None:
            return self(np.moveaxis(data, -1, 0), out=out, threads=threads)
        out = self._place(out)
        self._plan.from_frames_fastest(data, out, threads)
        return out

    def _checked(self, data: NDArray[Any], expected: tuple[int, ...]) -> NDArray[Any]:
        data = np.asarray(data)
        if data.shape != expected:
            raise ArgumentError(f"data must have shape {expected}, got {data.shape}")
        return self._beamformer.geometry.kernel_data(data)

    def _place(self, out: NDArray[Any] | None) -> NDArray[Any]:
        dtype = self._beamformer.dtype
        if out is None:
            return np.empty(self.shape, dtype)
        if out.shape != self.shape or out.dtype != dtype or not out.flags.carray:
            raise ArgumentError(f"out must be writable, C-contiguous {dtype} of {self.shape}")
        return out
