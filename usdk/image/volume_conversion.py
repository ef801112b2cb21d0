"""Volume conversion: from a scan in space to voxels, planned once and executed per volume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import number
from usdk.image.inputs import place_to_write, real_values, require_spatial
from usdk.image.volume_prefilter import VolumePrefilter
from usdk.scan import PyramidScan, VolumeRaster, VolumeScan
from usdk.scan.axes import axis_step
from usdk.tiles import run_tiles
from usdk_kernels.volume_conversion import axis_table, convert_grid, convert_pyramid

__all__ = ["VolumeConverter"]

_Table = tuple[NDArray[np.int32], NDArray[np.float32]]


class VolumeConverter:
    """Trilinear interpolation from a scan in space to voxels.

    Parameters
    ----------
    scan : VolumeScan or PyramidScan
        Where the samples lie.
    raster : VolumeRaster, optional
        Voxels wanted; those that cover the scan, 128 along z, when absent.
    anti_alias : bool
        Smooth the volume first where voxels are coarser than the data (see
        `usdk_kernels.volume_conversion`); this takes memory of two volumes.

    Notes
    -----
    Tables grow with the faces of the raster, not with its volume. A plan works for one thread at a
    time, and spreads the work over the SDK's own.
    """

    def __init__(
        self,
        scan: VolumeScan | PyramidScan,
        raster: VolumeRaster | None = None,
        *,
        anti_alias: bool = True,
    ) -> None:
        require_spatial(scan)
        self.scan = scan
        self.raster = raster = scan.raster() if raster is None else raster
        size_m = raster.voxel_size_m
        n_a, n_b, n_c = scan.shape
        x_m, y_m, z_m = raster.axes_m()
        self._places: tuple[Any, ...] = ()
        self._last: tuple[float, ...] = ()
        self._kernel: Callable[..., None] = convert_grid
        self._tables: tuple[NDArray[Any], ...]
        if isinstance(scan, VolumeScan):
            steps_m = [axis_step(axis) for axis in (scan.x_m, scan.y_m, scan.z_m)]
            self._tables = (
                *_table((x_m - scan.x_m[0]) / steps_m[0], n_a),
                *_table((y_m - scan.y_m[0]) / steps_m[1], n_b),
                *_table((z_m - scan.z_m[0]) / steps_m[2], n_c),
            )
            half_widths = [np.full(n_c, size_m / step_m) for step_m in steps_m]
        else:
            self._kernel = convert_pyramid
            apex_x_m, apex_y_m, apex_z_m = scan.apex_m
            x_m, y_m, z_m = x_m - apex_x_m, y_m - apex_y_m, z_m - apex_z_m
            self._places = (x_m, y_m, z_m)
            self._tables = (
                *_angle_table(x_m, z_m, scan.azimuths_rad),
                *_angle_table(y_m, z_m, scan.elevations_rad),
            )
            range_step_m = axis_step(scan.ranges_m)
            self._last = (float(scan.ranges_m[0]), range_step_m)
            # At range 0 all lines meet: the first distance that tells them apart counts.
            ranges_m = np.maximum(scan.ranges_m, range_step_m)
            half_widths = [
                size_m / (ranges_m * axis_step(angles_rad))
                for angles_rad in (scan.azimuths_rad, scan.elevations_rad)
            ]
            half_widths.append(np.array([size_m / range_step_m]))
        self._prefilter = (
            VolumePrefilter(scan.shape, half_widths[0], half_widths[1], float(half_widths[2][0]))
            if anti_alias
            else None
        )

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: tables and scratch."""
        held = sum(table.nbytes for table in self._tables)
        return held + (self._prefilter.n_bytes if self._prefilter else 0)

    def __call__(
        self,
        volume: NDArray[np.float32],
        *,
        fill: float = 0.0,
        out: NDArray[np.float32] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.float32]:
        """Return the voxels of a volume, (n_x, n_y, n_z) float32.

        Parameters
        ----------
        volume : ndarray of float32, the scan's shape
            Finite values along the scan's lines.
        fill : float
            Value of the voxels that the scan does not hold.
        out : ndarray of float32, optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If the volume or ``out`` is not of the planned shape.
        """
        volume = real_values(volume, self.scan.shape, "volume")
        fill = number(fill, "fill")
        out = place_to_write(out, self.raster.shape, np.float32)
        if self._prefilter is not None:
            volume = self._prefilter(volume, threads)
        run_tiles(
            lambda x: self._kernel(
                volume, *self._places, *self._tables, *self._last, fill, x, x + 1, out
            ),
            range(self.raster.n_x),
            threads=threads,
        )
        return out


def _table(coordinates: NDArray[np.float64], n: int) -> _Table:
    flat = np.ascontiguousarray(coordinates).reshape(-1)
    index, weight = np.empty(flat.size, np.int32), np.empty(flat.size, np.float32)
    axis_table(flat, n, index, weight)
    return index.reshape(coordinates.shape), weight.reshape(coordinates.shape)


def _angle_table(
    side_m: NDArray[np.float64], z_m: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> _Table:
    found_rad = np.arctan2(side_m[:, None], z_m)
    # Behind the apex there is nothing, though the angles of its middle may come round.
    found_rad[:, z_m < 0] = np.nan
    return _table((found_rad - angles_rad[0]) / axis_step(angles_rad), angles_rad.size)
