"""DICOM: a frame, a patient and a study become an ultrasound object, and back."""

from usdk.dicom.check import check_dicom, require_sound
from usdk.dicom.codecs import Codec, compare_pixels
from usdk.dicom.equipment import Equipment
from usdk.dicom.findings import Finding
from usdk.dicom.patient import Patient
from usdk.dicom.read import read_frames
from usdk.dicom.regions import Region, read_regions
from usdk.dicom.series import Code, Series
from usdk.dicom.study import Study, demonstration_study
from usdk.dicom.summary import DicomSummary, read_summary
from usdk.dicom.us_image import US_IMAGE_STORAGE, us_image
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE, us_multiframe

__all__ = [
    "US_IMAGE_STORAGE",
    "US_MULTIFRAME_IMAGE_STORAGE",
    "Code",
    "Codec",
    "DicomSummary",
    "Equipment",
    "Finding",
    "Patient",
    "Region",
    "Series",
    "Study",
    "check_dicom",
    "compare_pixels",
    "demonstration_study",
    "read_frames",
    "read_regions",
    "read_summary",
    "require_sound",
    "us_image",
    "us_multiframe",
]
