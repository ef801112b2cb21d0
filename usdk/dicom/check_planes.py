"""Check where the planes of an Enhanced US Volume lie: a wrong place gives wrong volumes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.findings import Finding
from usdk.dicom.pydicom_extra import Dataset

__all__ = ["check_planes"]

SPACING_TOLERANCE = 0.01
"""Part of Spacing Between Slices by which planes may lie nearer or farther."""

IMAGE_POSITION_VOLUME = 0x00209301

_GROUP = "PerFrameFunctionalGroupsSequence"


def check_planes(dataset: Dataset) -> Iterator[Finding]:
    """Compare the distances of planes, volume by volume, with what the pixel measures say."""
    try:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        spacing_mm = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)
        axes = [float(v) for v in shared.PlaneOrientationVolumeSequence[0].ImageOrientationVolume]
        normal = np.cross(axes[:3], axes[3:])
        pointers = [int(item.DimensionIndexPointer) for item in dataset.DimensionIndexSequence]
        plane = pointers.index(IMAGE_POSITION_VOLUME)
        rows = [_row(frame, plane) for frame in dataset.PerFrameFunctionalGroupsSequence]
        places_mm = np.array([position for _, position in rows], np.float64) @ normal
    # What is absent is reported by the standard's tool, and may also differ from frame to frame.
    except (AttributeError, LookupError, TypeError, ValueError):
        return
    if not (np.isfinite(spacing_mm) and spacing_mm > 0):
        yield Finding(
            "error",
            "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices",
            "is not positive",
        )
        return
    if not np.all(np.isfinite(places_mm)):
        yield Finding("error", f"{_GROUP}.ImagePositionVolume", "is not finite")
        return
    for volume in dict.fromkeys(time for time, _ in rows):
        steps_mm = _steps(
            [place for (time, _), place in zip(rows, places_mm, strict=True) if time == volume]
        )
        wrong = np.abs(np.abs(steps_mm) - spacing_mm) > SPACING_TOLERANCE * spacing_mm
        if np.any(wrong):
            yield Finding(
                "error",
                f"{_GROUP}.ImagePositionVolume",
                f"puts planes {abs(steps_mm[np.argmax(wrong)]):.6g} mm apart, and "
                f"SpacingBetweenSlices is {spacing_mm:.6g}",
            )
            return
        if np.any(np.sign(steps_mm) != np.sign(steps_mm[:1])):
            yield Finding("error", f"{_GROUP}.ImagePositionVolume", "turns back between planes")
            return


def _row(frame: Dataset, plane: int) -> tuple[tuple[int, ...], list[float]]:
    """Return which volume a frame belongs to, and where its plane lies, mm.

    Frames of one volume are alike in every dimension but ``plane``.
    """
    position = [float(v) for v in frame.PlanePositionVolumeSequence[0].ImagePositionVolume]
    if len(position) != 3:
        raise ValueError("a position has three coordinates")
    indices = [int(value) for value in frame.FrameContentSequence[0].DimensionIndexValues]
    return tuple(indices[:plane] + indices[plane + 1 :]), position


def _steps(places_mm: list[float]) -> NDArray[np.float64]:
    return np.diff(np.asarray(places_mm, np.float64))
