"""Beamformer: delay-and-sum, planned once per geometry and executed per frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import Scan
from usdk.tiles import run_tiles
from usdk.transmit import FocusedWave, TransmitSequence
from usdk_kernels import das

__all__ = ["MAX_PLAN_BYTES", "Beamformer", "Interpolation", "TransmitWeighting", "Window"]

POINTS_PER_TILE = 4096
MAX_PLAN_BYTES = 8 * 2**30
"""Largest tables of a plan: 12 bytes for each pair of a point and a transmit that reaches it."""


class Window(StrEnum):
    """Apodization across the receive aperture."""

    BOXCAR = "boxcar"
    HANN = "hann"
    TUKEY = "tukey"


class Interpolation(StrEnum):
    """How channel data are read between samples."""

    NEAREST = "nearest"
    LINEAR = "linear"
    CUBIC = "cubic"


class TransmitWeighting(StrEnum):
    """How the transmits share a point."""

    COMPOUND = "compound"
    """Every transmit counts alike at every point."""
    LINES = "lines"
    """The two beams nearest to a point share it, by nearness; on a beam's axis it alone counts."""


_WINDOW_CODES = {
    Window.BOXCAR: das.WINDOW_BOXCAR,
    Window.HANN: das.WINDOW_HANN,
    Window.TUKEY: das.WINDOW_TUKEY,
}
_INTERPOLATION_CODES = {
    Interpolation.NEAREST: das.INTERPOLATION_NEAREST,
    Interpolation.LINEAR: das.INTERPOLATION_LINEAR,
    Interpolation.CUBIC: das.INTERPOLATION_CUBIC,
}


@dataclass(frozen=True, eq=False)
class _Tile:
    """A run of points and the run of transmits that contribute to them, with its tables."""

    points: slice
    transmits: slice
    points_m: NDArray[np.float32]
    transmit_time_s: NDArray[np.float64]
    transmit_weight: NDArray[np.float32]
    time_zero_s: NDArray[np.float64]


