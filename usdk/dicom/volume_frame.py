"""VolumeFrame: voxels that know their size in metres, their time, and what they were made from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import finite, number, positive, require_instance
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.scan import PyramidScan, VolumeRaster, VolumeScan

__all__ = ["VolumeFrame"]


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeFrame:
    """A volume of grey voxels, with its calibration and provenance.

    Parameters
    ----------
    pixels : ndarray of uint8, (n_x, n_y, n_z)
        Grey values, as `usdk.VolumeConverter` lays voxels.
    raster : VolumeRaster
        Where each voxel lies, m.
    dynamic_range_db : float
        Echo levels between grey 0 and grey 255, dB.
    provenance : Provenance
        What the volume was made from.
    apex_m : (x, y, z), optional
        Where all lines meet, m; None of lines that have no common origin.
    duration_s : float
        Time in which the volume was acquired, s; NaN when unknown.
    sequence_number, device_timestamp_s, host_timestamp_s
        As for `usdk.Frame`.

    Raises
    ------
    ArgumentError
        If voxels and raster do not fit each other, or a number is out of range.
    """

    pixels: NDArray[np.uint8]
    raster: VolumeRaster
    dynamic_range_db: float
    provenance: Provenance
    apex_m: tuple[float, float, float] | None = None
    duration_s: float = field(default=math.nan)
    sequence_number: int = 0
    device_timestamp_s: float = field(default=math.nan)
    host_timestamp_s: float = field(default=math.nan)

    def __post_init__(self) -> None:
        require_instance(self.raster, VolumeRaster, "raster")
        require_instance(self.provenance, Provenance, "provenance")
        pixels = np.asarray(self.pixels)
        if pixels.dtype != np.uint8 or pixels.shape != self.raster.shape:
            raise ArgumentError(
                f"pixels must be uint8 of shape {self.raster.shape}, got {pixels.dtype} "
                f"{pixels.shape}"
            )
        object.__setattr__(self, "pixels", pixels)
        positive(self.dynamic_range_db, "dynamic_range_db")
        if not math.isnan(number(self.duration_s, "duration_s")):
            positive(self.duration_s, "duration_s")
        if self.apex_m is not None:
            x_m, y_m, z_m = (finite(value, "apex_m") for value in self.apex_m)
            object.__setattr__(self, "apex_m", (x_m, y_m, z_m))

    @classmethod
    def of_levels(
        cls,
        level_db: NDArray[np.floating[Any]],
        *,
        scan: VolumeScan | PyramidScan,
        raster: VolumeRaster,
        dynamic_range_db: float = 60.0,
        **values: Any,
    ) -> VolumeFrame:
        """Return the volume of levels in dB, of which 0 becomes white.

        Parameters
        ----------
        level_db : ndarray of float, (n_x, n_y, n_z)
            What a `usdk.VolumeConverter` made of log-compressed samples, dB; NaN becomes black.
        scan : VolumeScan or PyramidScan
            Where one looked: it tells the apex.
        raster : VolumeRaster
            The converter's raster.
        dynamic_range_db : float
            Levels between black and white, dB.
        **values
            Other fields.
        """
        span_db = positive(dynamic_range_db, "dynamic_range_db")
        share = np.nan_to_num(np.asarray(level_db, np.float32) / span_db + 1, nan=0.0)
        return cls(
            pixels=np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8),
            raster=raster,
            dynamic_range_db=span_db,
            apex_m=scan.apex_m if isinstance(scan, PyramidScan) else None,
            **values,
        )
