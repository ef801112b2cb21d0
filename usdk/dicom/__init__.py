"""DICOM: a frame, a patient and a study become an ultrasound object, and back."""

from usdk.dicom.check import check_dicom, require_sound
from usdk.dicom.check_file import check_file
from usdk.dicom.codecs import Codec, compare_pixels
from usdk.dicom.colour_table import ColourTable
from usdk.dicom.composed import ComposedFrame, Part, stack
from usdk.dicom.decoded_frames import decoded_frames
from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE, enhanced_us_volume
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.findings import Finding
from usdk.dicom.measurement import (
    acceleration_cm_s2,
    area_mm2,
    depth_mm,
    distance_mm,
    time_s,
    velocity_cm_s,
)
from usdk.dicom.patient import Patient
from usdk.dicom.read import read_frames
from usdk.dicom.read_volumes import read_volumes
from usdk.dicom.readings import Reading, readings_at, readings_between
from usdk.dicom.region_codes import RegionDataType, SpatialFormat, Unit
from usdk.dicom.region_picture import RegionPicture, read_region_pictures
from usdk.dicom.regions import Region, read_regions
from usdk.dicom.series import Code, Series
from usdk.dicom.study import Study, demonstration_study
from usdk.dicom.summary import DicomSummary, read_summary
from usdk.dicom.us_image import US_IMAGE_STORAGE, us_image
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE, us_multiframe
from usdk.dicom.volume_frame import VolumeFrame

__all__ = [
    "ENHANCED_US_VOLUME_STORAGE",
    "US_IMAGE_STORAGE",
    "US_MULTIFRAME_IMAGE_STORAGE",
    "Code",
    "Codec",
    "ColourTable",
    "ComposedFrame",
    "DicomSummary",
    "Equipment",
    "ExaminationSettings",
    "Finding",
    "Part",
    "Patient",
    "Reading",
    "Region",
    "RegionDataType",
    "RegionPicture",
    "Series",
    "SpatialFormat",
    "Study",
    "Unit",
    "VolumeFrame",
    "acceleration_cm_s2",
    "area_mm2",
    "check_dicom",
    "check_file",
    "compare_pixels",
    "decoded_frames",
    "demonstration_study",
    "depth_mm",
    "distance_mm",
    "enhanced_us_volume",
    "read_frames",
    "read_region_pictures",
    "read_regions",
    "read_summary",
    "read_volumes",
    "readings_at",
    "readings_between",
    "require_sound",
    "stack",
    "time_s",
    "us_image",
    "us_multiframe",
    "velocity_cm_s",
]
