"""Check what an Enhanced US Volume says of its planes, one item for each (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator

from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE
from usdk.dicom.findings import Finding, readable, whole
from usdk.dicom.pydicom_extra import Dataset, Sequence

__all__ = ["check_volume"]


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
