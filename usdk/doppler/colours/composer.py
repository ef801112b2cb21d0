"""ColourComposer: a grey picture and a flow map become one frame in colour."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import finite, positive
from usdk.doppler.colours.box import bounds, outline_of, steering_of
from usdk.doppler.colours.colour_map import ColourMap
from usdk.doppler.colours.maps import colour_map
from usdk.doppler.colours.tables import ColourTable
from usdk.doppler.colours.thresholds import FlowThresholds
from usdk.doppler.colours.velocity_scale import VelocityScale
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.point_nyquist import GREATEST_RATIO, point_nyquist_m_s
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.image import ScanConverter
from usdk.scan import LinearScan, Raster, SectorScan
from usdk.tiles import cut, run_tiles
from usdk_kernels.colour_composition import compose_colour
from usdk_kernels.colour_mask import colour_mask
from usdk_kernels.log_compression import log_compress

__all__ = ["OUTLINE_COLOUR", "ROWS_PER_TILE", "ColourComposer"]

OUTLINE_COLOUR = (255, 255, 255)
"""Of the colour box, where it is drawn: no flow has it."""
ROWS_PER_TILE = 64
_ALL_GREYS = 256
_HALF = np.float32(0.5)
_ROUNDING = 1e-5
_MARGIN = 1e-3


class ColourComposer:
    """Thresholds, scan conversion and colours of flow over a grey picture, in one plan.

    Parameters
    ----------
    raster : Raster
        Pixels of the grey picture, and of the colour one.
    scan : LinearScan or SectorScan
        Where the points of the flow maps lie: the colour box.
    colours : ColourMap or str
        What is shown and how; see `colour_map`.
    scale : VelocityScale, optional
        Velocities that the colours span; ± the Nyquist velocity when absent.
    thresholds : FlowThresholds, optional
        Which points are shown.
    dynamic_range_db : float
        Span of a scale of power, dB.
    power_reference : float, optional
        Power of 0 dB; the greatest of the first flow map when absent, and then kept, so that the
        frames of a cine can be compared.
    spread_limit_m_s : float, optional
        Spread of velocities with the last row of colours of a map of variance, m/s; half the
        Nyquist velocity when absent. It is corrected by the scale's angle as velocities are.
    outline : bool
        Draw the outline of the colour box, one pixel wide, into the picture.
    steering_rad : float, optional
        Angle of the colour beams, from +z towards +x, rad; what the scan says when absent.
    grey_dynamic_range_db : float
        Of grey pixels that are no `Frame`, which knows it, dB.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Of each frame
    only the pixels and the values beside them are new memory. The interpolation and the edges of
    the colour are described in `usdk_kernels.colour_composition.compose_colour`.
    """

    def __init__(
        self,
        raster: Raster,
        scan: LinearScan | SectorScan,
        *,
        colours: ColourMap | str = "red-blue",
        scale: VelocityScale | None = None,
        thresholds: FlowThresholds | None = None,
        dynamic_range_db: float = 30.0,
        power_reference: float | None = None,
        spread_limit_m_s: float | None = None,
        outline: bool = False,
        steering_rad: float | None = None,
        grey_dynamic_range_db: float = 60.0,
    ) -> None:
        if not isinstance(raster, Raster):
            raise ArgumentError(f"raster must be a usdk.scan.Raster, got {type(raster).__name__}")
        if not isinstance(scale, VelocityScale | None):
            raise ArgumentError("scale must be a usdk.doppler.colours.VelocityScale or None")
        if not isinstance(thresholds, FlowThresholds | None):
            raise ArgumentError("thresholds must be a usdk.doppler.colours.FlowThresholds or None")
        self.colours = colour_map(colours)
        self.scale, self.thresholds = scale or VelocityScale(), thresholds or FlowThresholds()
        self.dynamic_range_db = positive(dynamic_range_db, "dynamic_range_db")
        self.grey_dynamic_range_db = positive(grey_dynamic_range_db, "grey_dynamic_range_db")
        self.power_reference = _positive_or_none(power_reference, "power_reference")
        self.spread_limit_m_s = _positive_or_none(spread_limit_m_s, "spread_limit_m_s")
        self.raster, self.scan = raster, scan
        converter = ScanConverter(scan, raster)
        self.steering_rad = (
            steering_of(scan) if steering_rad is None else finite(steering_rad, "steering_rad")
        )
        covered = converter(np.ones(scan.shape, np.float32)) > 0
        self.box = bounds(covered)
        self._outline = np.flatnonzero(outline_of(covered)) if outline else None
        self._converter = converter
        self._tiles = cut(raster.n_rows, ROWS_PER_TILE)
        self._weight, self._level_db, self._speed_m_s = np.empty((3, *scan.shape), np.float32)
        self._shown, self._is_finite = np.empty((2, *scan.shape), np.bool_)
        self._passed = np.empty((scan.shape[0] + 2, scan.shape[1] + 2), np.uint8)
        self._table: tuple[float, ColourTable] | None = None

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: its tables and maps."""
        floats = (self._weight, self._level_db, self._speed_m_s)
        flags = (self._shown, self._is_finite, self._passed)
        return sum(array.nbytes for array in (*floats, *flags)) + self._converter.n_bytes

    def __call__(
        self,
        grey: Frame | NDArray[np.uint8] | None,
        flow_map: FlowMap,
        *,
        threads: int | None = None,
    ) -> Frame:
        """Return one frame in colour, with the velocities beside it.

        Parameters
        ----------
        grey : Frame or ndarray of uint8, (n_rows, n_columns), or None
            The grey picture below the colours; it gives number, times and provenance where it is a
            `Frame`, else the flow map does. None is black. Not changed.
        flow_map : FlowMap
            Of the planned scan. Not changed.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If picture or flow map are none of those planned for, or a setting does not fit the
            flow map.
        """
        pixels = self._grey_pixels(grey)
        self._require_planned(flow_map)
        power = np.require(flow_map.power, np.float32, ("C", "W"))
        if self.power_reference is None:
            greatest = float(np.max(power, initial=0.0, where=np.isfinite(power)))
            # A map without any power has no greatest; any reference shows nothing of it.
            self.power_reference = greatest or None
        reference = self.power_reference or 1.0
        velocity_m_s = np.require(flow_map.velocity_m_s, np.float32, ("C", "W"))
        log_compress(power, reference, self._level_db)
        self._level_db *= _HALF  # of a power, not of an amplitude
        colour_mask(
            velocity_m_s,
            power,
            self._level_db,
            reference,
            self.thresholds.least_db(reference=reference, noise_power=flow_map.noise_power),
            self.thresholds.least_velocity_m_s,
            self.thresholds.least_neighbours,
            self._passed,
            self._weight,
        )
        planned = self._planned(flow_map.nyquist_m_s)
        spread_m_s = np.require(flow_map.spread_m_s, np.float32, ("C", "W"))
        shape = pixels.shape
        rgb = np.empty((*shape, 3), np.uint8)
        raster_m_s, raster_db = np.empty(shape, np.float32), np.empty(shape, np.float32)
        period_m_s = self._period_m_s(flow_map)
        grey_limit = self.thresholds.grey_limit
        run_tiles(
            lambda rows: compose_colour(
                pixels,
                velocity_m_s,
                self._weight,
                spread_m_s,
                *self._converter.tables,
                planned.table,
                period_m_s,
                self.scale.correction,
                *planned.velocity_ends_m_s,
                *planned.second_ends,
                int(planned.is_spread),
                _ALL_GREYS if grey_limit is None else grey_limit,
                *rows,
                rgb,
                raster_m_s,
                raster_db,
            ),
            self._tiles,
            threads=threads,
        )
        if self._outline is not None:
            rgb.reshape(-1, 3)[self._outline] = OUTLINE_COLOUR
        overlay = FlowOverlay(
            kind=self.colours.kind,
            velocity_m_s=raster_m_s,
            power_db=raster_db,
            scale=planned.scale,
            colours=planned.colours,
            nyquist_m_s=flow_map.nyquist_m_s,
            prf_hz=flow_map.slow_time.prf_hz,
            frequency_hz=flow_map.slow_time.frequency_hz,
            box=self.box,
            steering_rad=self.steering_rad,
            angle_rad=self.scale.angle_rad,
        )
        return self._frame(grey, flow_map, rgb, overlay)

    def describe(self) -> list[tuple[str, str]]:
        """Return the settings that shape the colours, name and value, in order."""
        settings = [
            ("colour thresholds", self.thresholds.describe()),
            ("colour map", self.colours.name),
            ("colour scale", self.scale.describe()),
        ]
        if self.colours.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER):
            settings.append(("power range", f"{self.dynamic_range_db:g} dB"))
        return settings

    def _planned(self, nyquist_m_s: float) -> ColourTable:
        """Return the table of a Nyquist velocity, which a cine seldom changes."""
        if self._table is None or self._table[0] != nyquist_m_s:
            table = ColourTable.of(
                self.colours,
                self.scale,
                nyquist_m_s,
                dynamic_range_db=self.dynamic_range_db,
                spread_limit_m_s=self.spread_limit_m_s,
            )
            self._table = (nyquist_m_s, table)
        return self._table[1]

    def _period_m_s(self, flow_map: FlowMap) -> float:
        """Return how far apart velocities of one phase lie; 0 where none is aliased.

        Velocities that the 2-D autocorrelation read at a lower frequency than was sent go beyond
        the Nyquist velocity of that, and are not aliased for it.
        """
        if self.scale.is_dealiased:
            return 0.0
        nyquist_m_s = flow_map.nyquist_m_s
        speed_m_s, shown, is_finite = self._speed_m_s, self._shown, self._is_finite
        np.abs(flow_map.velocity_m_s, out=speed_m_s)
        np.less(speed_m_s, math.inf, out=is_finite)
        np.greater(self._weight, 0, out=shown)
        np.logical_and(shown, is_finite, out=is_finite)
        greatest_m_s = float(np.max(speed_m_s, initial=0.0, where=is_finite))
        # Of the plain autocorrelation none is beyond it but by rounding.
        if greatest_m_s <= nyquist_m_s * (1 + _ROUNDING):
            return 2 * nyquist_m_s
        if self.scale.baseline_m_s == 0:
            return 2 * min(greatest_m_s * (1 + _MARGIN), GREATEST_RATIO * nyquist_m_s)
        points_m_s = point_nyquist_m_s(flow_map)
        return 2 * float(np.average(points_m_s, weights=np.where(shown, self._weight, 0)))

    def _grey_pixels(self, grey: Frame | NDArray[np.uint8] | None) -> NDArray[np.uint8]:
        shape = (self.raster.n_rows, self.raster.n_columns)
        if isinstance(grey, Frame) and grey.raster != self.raster:
            raise ArgumentError("the grey frame has another raster than the one planned for")
        if grey is None:
            return np.zeros(shape, np.uint8)
        pixels = np.asarray(grey.pixels if isinstance(grey, Frame) else grey)
        if pixels.dtype != np.uint8 or pixels.shape != shape:
            raise ArgumentError(
                f"grey must be a grey Frame or uint8 pixels of {shape}, got {pixels.dtype} "
                f"{pixels.shape}"
            )
        return np.require(pixels, np.uint8, ("C", "W"))

    def _require_planned(self, flow_map: FlowMap) -> None:
        if not isinstance(flow_map, FlowMap):
            raise ArgumentError(f"flow_map must be a FlowMap, got {type(flow_map).__name__}")
        if flow_map.scan is self.scan:
            return
        same_kind = type(flow_map.scan) is type(self.scan)
        if not (same_kind and flow_map.scan.shape == self.scan.shape) or not np.array_equal(
            flow_map.scan.points_m(), self.scan.points_m()
        ):
            raise ArgumentError(
                "the flow map is of another scan than the one planned for: make a new "
                "ColourComposer"
            )

    def _frame(
        self,
        grey: Frame | NDArray[np.uint8] | None,
        flow_map: FlowMap,
        rgb: NDArray[np.uint8],
        overlay: FlowOverlay,
    ) -> Frame:
        flow = flow_map.provenance
        if isinstance(grey, Frame):
            source: Frame | FlowMap = grey
            base = grey.provenance
            range_db = grey.dynamic_range_db
            # What the colour packets went through besides; equal names may have other values.
            added = (
                ()
                if flow is None
                else tuple(s for s in flow.processing if s not in base.processing)
            )
            added = tuple((f"colour {name}", value) for name, value in added)
        else:
            source, range_db, added = flow_map, self.grey_dynamic_range_db, ()
            base = flow or Provenance(
                probe="",
                sequence="",
                transmit_frequency_hz=flow_map.slow_time.frequency_hz,
                sound_speed_m_s=flow_map.slow_time.sound_speed_m_s,
            )
        return Frame(
            pixels=rgb,
            raster=self.raster,
            dynamic_range_db=range_db,
            provenance=replace(base, processing=(*base.processing, *added, *self.describe())),
            sequence_number=source.sequence_number,
            device_timestamp_s=source.device_timestamp_s,
            host_timestamp_s=source.host_timestamp_s,
            overlay=overlay,
        )


def _positive_or_none(value: float | None, name: str) -> float | None:
    return None if value is None else positive(value, name)
