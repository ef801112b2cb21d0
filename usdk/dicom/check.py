"""Check what a standard's tool leaves unchecked, before an object is written or believed."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator

from usdk.dicom.check_cine import check_cine
from usdk.dicom.check_modules import check_modules
from usdk.dicom.check_pixels import check_pixels
from usdk.dicom.check_regions import check_regions
from usdk.dicom.check_volume import check_volume
from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE
from usdk.dicom.findings import Finding, Severity, number, readable
from usdk.dicom.pydicom_extra import UID, Dataset, MultiValue
from usdk.dicom.us_image import US_IMAGE_STORAGE
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE
from usdk.errors import ArgumentError

__all__ = ["check_dicom", "require_sound"]

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")
_MAX_UID_LENGTH = 64
_MAX_DEPTH = 32
_CLASSES = (US_IMAGE_STORAGE, US_MULTIFRAME_IMAGE_STORAGE, ENHANCED_US_VOLUME_STORAGE)
_RETIRED = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
PIXEL_DATA = 0x7FE00010
# Limits of the FDA guidance for marketing clearance of diagnostic ultrasound, Track 3.
_MAX_MECHANICAL_INDEX = 1.9
_MAX_THERMAL_INDEX = 6.0
_OUTPUT_INDICES = {
    "MechanicalIndex": _MAX_MECHANICAL_INDEX,
    "BoneThermalIndex": _MAX_THERMAL_INDEX,
    "CranialThermalIndex": _MAX_THERMAL_INDEX,
    "SoftTissueThermalIndex": _MAX_THERMAL_INDEX,
}


def check_dicom(dataset: Dataset, *, decode: bool = False) -> list[Finding]:
    """Return what is wrong with an ultrasound object, beyond what dciodvfy looks for.

    Regions, times of frames, pixels against their description and claim of colour, UIDs, private
    elements without a creator, and indices of output. The object may come from anywhere: what
    cannot be read is a finding, not an exception.

    Parameters
    ----------
    decode : bool
        Decode every frame, too, and compare it with the digest in objects of ours.
    """
    with warnings.catch_warnings():
        # The parser warns of foreign values as it converts them; here they become findings.
        warnings.simplefilter("ignore")
        return [
            *_check_identity(dataset),
            *check_modules(dataset),
            *_check_elements(dataset, "", 0),
            *check_regions(dataset),
            *check_cine(dataset),
            *check_volume(dataset),
            *check_pixels(dataset, decode=decode),
            *_check_output(dataset),
        ]


def require_sound(dataset: Dataset) -> None:
    """Raise `ArgumentError` with every error that `check_dicom` finds; warnings pass."""
    errors = [str(finding) for finding in check_dicom(dataset) if finding.severity == "error"]
    if errors:
        raise ArgumentError(f"the DICOM object would mislead its readers: {'; '.join(errors)}")


def _check_identity(dataset: Dataset) -> Iterator[Finding]:
    if readable(dataset, "Modality") != "US":
        yield Finding("error", "Modality", "is not US")
    sop_class = readable(dataset, "SOPClassUID")
    if sop_class in _RETIRED:
        yield Finding("warning", "SOPClassUID", "is of a retired ultrasound class")
    elif sop_class and sop_class not in _CLASSES:
        yield Finding("warning", "SOPClassUID", "is not one of the three ultrasound image classes")
    meta = getattr(dataset, "file_meta", None) or Dataset()
    for keyword in ("SOPClassUID", "SOPInstanceUID"):
        if not readable(dataset, keyword):
            yield Finding("error", keyword, "is absent")
        elif readable(meta, f"MediaStorage{keyword}") != readable(dataset, keyword):
            yield Finding("error", f"MediaStorage{keyword}", f"is not {keyword}")
    syntax = readable(meta, "TransferSyntaxUID")
    if not (isinstance(syntax, UID) and syntax.is_transfer_syntax):
        yield Finding("error", "TransferSyntaxUID", "is not a transfer syntax")
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not readable(dataset, keyword):
            yield Finding("error", keyword, "is absent")


def _check_elements(dataset: Dataset, place: str, depth: int) -> Iterator[Finding]:
    """Check each element by its tag and VR, sequences and all."""
    if depth > _MAX_DEPTH:
        yield Finding("error", place, f"is nested deeper than {_MAX_DEPTH} levels")
        return
    for tag in list(dataset.keys()):
        name = f"{place}({tag.group:04X},{tag.element:04X})"
        if tag.is_private and not tag.is_private_creator:
            creator = readable(dataset, tag.group << 16 | tag.element >> 8)
            if tag.element != 0 and not creator:
                yield Finding("error", name, "is private and has no creator")
        if tag == PIXEL_DATA:
            continue  # Its value may still lie in the file, and is no business of this check.
        try:
            element = dataset[tag]
            value = element.value
        # The parser converts here, and its errors are of every kind.
        except Exception:
            yield Finding("error", name, "cannot be read")
            continue
        name = f"{place}{element.keyword}" if element.keyword else name
        if element.VR == "UI" and value:
            for uid in value if isinstance(value, list | MultiValue) else [value]:
                if len(uid) > _MAX_UID_LENGTH:
                    yield Finding("error", name, f"is longer than {_MAX_UID_LENGTH} characters")
                elif not _UID.fullmatch(uid):
                    yield Finding("error", name, "is not a UID")
        elif element.VR == "SQ" and value:
            for index, item in enumerate(value):
                yield from _check_elements(item, f"{name}[{index}].", depth + 1)


def _check_output(dataset: Dataset) -> Iterator[Finding]:
    for keyword, most in _OUTPUT_INDICES.items():
        try:
            index = number(dataset, keyword)
        except ValueError as error:
            yield Finding("error", keyword, str(error))
            continue
        if index is None:
            continue
        severity: Severity = "error"
        if math.isfinite(index) and index >= 0:
            if index <= most:
                continue
            severity = "warning"  # A true value that is too high must still be recorded.
        yield Finding(severity, keyword, f"is not between 0 and {most}")
