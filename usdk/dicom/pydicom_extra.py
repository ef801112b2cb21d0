"""The names that this package takes from ``pydicom``, and the one place that may miss them."""

from __future__ import annotations

from usdk.errors import MissingExtraError

try:
    from pydicom import Dataset, FileMetaDataset, dcmread
    from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
    from pydicom.encaps import generate_fragments
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info
    from pydicom.multival import MultiValue
    from pydicom.pixels import get_decoder, get_encoder, iter_pixels
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.sequence import Sequence
    from pydicom.uid import (
        UID,
        DeflatedExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        ExplicitVRLittleEndian,
        RLELossless,
        generate_uid,
    )
    from pydicom.valuerep import format_number_as_ds
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "DICOM export") from error

__all__ = [
    "UID",
    "Dataset",
    "DeflatedExplicitVRLittleEndian",
    "ExplicitVRBigEndian",
    "ExplicitVRLittleEndian",
    "FileMetaDataset",
    "InvalidDicomError",
    "MultiValue",
    "RLELossless",
    "Sequence",
    "apply_color_lut",
    "dcmread",
    "dictionary_VR",
    "dictionary_has_tag",
    "format_number_as_ds",
    "generate_fragments",
    "generate_uid",
    "get_decoder",
    "get_encoder",
    "iter_pixels",
    "read_file_meta_info",
    "tag_for_keyword",
]
