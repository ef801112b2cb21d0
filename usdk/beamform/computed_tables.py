"""Point tables that are computed, tile by tile, when they are read: for large scans.

A table of arrival times takes 8 bytes for each pair of a point and a transmit. Where every transmit
is a plane or a spherical wave and counts alike at every point, computing the times takes less than
a hundredth of the sum itself, and the plan holds the scan's lines alone.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method, TransmitWeighting
from usdk.beamform.point_tables import POINTS_PER_TILE, PointTables, Tile
from usdk.probe import Probe
from usdk.transmit import DivergingWave, PlaneWave, SingleElement, Transmit
from usdk_kernels.line_points import line_points

__all__ = ["ComputedTables", "wave_terms"]


class ComputedTables(PointTables):
    """Tables of a geometry and a method that `applies_to` admits; as `PointTables`.

    Parameters
    ----------
    geometry, method
        What was measured, where to look, and how to sum.
    """

    def __init__(self, geometry: Geometry, method: Method) -> None:
        lines = geometry.scan.lines()
        assert lines is not None
        bases_m, directions, ranges_m = lines
        terms = wave_terms(geometry)
        self._line_arguments = (
            np.array(bases_m, np.float64, order="C"),
            np.array(directions, np.float64, order="C"),
            np.array(ranges_m, np.float64),
            np.array(terms, np.float64),
        )
        self._ones = np.ones(len(terms) * POINTS_PER_TILE, np.float32)
        self._time_zero_s = np.array(geometry.receive.time_zero_s)
        self._scratch = threading.local()
        super().__init__(geometry, method)
        self.n_bytes = sum(array.nbytes for array in (*self._line_arguments, self._ones))
        # Points and times of one thread.
        self.n_bytes += POINTS_PER_TILE * (12 + 8 * len(terms))

    @staticmethod
    def applies_to(geometry: Geometry, method: Method) -> bool:
        """Return whether every transmit counts alike and is a plane or a spherical wave."""
        waves = geometry.sequence.transmits
        return (
            method.weighting is TransmitWeighting.COMPOUND
            and all(_terms(wave, geometry.probe, 1.0) is not None for wave in waves)
            and geometry.scan.lines() is not None
        )

    def arguments(self, tile: Tile, data: NDArray[Any]) -> tuple[Any, ...]:
        """Return a kernel's arguments from the channel data of a frame to the interpolation.

        Points and times stand in scratch of the calling thread until it asks for the next tile.
        """
        n_waves, first, stop = data.shape[0], tile.points.start, tile.points.stop
        n_points = stop - first
        try:
            points_m, times_s = self._scratch.arrays
        except AttributeError:
            points_m = np.empty((POINTS_PER_TILE, 3), np.float32)
            times_s = np.empty(n_waves * POINTS_PER_TILE, np.float64)
            self._scratch.arrays = points_m, times_s
        points_m = points_m[:n_points]
        times_s = times_s[: n_waves * n_points].reshape(n_waves, n_points)
        line_points(*self._line_arguments, first, stop, points_m, times_s)
        return (
            data,
            points_m,
            *self._elements,
            times_s,
            self._ones[: n_waves * n_points].reshape(n_waves, n_points),
            self._time_zero_s,
            *self._settings,
        )

    def _require_memory(self, n_points: int) -> None:
        """Nothing grows with the number of points."""

    def _make(self, first: int, stop: int) -> Iterator[Tile]:
        for start in range(first, stop, POINTS_PER_TILE):
            yield Tile(
                points=slice(start, min(start + POINTS_PER_TILE, stop)),
                transmits=slice(0, len(self._time_zero_s)),
                points_m=np.empty((0, 3), np.float32),
                transmit_time_s=np.empty((0, 0)),
                transmit_weight=np.empty((0, 0), np.float32),
                time_zero_s=self._time_zero_s,
            )


def wave_terms(geometry: Geometry) -> NDArray[np.float64]:
    """Return what `line_points` wants to know of every wave, (n_transmits, 8)."""
    sound_speed_m_s = geometry.receive.sound_speed_m_s
    terms = [_terms(wave, geometry.probe, sound_speed_m_s) for wave in geometry.sequence.transmits]
    table = np.array(terms, np.float64)
    # Both ways through the lens lengthen every path alike.
    table[:, 7] += 2 * geometry.probe.lens_delay_s
    return table


def _terms(wave: Transmit, probe: Probe, sound_speed_m_s: float) -> tuple[float, ...] | None:
    """Return what `line_points` wants to know of a wave; None of one that it does not know."""
    nothing = (0.0, 0.0, 0.0)
    if type(wave) is PlaneWave:
        return (*(wave.direction / sound_speed_m_s).tolist(), *nothing, 0.0, 0.0)
    if type(wave) is DivergingWave:
        offset_s = -math.dist(wave.origin_m, wave.source_m) / sound_speed_m_s
        return (*nothing, *wave.source_m, 1 / sound_speed_m_s, offset_s)
    if type(wave) is SingleElement and wave.element < probe.n_elements:
        source_m = probe.element_positions_m[wave.element].tolist()
        return (*nothing, *source_m, 1 / sound_speed_m_s, 0.0)
    return None
