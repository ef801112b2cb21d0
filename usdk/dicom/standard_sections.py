"""Where the standard defines what `check_dicom` looks at, so that a finding can be looked up."""

from __future__ import annotations

import re

from usdk.dicom.pydicom_extra import tag_for_keyword

__all__ = ["section_of", "tag_of"]

# Attributes have the section of their module where it has none of their own.
_SECTIONS = {
    # Patient, General Study, General Series, General Equipment and General Image.
    "PatientName": "PS3.3 C.7.1.1",
    "PatientID": "PS3.3 C.7.1.1",
    "PatientBirthDate": "PS3.3 C.7.1.1",
    "PatientSex": "PS3.3 C.7.1.1",
    "StudyDate": "PS3.3 C.7.2.1",
    "StudyTime": "PS3.3 C.7.2.1",
    "ReferringPhysicianName": "PS3.3 C.7.2.1",
    "StudyID": "PS3.3 C.7.2.1",
    "AccessionNumber": "PS3.3 C.7.2.1",
    "SeriesNumber": "PS3.3 C.7.3.1",
    "Manufacturer": "PS3.3 C.7.5.1",
    "InstanceNumber": "PS3.3 C.7.6.1",
    # General Study, General Series, SOP Common and file meta information.
    "Modality": "PS3.3 C.7.3.1.1.1",
    "SOPClassUID": "PS3.3 C.12.1.1.1",
    "SOPInstanceUID": "PS3.3 C.12.1.1.1",
    "StudyInstanceUID": "PS3.3 C.7.2.1",
    "SeriesInstanceUID": "PS3.3 C.7.3.1",
    "MediaStorageSOPClassUID": "PS3.10 7.1",
    "MediaStorageSOPInstanceUID": "PS3.10 7.1",
    "TransferSyntaxUID": "PS3.10 7.1, PS3.5 10",
    # Cine and Multi-frame.
    "NumberOfFrames": "PS3.3 C.7.6.6",
    "FrameIncrementPointer": "PS3.3 C.7.6.6",
    "FrameTime": "PS3.3 C.7.6.5.1.1",
    "FrameTimeVector": "PS3.3 C.7.6.5.1.2",
    "CineRate": "PS3.3 C.7.6.5",
    "RecommendedDisplayFrameRate": "PS3.3 C.7.6.5",
    "StartTrim": "PS3.3 C.7.6.5",
    "StopTrim": "PS3.3 C.7.6.5",
    # Image Pixel.
    "Rows": "PS3.3 C.7.6.3",
    "Columns": "PS3.3 C.7.6.3",
    "SamplesPerPixel": "PS3.3 C.7.6.3.1.1",
    "PhotometricInterpretation": "PS3.3 C.7.6.3.1.2",
    "PlanarConfiguration": "PS3.3 C.7.6.3.1.3",
    "BitsAllocated": "PS3.5 8.1.1",
    "BitsStored": "PS3.5 8.1.1",
    "HighBit": "PS3.5 8.1.1",
    "PixelRepresentation": "PS3.3 C.7.6.3",
    "PixelData": "PS3.3 C.7.6.3.1.4, PS3.5 8, A.4",
    "RedPaletteColorLookupTableDescriptor": "PS3.3 C.7.6.3.1.5",
    "GreenPaletteColorLookupTableDescriptor": "PS3.3 C.7.6.3.1.5",
    "BluePaletteColorLookupTableDescriptor": "PS3.3 C.7.6.3.1.5",
    "RedPaletteColorLookupTableData": "PS3.3 C.7.6.3.1.6",
    "GreenPaletteColorLookupTableData": "PS3.3 C.7.6.3.1.6",
    "BluePaletteColorLookupTableData": "PS3.3 C.7.6.3.1.6",
    "LossyImageCompression": "PS3.3 C.7.6.1.1.5",
    "ExtendedOffsetTable": "PS3.3 C.7.6.3.1.8",
    # US Image.
    "UltrasoundColorDataPresent": "PS3.3 C.8.5.6",
    "MechanicalIndex": "PS3.3 C.8.5.6",
    "BoneThermalIndex": "PS3.3 C.8.5.6",
    "CranialThermalIndex": "PS3.3 C.8.5.6",
    "SoftTissueThermalIndex": "PS3.3 C.8.5.6",
    # US Region Calibration.
    "SequenceOfUltrasoundRegions": "PS3.3 C.8.5.5",
    # Multi-frame Functional Groups.
    "SharedFunctionalGroupsSequence": "PS3.3 C.7.6.16",
    "PerFrameFunctionalGroupsSequence": "PS3.3 C.7.6.16",
    "ImagePositionVolume": "PS3.3 C.7.6.16.2.21",
    "SpacingBetweenSlices": "PS3.3 C.7.6.16.2.1",
    "DimensionIndexValues": "PS3.3 C.7.6.16.2.2",
    "DimensionIndexSequence": "PS3.3 C.7.6.17, C.8.24.3.3",
    "ApexPosition": "PS3.3 C.8.24.2",
    "RegionSpatialFormat": "PS3.3 C.8.5.5.1.1",
    "RegionDataType": "PS3.3 C.8.5.5.1.2",
    "RegionFlags": "PS3.3 C.8.5.5.1.3",
    "PhysicalUnitsXDirection": "PS3.3 C.8.5.5.1.15",
    "PhysicalUnitsYDirection": "PS3.3 C.8.5.5.1.15",
}
_REGION = re.compile(
    r"(RegionLocation|PhysicalDelta|ReferencePixel|Pixel(Component|Value)|TableOf|NumberOfTable"
    r"|TransducerFrequency|PulseRepetition|DopplerSample|DopplerCorrection|Steering|TMLine)"
)
_PRIVATE = "PS3.5 7.8"
_UID = "PS3.5 9"


def tag_of(attribute: str) -> str:
    """Return ``(gggg,eeee)`` of an attribute's last keyword, or nothing if it has no such name."""
    name = _last(attribute)
    if name.startswith("("):
        return name
    tag = tag_for_keyword(name)
    return "" if tag is None else f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def section_of(attribute: str) -> str:
    """Return the section of the standard that defines an attribute, or nothing if it has none."""
    name = _last(attribute)
    if name in _SECTIONS:
        return _SECTIONS[name]
    if _REGION.match(name):
        return "PS3.3 C.8.5.5"
    if name.startswith("("):
        return _PRIVATE if int(name[1:5], 16) % 2 else "PS3.5 7.1"
    return _UID if name.endswith("UID") else ""


def _last(attribute: str) -> str:
    """Return the keyword, or the tag, behind the sequences that it stands in."""
    name = attribute.rstrip(".").rpartition(".")[2]
    return re.sub(r"\[\d+\]$", "", name)
