"""Read the frames of an ultrasound object: ours with all that they knew, others' as far as told."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from usdk.arguments import positive, short
from usdk.dicom.foreign import foreign_records
from usdk.dicom.image_size import MAX_PIXELS, image_size
from usdk.dicom.open import open_dicom, parser_border
from usdk.dicom.pictures import read_pictures
from usdk.dicom.provenance import FrameRecord, read_frame_digests, read_provenance
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.regions import CM_PER_M, Region, read_regions
from usdk.errors import ArgumentError, DataDamagedError
from usdk.frame import Frame
from usdk.scan import Raster

__all__ = ["MAX_PIXELS", "inside", "read_frames"]

_ASPECT_TOLERANCE = 1e-3


def read_frames(
    path: str | os.PathLike[str],
    *,
    region: int | None = None,
    pixel_size_m: float | None = None,
) -> list[Frame]:
    """Return the frames of a DICOM ultrasound file, cut to its region of tissue.

    A file of ours gives back pixels, calibration, time and provenance; each frame's SHA-256 is
    compared with the one written. From others' files come the pixels and the calibration of
    their one two-dimensional region in cm, of tissue or else of colour flow; the probe's name,
    the device, and times from the first frame as far as told. What they do not tell is assumed
    and said in `Provenance.processing`: the dynamic range (60 dB); the origin, where there is no
    reference pixel (middle of the region's first row); a few coloured marks, as grey. A picture of
    which more is coloured is read in colour.

    What the colours mean is not in `Frame.overlay`: velocities are not in the file, and the look-up
    table from colours to velocities, which files of ours have, is in the region of colour flow;
    `RegionPicture.colour_values` reads it.
    Pictures over time come from `read_region_pictures`, volumes from `read_volumes`.

    Parameters
    ----------
    region : int, optional
        Which of the file's regions to cut out, from 0, where several show tissue, as of two
        pictures side by side; one of colour flow may be named, too.
    pixel_size_m : float, optional
        Side of a pixel, m, of a file that has no region inside its image: the whole image is taken,
        and that its scale was given from outside is said in `Provenance.processing`.

    Raises
    ------
    StorageError
        The file cannot be read.
    DataDamagedError
        It is damaged, or no picture with one square-pixelled region of tissue.
    MissingExtraError
        No decoder for its transfer syntax is installed.
    """
    dataset = open_dicom(Path(path))
    with parser_border("cannot read the frames"):
        n_rows, n_columns, n_frames = image_size(dataset)
        place = _place(dataset, n_rows, n_columns, region, pixel_size_m)
        raster, is_assumed = _raster(place)
        records = read_provenance(dataset)
        pictures, coloured_fraction = read_pictures(
            dataset,
            Path(path),
            place,
            keep_colour=records is not None,
            digests=None if records is None else _digests(dataset, records, n_frames),
        )
        if len(pictures) != n_frames:
            raise DataDamagedError(f"{len(pictures)} of {n_frames} frames are in the file")
        if records is None:
            records = foreign_records(
                dataset,
                place,
                n_frames,
                is_scale_given=pixel_size_m is not None,
                is_origin_assumed=is_assumed,
                coloured_fraction=0.0 if pictures[0].ndim == 3 else coloured_fraction,
            )
        return [
            Frame(
                pixels=pixels,
                raster=raster,
                dynamic_range_db=record.dynamic_range_db,
                provenance=record.provenance,
                sequence_number=record.sequence_number,
                device_timestamp_s=record.device_timestamp_s,
                host_timestamp_s=record.host_timestamp_s,
            )
            for pixels, record in zip(pictures, records, strict=True)
        ]


def _place(
    dataset: Dataset,
    n_rows: int,
    n_columns: int,
    index: int | None,
    pixel_size_m: float | None,
) -> Region:
    """Return the region to cut out, inside the image."""
    if "PerFrameFunctionalGroupsSequence" in dataset:
        raise DataDamagedError("the file holds volumes: read_volumes reads them")
    regions = read_regions(dataset)
    if pixel_size_m is not None:
        step_m = positive(pixel_size_m, "pixel_size_m")
        if any(_fits(each, n_rows, n_columns) for each in regions):
            raise ArgumentError(
                "the image has regions, which tell its scale: leave pixel_size_m out"
            )
        raster = Raster(x_m=0.0, z_m=0.0, pixel_size_m=step_m, n_rows=n_rows, n_columns=n_columns)
        whole_image = Region.of_raster(raster, transmit_frequency_hz=math.nan)
        return replace(whole_image, reference_x0=None, reference_y0=None)
    planes = {place: region for place, region in enumerate(regions) if region.is_plane_in_cm}
    if index is not None:
        if index not in planes:
            raise ArgumentError(f"region {short(index)} is no two-dimensional picture in cm")
        return inside(planes[index], n_rows, n_columns)
    # Some makers call the whole of a picture colour flow when it has colours.
    tissue = {place: region for place, region in planes.items() if region.is_tissue_in_cm} or planes
    if len(tissue) > 1:
        raise DataDamagedError(
            f"the image has {len(tissue)} two-dimensional regions of tissue in cm: say which with "
            f"region={' or '.join(map(str, tissue))}"
        )
    if not tissue:
        advice = "" if regions else ": give pixel_size_m if you know it"
        raise DataDamagedError(
            f"the image has 0 two-dimensional regions of tissue in cm, and needs one{advice}"
        )
    return inside(next(iter(tissue.values())), n_rows, n_columns)


def inside(region: Region, n_rows: int, n_columns: int) -> Region:
    """Return a region as it lies in the image; `DataDamagedError` if it does not."""
    # Some makers take the last column and row for the first beyond the region.
    max_x1 = region.max_x1 - (region.max_x1 == n_columns)
    max_y1 = region.max_y1 - (region.max_y1 == n_rows)
    inside = 0 <= region.min_x0 <= max_x1 < n_columns
    if not (inside and 0 <= region.min_y0 <= max_y1 < n_rows):
        raise DataDamagedError(
            "the region does not lie inside the image, which was cut or resized after it was "
            "calibrated: read_frames takes the scale as pixel_size_m, if you know it"
        )
    return replace(region, max_x1=max_x1, max_y1=max_y1)


def _fits(region: Region, n_rows: int, n_columns: int) -> bool:
    try:
        return bool(inside(region, n_rows, n_columns))
    except DataDamagedError:
        return False


def _raster(region: Region) -> tuple[Raster, bool]:
    """Return the raster, and whether its origin is assumed."""
    step_cm = region.delta_x
    if not (math.isfinite(step_cm) and step_cm > 0 and math.isfinite(region.delta_y)):
        raise DataDamagedError("the region's PhysicalDelta is not positive")
    if abs(region.delta_y - step_cm) > _ASPECT_TOLERANCE * step_cm:
        raise DataDamagedError("the region's pixels are not square, and a Frame's are")
    n_columns = region.max_x1 - region.min_x0 + 1
    n_rows = region.max_y1 - region.min_y0 + 1
    is_assumed = region.reference_x0 is None or region.reference_y0 is None
    if is_assumed:
        x_cm, z_cm = -(n_columns - 1) / 2 * step_cm, 0.0
    else:
        x_cm = (region.reference_value_x or 0.0) - (region.reference_x0 or 0) * step_cm
        z_cm = (region.reference_value_y or 0.0) - (region.reference_y0 or 0) * step_cm
    if not (math.isfinite(x_cm) and math.isfinite(z_cm)):
        raise DataDamagedError("the region's reference value is not finite")
    raster = Raster(
        x_m=x_cm / CM_PER_M,
        z_m=z_cm / CM_PER_M,
        pixel_size_m=step_cm / CM_PER_M,
        n_rows=n_rows,
        n_columns=n_columns,
    )
    return raster, is_assumed


def _digests(dataset: Dataset, records: Sequence[FrameRecord], n_frames: int) -> list[bytes]:
    digests = read_frame_digests(dataset)
    if digests is None or not len(digests) == len(records) == n_frames:
        raise DataDamagedError("the private provenance is of another number of frames")
    return digests
