"""Averaging of correlations, over neighbouring points and over frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, require_instance
from usdk.choice import choice
from usdk.doppler.correlations import Correlations
from usdk.errors import ArgumentError
from usdk.image import FrameAverage, Persistence
from usdk.tiles import cut, run_tiles
from usdk_kernels.local_average import local_average

__all__ = ["MAX_WINDOW", "Averager", "Averaging", "AveragingWindow", "average"]

MAX_WINDOW = 255
"""Lines or samples of a window, at most."""

_LINES_PER_TILE = 16


class AveragingWindow(StrEnum):
    """Weights of the neighbours.

    ``boxcar``
        All the same: the least variance for its length.
    ``hann``
        sin² that falls to zero one place beyond the window: no side lobes to speak of.
    """

    BOXCAR = "boxcar"
    HANN = "hann"


@dataclass(frozen=True, kw_only=True)
class Averaging:
    """How correlations are averaged.

    Parameters
    ----------
    n_lines, n_samples : int
        Length of the window across the lines and along depth, odd, 1 (none) to `MAX_WINDOW`. At the
        edges the mean is that of the neighbours that exist.
    window : AveragingWindow or str
        ``boxcar`` or ``hann``, in both directions.
    persistence : float or Persistence
        Share of the frames before, 0 (none) to less than 1, or a `usdk.image.Persistence` with a
        time constant; the recursion is of correlations, not of velocities.

    Raises
    ------
    ArgumentError
        If a length is even or out of range, or the persistence is.
    """

    n_lines: int = 1
    n_samples: int = 1
    window: AveragingWindow | str = AveragingWindow.BOXCAR
    persistence: float | Persistence = 0.0

    def __post_init__(self) -> None:
        for name in ("n_lines", "n_samples"):
            length = count(getattr(self, name), name, least=1, most=MAX_WINDOW)
            if length % 2 == 0:
                raise ArgumentError(f"{name} must be odd, the mean stays in place: {length}")
            object.__setattr__(self, name, length)
        object.__setattr__(self, "window", choice(AveragingWindow, self.window))
        if not isinstance(self.persistence, Persistence):
            Persistence(coefficient=self.persistence)

    def weights(self, length: int) -> NDArray[np.float32]:
        """Return the weights of a window of a length, middle 1."""
        if self.window is AveragingWindow.BOXCAR:
            return np.ones(length, np.float32)
        return np.asarray(np.sin(np.pi * np.arange(1, length + 1) / (length + 1)) ** 2, np.float32)

    def describe(self) -> str:
        """Return the settings in a few words."""
        text = f"{self.n_lines} lines × {self.n_samples} samples, {self.window}"
        persistence = self.persistence
        if isinstance(persistence, Persistence):
            return f"{text}, persistence {persistence.describe()}"
        return f"{text}, persistence {persistence:g}" if persistence else text


def average(
    correlations: Correlations,
    averaging: Averaging,
    *,
    out: Correlations | None = None,
    threads: int | None = None,
) -> Correlations:
    r"""Return correlations averaged over neighbouring points.

    .. math:: \bar R[l, m] = \sum_{i,j} u_i w_j R[l + i, m + j] \Big/ \sum_{i,j} u_i w_j

    over the neighbours that exist, of power, lag-one and axial correlation alike. Persistence needs
    frames that follow each other: `Averager`.

    Parameters
    ----------
    correlations : Correlations
        Of shape (n_lines, n_samples), or with more axes before, which stay apart.
    averaging : Averaging
        Window.
    out : Correlations, optional
        Where to write; not ``correlations`` itself.
    threads : int, optional
        Threads to use; `usdk.tiles.n_threads` when absent.

    Raises
    ------
    ArgumentError
        If the correlations have fewer than two axes, or ``out`` is of another kind.
    """
    require_instance(correlations, Correlations, "correlations")
    require_instance(averaging, Averaging, "averaging")
    shape = correlations.shape
    if len(shape) < 2:
        raise ArgumentError(f"averaging needs lines and samples, got shape {shape}")
    if out is None:
        has_axial = correlations.axial is not None
        out = Correlations.empty(shape, axial=has_axial, lag=correlations.lag)
    require_instance(out, Correlations, "out")
    weights = averaging.weights(averaging.n_lines), averaging.weights(averaging.n_samples)
    work = []
    for name in ("power", "lag_one", "axial"):
        source, target = getattr(correlations, name), getattr(out, name)
        if source is None:
            continue
        # The kernel reads float32, and would take other numbers for it.
        source = np.asarray(source, np.float32 if name == "power" else np.complex64)
        if target is None or target.shape != shape or target.dtype != source.dtype:
            raise ArgumentError(f"out must be Correlations.empty({shape}) with the same arrays")
        if not target.flags.carray or np.may_share_memory(source, target):
            raise ArgumentError("out must be writable, C-contiguous and not the correlations")
        n_parts = 2 if source.dtype.kind == "c" else 1
        for image, place in zip(_images(source), _images(target), strict=True):
            work += [(image, n_parts, place, *lines) for lines in cut(shape[-2], _LINES_PER_TILE)]

    def run(
        piece: tuple[NDArray[np.float32], int, NDArray[np.float32], int, int],
    ) -> None:
        image, n_parts, place, start, stop = piece
        local_average(image, n_parts, *weights, start, stop, place)

    run_tiles(run, work, threads=threads)
    return out


class Averager:
    """Averaging over neighbours and frames, with the state of the frames so far.

    Frames begin anew, so that nothing outlives what was lost, after a gap in the sequence numbers
    and in the cases named at `usdk.image.FrameAverage`.

    Parameters
    ----------
    averaging : Averaging
        Window and persistence.
    shape : (int, int)
        (n_lines, n_samples).
    axial : bool
        Whether the correlations hold the axial one.
    lag : int
        Their lag.
    """

    def __init__(
        self, averaging: Averaging, shape: tuple[int, int], *, axial: bool = False, lag: int = 1
    ) -> None:
        require_instance(averaging, Averaging, "averaging")
        if not isinstance(shape, tuple | list) or len(shape) != 2:
            raise ArgumentError("shape must be (n_lines, n_samples)")
        n_lines, n_samples = (count(n, "shape", least=0, most=2**31) for n in shape)
        self.averaging, self.shape = averaging, (n_lines, n_samples)
        self.axial, self.lag = bool(axial), lag
        persistence = averaging.persistence
        if not isinstance(persistence, Persistence):
            persistence = Persistence(coefficient=persistence)
        widths = (n_samples, 2 * n_samples, 2 * n_samples)[: 3 if axial else 2]
        self._persists = persistence.coefficient != 0
        self._frames = [
            FrameAverage(persistence, (n_lines, width)) for width in widths if self._persists
        ]

    @property
    def n_bytes(self) -> int:
        """Memory that is held."""
        return sum(frames.n_bytes for frames in self._frames)

    def reset(self) -> None:
        """Forget the frames so far."""
        for frames in self._frames:
            frames.reset()

    def __call__(
        self,
        correlations: Correlations,
        *,
        out: Correlations | None = None,
        sequence_number: int = 0,
        time_s: float = math.nan,
        is_after_gap: bool = False,
        threads: int | None = None,
    ) -> Correlations:
        """Return the average that ends with a frame's correlations.

        Parameters
        ----------
        correlations : Correlations
            Of the shape planned for; not changed.
        out : Correlations, optional
            Where to write; not ``correlations`` itself.
        sequence_number, time_s, is_after_gap
            As for `usdk.image.FrameAverage`.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        require_instance(correlations, Correlations, "correlations")
        if correlations.shape != self.shape or (correlations.axial is not None) != self.axial:
            raise ArgumentError(
                f"planned for correlations of shape {self.shape} with axial={self.axial}, got "
                f"{correlations.shape}"
            )
        result = average(correlations, self.averaging, out=out, threads=threads)
        arrays = (result.power, result.lag_one, result.axial)
        for frames, array in zip(self._frames, arrays, strict=False):
            assert array is not None
            frames(
                array.view(np.float32),
                sequence_number=sequence_number,
                time_s=time_s,
                is_after_gap=is_after_gap,
            )
        return result


def _images(array: NDArray[np.float32] | NDArray[np.complex64]) -> list[NDArray[np.float32]]:
    """Return the (n_lines, n_samples n_parts) images of an array as float32 that share memory."""
    array = np.require(array, None, ("C", "A", "W"))
    images = array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])
    return [image.view(np.float32) for image in images]
