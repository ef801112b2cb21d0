"""RegionPicture: what one region of an image shows, and the pictures over time it can become."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count
from usdk.dicom.colour_table import ColourTable
from usdk.dicom.foreign import ASSUMED_DYNAMIC_RANGE_DB, foreign_provenance
from usdk.dicom.image_size import image_size
from usdk.dicom.open import open_dicom, parser_border
from usdk.dicom.pictures import read_images, require_digest
from usdk.dicom.provenance import read_frame_digests, read_provenance
from usdk.dicom.read import inside
from usdk.dicom.region_codes import SpatialFormat, Unit
from usdk.dicom.regions import CM_PER_M, Region, read_regions
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral import SpectralFrame
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.m_mode import MModeFrame
from usdk.scan import LineScan

__all__ = ["RegionPicture", "read_region_pictures"]

_ASSUMED_SOUND_SPEED_M_S = 1540.0


@dataclass(frozen=True, eq=False, kw_only=True)
class RegionPicture:
    """The pixels of one region of one frame, with their calibration.

    Parameters
    ----------
    region : Region
        Where in the image it lies, and what its rows and columns are.
    pixels : ndarray of uint8, (n_rows, n_columns) or (n_rows, n_columns, 3)
        Grey, or RGB.
    provenance : Provenance
        What is known of the frame.
    dynamic_range_db : float
        As of the frame, or assumed.
    colour_table : ColourTable, optional
        What the colours of a flow region stand for; None where the file does not say.
    """

    region: Region
    pixels: NDArray[np.uint8]
    provenance: Provenance
    dynamic_range_db: float = ASSUMED_DYNAMIC_RANGE_DB
    colour_table: ColourTable | None = None

    def colour_values(self) -> NDArray[np.float32]:
        """Return what the colours of a flow region stand for, NaN where there is no flow.

        Velocities are in cm/s, towards the probe positive, power in dB; ``colour_table.unit`` says
        which. Each is the middle of those that have its colour.

        Returns
        -------
        ndarray of float32, (n_rows, n_columns)

        Raises
        ------
        ArgumentError
            The file does not say what the region's colours stand for in a table of colours.
        """
        if self.colour_table is None or self.pixels.ndim != 3:
            raise ArgumentError(
                "the region has no table from colours to values: many makers write none"
            )
        return self.colour_table.values_of(self.pixels)

    def spectral_frame(self) -> SpectralFrame:
        """Return a spectral region as a `SpectralFrame`; its time 0 is the moment of capture.

        Raises
        ------
        ArgumentError
            It is no spectral region in s and cm/s with a baseline, frequency and PRF.
        """
        region = self.region
        if not (
            region.spatial_format == SpatialFormat.SPECTRAL
            and (region.units_x, region.units_y) == (Unit.SECONDS, Unit.CM_PER_S)
            and region.reference_y0 is not None
            and region.transducer_frequency_khz
            and region.pulse_repetition_frequency_hz
        ):
            raise ArgumentError(
                "the region is no pulsed-wave spectrum in s and cm/s that tells baseline, "
                "frequency and PRF"
            )
        speed_m_s = self.provenance.sound_speed_m_s
        return SpectralFrame(
            pixels=self._grey(),
            has_signal=np.ones(self.pixels.shape[1], bool),
            first_velocity_m_s=region.value_y(region.min_y0) / CM_PER_M,
            row_m_s=region.delta_y / CM_PER_M,
            start_s=region.value_x(region.min_x0 - 0.5),
            column_s=region.delta_x,
            dynamic_range_db=self.dynamic_range_db,
            slow_time=SlowTime(
                prf_hz=region.pulse_repetition_frequency_hz,
                frequency_hz=region.transducer_frequency_khz * 1e3,
                sound_speed_m_s=speed_m_s if speed_m_s > 0 else _ASSUMED_SOUND_SPEED_M_S,
            ),
            angle_rad=math.radians(region.doppler_correction_angle_deg or 0.0),
            provenance=self.provenance,
        )

    def m_mode_frame(self) -> MModeFrame:
        """Return an M-mode region as an `MModeFrame` along x = 0; time 0 is that of capture.

        Raises
        ------
        ArgumentError
            It is no M-mode region in s and cm.
        """
        region = self.region
        if not (
            region.spatial_format == SpatialFormat.M_MODE
            and (region.units_x, region.units_y) == (Unit.SECONDS, Unit.CM)
            and region.delta_y > 0
        ):
            raise ArgumentError("the region is no M-mode picture in s and cm")
        ends_m = [region.value_y(row) / CM_PER_M for row in (region.min_y0, region.max_y1)]
        return MModeFrame(
            pixels=self._grey(),
            has_echoes=np.ones(self.pixels.shape[1], bool),
            line=LineScan(
                start_m=(0.0, 0.0, ends_m[0]),
                end_m=(0.0, 0.0, ends_m[1]),
                n_samples=self.pixels.shape[0],
                start_depth_m=ends_m[0],
            ),
            start_s=region.value_x(region.min_x0 - 0.5),
            column_s=region.delta_x,
            dynamic_range_db=self.dynamic_range_db,
            provenance=self.provenance,
        )

    def _grey(self) -> NDArray[np.uint8]:
        # The middle of red, green and blue: marks in colour stay visible.
        if self.pixels.ndim == 2:
            return self.pixels
        grey: NDArray[np.uint8] = np.median(self.pixels, axis=-1).astype(np.uint8)
        return grey


def read_region_pictures(path: str | os.PathLike[str], *, frame: int = 0) -> list[RegionPicture]:
    """Return what every region of one frame shows, in the file's order; none of an image without.

    Parameters
    ----------
    frame : int
        Which frame of a cine, from 0.

    Raises
    ------
    ArgumentError
        There is no such frame.
    StorageError
        The file cannot be read.
    DataDamagedError
        It is damaged, or a region does not lie inside the image.
    MissingExtraError
        No decoder for its transfer syntax is installed.
    """
    dataset = open_dicom(Path(path))
    with parser_border("cannot read the regions"):
        n_rows, n_columns, n_frames = image_size(dataset)
        frame = count(frame, "frame", least=0, most=n_frames - 1)
        regions = [inside(region, n_rows, n_columns) for region in read_regions(dataset)]
        items = dataset.SequenceOfUltrasoundRegions if regions else []
        (image,) = read_images(dataset, Path(path), [frame])
        records = read_provenance(dataset)
        digests = read_frame_digests(dataset)
        if records is not None and digests is not None:
            require_digest(image, digests, frame)
        record = records[frame] if records is not None and len(records) == n_frames else None
        assumed = [("dynamic_range_db", f"unknown, {ASSUMED_DYNAMIC_RANGE_DB:g} assumed")]
        return [
            RegionPicture(
                region=region,
                pixels=image[
                    region.min_y0 : region.max_y1 + 1, region.min_x0 : region.max_x1 + 1
                ].copy(),
                provenance=foreign_provenance(dataset, assumed, region)
                if record is None
                else record.provenance,
                dynamic_range_db=ASSUMED_DYNAMIC_RANGE_DB
                if record is None
                else record.dynamic_range_db,
                colour_table=ColourTable.of_item(item, dataset),
            )
            for region, item in zip(regions, items, strict=True)
        ]
