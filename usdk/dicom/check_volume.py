"""Check an Enhanced US Volume: groups and dimensions of its planes, and the apex of its lines."""

from __future__ import annotations

from collections.abc import Iterator

from usdk.dicom.check_planes import check_planes
from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE
from usdk.dicom.findings import Finding, readable, whole
from usdk.dicom.pydicom_extra import Dataset, MultiValue, Sequence

__all__ = ["check_volume"]

_N_DIMENSIONS = 3
"""Temporal position, position of the plane, data type (PS3.3 C.8.24.3.3)."""


def check_volume(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is wrong with the functional groups; nothing of other objects."""
    if readable(dataset, "SOPClassUID") != ENHANCED_US_VOLUME_STORAGE:
        return
    shared = readable(dataset, "SharedFunctionalGroupsSequence")
    if not isinstance(shared, Sequence) or len(shared) != 1:
        yield Finding("error", "SharedFunctionalGroupsSequence", "has not one item")
    try:
        n_frames = whole(dataset, "NumberOfFrames")
    except ValueError:
        return  # Reported with the cine.
    each = readable(dataset, "PerFrameFunctionalGroupsSequence")
    if not isinstance(each, Sequence):
        yield Finding("error", "PerFrameFunctionalGroupsSequence", "is absent")
    elif n_frames is not None and len(each) != n_frames:
        yield Finding(
            "error",
            "PerFrameFunctionalGroupsSequence",
            f"has {len(each)} items for {n_frames} frames",
        )
    yield from _check_dimensions(dataset)
    yield from check_planes(dataset)
    if readable(dataset, "UltrasoundAcquisitionGeometry") == "APEX" and not readable(
        dataset, "ApexPosition"
    ):
        yield Finding("error", "ApexPosition", "is absent, and the geometry is APEX")


def _check_dimensions(dataset: Dataset) -> Iterator[Finding]:
    dimensions = readable(dataset, "DimensionIndexSequence")
    if not isinstance(dimensions, Sequence):
        yield Finding("error", "DimensionIndexSequence", "is absent")
        return
    if len(dimensions) != _N_DIMENSIONS:
        yield Finding(
            "error",
            "DimensionIndexSequence",
            f"has {len(dimensions)} items, and a volume has {_N_DIMENSIONS} dimensions",
        )
    each = readable(dataset, "PerFrameFunctionalGroupsSequence")
    for index, frame in enumerate(each if isinstance(each, Sequence) else ()):
        content = readable(frame, "FrameContentSequence")
        values = readable(content[0], "DimensionIndexValues") if content else None
        n_values = len(values) if isinstance(values, MultiValue | list) else int(values is not None)
        if n_values != len(dimensions):
            yield Finding(
                "error",
                f"PerFrameFunctionalGroupsSequence[{index}].FrameContentSequence[0]."
                "DimensionIndexValues",
                f"has {n_values} values for {len(dimensions)} dimensions",
            )
            return  # One tells it of all.
