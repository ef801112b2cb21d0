"""Check the Cine and Multi-frame modules: a wrong one plays at a wrong speed."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

from usdk.dicom.cine import FRAME_TIME, FRAME_TIME_VECTOR
from usdk.dicom.findings import Finding, Severity, number, readable, whole
from usdk.dicom.pydicom_extra import Dataset, MultiValue
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE

__all__ = ["check_cine"]

_POINTED_AT = {FRAME_TIME: "FrameTime", FRAME_TIME_VECTOR: "FrameTimeVector"}
_RATE_TOLERANCE = 0.05


def check_cine(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is wrong with number and times of frames."""
    try:
        n_frames = whole(dataset, "NumberOfFrames")
    except ValueError as error:
        yield Finding("error", "NumberOfFrames", str(error))
        return
    is_multiframe = readable(dataset, "SOPClassUID") == US_MULTIFRAME_IMAGE_STORAGE
    if n_frames is None and is_multiframe:
        yield Finding("error", "NumberOfFrames", "is absent")
    if n_frames is not None and n_frames < 1:
        yield Finding("error", "NumberOfFrames", "is less than 1")
    yield from _check_pointer(dataset, is_multiframe)
    mean_ms = yield from _check_frame_time(dataset)
    vector_ms = yield from _check_vector(dataset, n_frames or 1)
    yield from _check_rates(dataset, mean_ms if mean_ms is not None else vector_ms)
    yield from _check_trims(dataset, n_frames or 1)


def _check_pointer(dataset: Dataset, is_multiframe: bool) -> Iterator[Finding]:
    pointer = readable(dataset, "FrameIncrementPointer")
    if pointer is None or pointer == "":
        if is_multiframe:
            yield Finding("error", "FrameIncrementPointer", "is absent")
        return
    for tag in pointer if isinstance(pointer, list | MultiValue) else [pointer]:
        if not isinstance(tag, int):
            yield Finding("error", "FrameIncrementPointer", "is not a tag")
        elif tag not in dataset:
            name = _POINTED_AT.get(tag, "an attribute")
            yield Finding("error", "FrameIncrementPointer", f"points at {name}, which is absent")


def _check_frame_time(dataset: Dataset) -> Generator[Finding, None, float | None]:
    """Yield findings and return FrameTime, ms, if it can be believed."""
    try:
        frame_time_ms = number(dataset, "FrameTime")
    except ValueError as error:
        yield Finding("error", "FrameTime", str(error))
        return None
    if frame_time_ms is not None and not (math.isfinite(frame_time_ms) and frame_time_ms > 0):
        yield Finding("error", "FrameTime", "is not positive")
        return None
    return frame_time_ms


def _check_vector(dataset: Dataset, n_frames: int) -> Generator[Finding, None, float | None]:
    """Yield findings and return the mean step of FrameTimeVector, ms, if it can be believed."""
    attribute = "FrameTimeVector"
    try:
        value = dataset.get(attribute)
        if value is None or value == "":
            return None
        steps_ms = [float(step) for step in (value if isinstance(value, MultiValue) else [value])]
    # The parser converts here, and its errors are of every kind.
    except Exception:
        yield Finding("error", attribute, "does not hold numbers")
        return None
    if len(steps_ms) != n_frames:
        yield Finding("error", attribute, f"has {len(steps_ms)} values for {n_frames} frames")
        return None
    if steps_ms[0] != 0:
        yield Finding("error", attribute, "does not begin with 0")
    if not all(math.isfinite(step) and step > 0 for step in steps_ms[1:]):
        yield Finding("error", attribute, "holds a step that is not positive")
        return None
    return sum(steps_ms[1:]) / (n_frames - 1) if n_frames > 1 else None


def _check_rates(dataset: Dataset, frame_time_ms: float | None) -> Iterator[Finding]:
    for keyword in ("CineRate", "RecommendedDisplayFrameRate"):
        try:
            rate = number(dataset, keyword)
        except ValueError as error:
            yield Finding("error", keyword, str(error))
            continue
        if rate is None:
            continue
        if not (math.isfinite(rate) and rate > 0):
            yield Finding("error", keyword, "is not positive")
        elif frame_time_ms is not None:
            true_rate = 1e3 / frame_time_ms
            # It is a whole number, so that one is the finest difference that it can show.
            if abs(rate - true_rate) > max(1.0, _RATE_TOLERANCE * true_rate):
                # To recommend another speed, such as slow motion, is allowed.
                severity: Severity = "error" if keyword == "CineRate" else "warning"
                yield Finding(
                    severity,
                    keyword,
                    f"of {rate:g} per s contradicts frame times of {frame_time_ms:.6g} ms",
                )


def _check_trims(dataset: Dataset, n_frames: int) -> Iterator[Finding]:
    for keyword in ("StartTrim", "StopTrim"):
        try:
            trim = whole(dataset, keyword)
        except ValueError as error:
            yield Finding("error", keyword, str(error))
            continue
        if trim is not None and not 1 <= trim <= n_frames:
            yield Finding("error", keyword, f"is not one of 1 to {n_frames}")
