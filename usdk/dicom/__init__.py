"""DICOM: a frame, a patient and a study become an ultrasound object, and back."""

from usdk.dicom.codecs import Codec, compare_pixels
from usdk.dicom.equipment import Equipment
from usdk.dicom.patient import Patient
from usdk.dicom.regions import Region, read_regions
from usdk.dicom.series import Code, Series
from usdk.dicom.study import Study, demonstration_study
from usdk.dicom.us_image import US_IMAGE_STORAGE, us_image
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE, us_multiframe

__all__ = [
    "US_IMAGE_STORAGE",
    "US_MULTIFRAME_IMAGE_STORAGE",
    "Code",
    "Codec",
    "Equipment",
    "Patient",
    "Region",
    "Series",
    "Study",
    "compare_pixels",
    "demonstration_study",
    "read_regions",
    "us_image",
    "us_multiframe",
]