class Beamformer:
    """Delay-and-sum over a scan.

    Parameters
    ----------
    probe, sequence, receive
        What made the channel data.
    scan : Scan
        Where to look.
    f_number : float, optional
        Depth over the width of the receive aperture, measured by each element's normal; 0 opens
        every element that the point lies in front of. When absent 1, and 0 for a phased array,
        which looks aside with all of its elements: 1 would see nothing beyond 27° from its axis.
    window : Window or str
        Apodization across that aperture.
    taper : float
        Tapered share of the Tukey window, 0 to 1.
    interpolation : Interpolation or str
        How channel data are read between samples.
    weighting : TransmitWeighting or str, optional
        How the transmits share a point; ``lines`` when all are focused, else ``compound``.
    normalize : bool
        Divide by the sum of the weights, so that brightness does not follow the aperture.

    Raises
    ------
    ArgumentError
        If an option is unknown or out of range.

    Notes
    -----
    The kernel is `usdk_kernels.das`, exact for every geometry. The scan is cut into tiles that
    run on the SDK's threads; the result is the same, bit by bit, for any number of them.
    """

    def __init__(
        self,
        probe: Probe,
        sequence: TransmitSequence,
        receive: ReceiveSettings,
        scan: Scan,
        *,
        f_number: float | None = None,
        window: Window | str = Window.TUKEY,
        taper: float = 0.5,
        interpolation: Interpolation | str = Interpolation.LINEAR,
        weighting: TransmitWeighting | str | None = None,
        normalize: bool = True,
    ) -> None:
        if f_number is None:
            f_number = 0.0 if probe.kind is ArrayKind.PHASED else 1.0
        if not (math.isfinite(f_number) and f_number >= 0):
            raise ArgumentError(f"f_number must be 0 (open) or positive, got {f_number}")
        if not 0 <= taper <= 1:
            raise ArgumentError(f"taper must be 0 to 1, got {taper}")
        if len(receive.time_zero_s) != len(sequence):
            raise ArgumentError(
                f"time_zero_s has {len(receive.time_zero_s)} entries for {len(sequence)} transmits"
            )
        if weighting is None:
            all_focused = all(isinstance(t, FocusedWave) for t in sequence.transmits)
            weighting = TransmitWeighting.LINES if all_focused else TransmitWeighting.COMPOUND
        self.probe, self.sequence, self.receive, self.scan = probe, sequence, receive, scan
        self.f_number, self.taper, self.normalize = float(f_number), float(taper), bool(normalize)
        self.window = _choice(Window, window)
        self.interpolation = _choice(Interpolation, interpolation)
        self.weighting = _choice(TransmitWeighting, weighting)
        self._check_size()
        self._positions_m = np.ascontiguousarray(probe.element_positions_m, np.float32)
        self._normals = np.ascontiguousarray(probe.element_normals, np.float32)
        self._tiles = tuple(self._plan())

    @classmethod
    def for_acquisition(cls, acquisition: Acquisition, scan: Scan, **options: Any) -> Beamformer:
        """Plan for acquisitions like this one; options as for `Beamformer`."""
        return cls(acquisition.probe, acquisition.sequence, acquisition.receive, scan, **options)

    def explain(self) -> str:
        """Return which kernel runs and why."""
        kind = "IQ" if self.receive.demodulation_frequency_hz else "RF"
        return (
            f"general {kind} gather kernel, exact for any geometry: "
            f"{len(self.sequence)} transmits ({self.weighting}), {self.probe.n_elements} elements, "
            f"{math.prod(self.scan.shape)} points in {len(self._tiles)} tiles, "
            f"{self.interpolation} interpolation, F-number {self.f_number:g}, {self.window} window"
        )

    def __call__(
        self, data: NDArray[Any], *, out: NDArray[Any] | None = None, threads: int | None = None
    ) -> NDArray[Any]:
        """Return one beamformed frame.

        Parameters
        ----------
        data : ndarray, (n_transmits, n_elements, n_samples)
            One frame of channel data: complex64 IQ, or real RF (int16 is converted to float32).
        out : ndarray, optional
            Where to write: complex64 for IQ, float32 for RF, of the scan's shape.
        threads : int, optional
            Threads to use, 1 to `usdk.tiles.MAX_THREADS`; `usdk.tiles.n_threads` when absent.

        Returns
        -------
        ndarray, the scan's shape
            complex64 IQ or float32 RF along the scan's lines.

        Raises
        ------
        ArgumentError
            If the data are not those that were planned for.
        """
        data = np.asarray(data)
        expected = (len(self.sequence), self.probe.n_elements, self.receive.n_samples)
        if data.shape != expected:
            raise ArgumentError(
                f"data must have shape (n_transmits, n_elements, n_samples) = {expected}, "
                f"got {data.shape}; give one frame at a time"
            )
        is_iq = data.dtype.kind == "c"
        if is_iq != (self.receive.demodulation_frequency_hz > 0):
            raise ArgumentError(
                "planned for " + ("RF, got IQ data" if is_iq else "IQ, got RF: demodulate first")
            )
        dtype = np.complex64 if is_iq else np.float32
        # A read-only array is another type to the compiler, which would compile the kernel again.
        data = np.require(data, dtype, ("C", "W"))
        if out is None:
            out = np.empty(self.scan.shape, dtype)
        elif out.shape != self.scan.shape or out.dtype != dtype or not out.flags.c_contiguous:
            raise ArgumentError(f"out must be C-contiguous {dtype.__name__} of {self.scan.shape}")
        flat = out.reshape(-1)
        run_tiles(lambda tile: self._run(tile, data, flat), self._tiles, threads=threads)
        return out

    def _run(self, tile: _Tile, data: NDArray[Any], out: NDArray[Any]) -> None:
        settings: tuple[Any, ...] = (
            self.receive.sound_speed_m_s,
            self.f_number,
            _WINDOW_CODES[self.window],
            self.taper,
            _INTERPOLATION_CODES[self.interpolation],
            int(self.normalize),
            0,
            tile.points_m.shape[0],
            out[tile.points],
        )
        geometry: tuple[Any, ...] = (
            data[tile.transmits],
            tile.points_m,
            self._positions_m,
            self._normals,
            tile.transmit_time_s,
            tile.transmit_weight,
            tile.time_zero_s,
            self.receive.sampling_frequency_hz,
        )
        demodulation_hz = self.receive.demodulation_frequency_hz
        if demodulation_hz:
            das.das_iq(*(*geometry, demodulation_hz, *settings))
        else:
            das.das_rf(*geometry, *settings)

    def _check_size(self) -> None:
        reaching = len(self.sequence)
        if self.weighting is TransmitWeighting.LINES:
            reaching = min(reaching, 2)
        n_bytes = 12 * reaching * math.prod(self.scan.shape)
        if n_bytes > MAX_PLAN_BYTES:
            raise ArgumentError(
                f"the plan's tables would take {n_bytes / 2**30:.1f} GiB, at most "
                f"{MAX_PLAN_BYTES / 2**30:g}: take fewer points or fewer transmits at a time"
            )

    def _plan(self) -> Iterator[_Tile]:
        points_m = self.scan.points_m().reshape(-1, 3)
        time_zero_s = np.array(self.receive.time_zero_s)
        # Both ways through the lens lengthen every path alike.
        lens_s = 2 * self.probe.lens_delay_s
        for first in range(0, points_m.shape[0], POINTS_PER_TILE):
            points = slice(first, min(first + POINTS_PER_TILE, points_m.shape[0]))
            tile_m = points_m[points]
            weights = self._weights(tile_m)
            used = np.flatnonzero(weights.any(axis=1))
            transmits = slice(int(used[0]), int(used[-1]) + 1)
            arrivals_s = [
                transmit.arrival_time_s(tile_m, self.probe, self.receive.sound_speed_m_s) + lens_s
                for transmit in self.sequence.transmits[transmits]
            ]
            yield _Tile(
                points=points,
                transmits=transmits,
                points_m=np.ascontiguousarray(tile_m, np.float32),
                transmit_time_s=np.stack(arrivals_s),
                transmit_weight=np.ascontiguousarray(weights[transmits]),
                time_zero_s=time_zero_s[transmits],
            )

    def _weights(self, points_m: NDArray[np.float64]) -> NDArray[np.float32]:
        n_transmits = len(self.sequence)
        if self.weighting is TransmitWeighting.COMPOUND or n_transmits == 1:
            return np.ones((n_transmits, points_m.shape[0]), np.float32)
        distances_m = np.stack([_distance_to_axis_m(t, points_m) for t in self.sequence.transmits])
        nearest = np.argpartition(distances_m, 1, axis=0)[:2]
        pair_m = np.take_along_axis(distances_m, nearest, axis=0)
        shares = np.where(pair_m.sum(axis=0) > 0, pair_m[::-1] / (pair_m.sum(axis=0) + 1e-30), 0.5)
        weights = np.zeros(distances_m.shape, np.float32)
        np.put_along_axis(weights, nearest, shares.astype(np.float32), axis=0)
        return weights


def _distance_to_axis_m(transmit: Any, points_m: NDArray[np.float64]) -> NDArray[np.float64]:
    if not isinstance(transmit, FocusedWave):
        raise ArgumentError(f"a {transmit.kind} transmit has no axis: use weighting='compound'")
    origin_m = np.array(transmit.origin_m)
    axis = np.array(transmit.focus_m) - origin_m
    axis /= np.linalg.norm(axis)
    offset_m = points_m - origin_m
    across_m = offset_m - (offset_m @ axis)[:, None] * axis
    return np.asarray(np.linalg.norm(across_m, axis=1))


def _choice(options: type[Any], value: str) -> Any:
    try:
        return options(value)
    except ValueError:
        names = ", ".join(option.value for option in options)
        raise ArgumentError(f"{value!r} is none of {names}") from None
