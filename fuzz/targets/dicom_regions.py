"""Regions of an ultrasound image: their elements in any form are read, or refused by type."""

from __future__ import annotations

import io
from contextlib import suppress

from dicom_seeds import dicom_files
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

from usdk.dicom import Finding, Region, read_regions
from usdk.dicom.check_regions import check_regions
from usdk.dicom.open import parser_border
from usdk.errors import DataDamagedError

_KEYWORDS = ("Rows", "Columns", "SequenceOfUltrasoundRegions")


def seeds() -> list[bytes]:
    """Return the regions of every specimen, and the image's size, in Explicit VR."""
    found = set()
    for file in dicom_files():
        dataset = dcmread(io.BytesIO(file))
        for element in list(dataset):
            if element.keyword not in _KEYWORDS:
                del dataset[element.tag]
        content = DicomBytesIO()
        content.is_little_endian, content.is_implicit_VR = True, False
        write_dataset(content, dataset)
        found.add(content.getvalue())
    return sorted(found)


def one_input(data: bytes) -> None:
    """Read and check the regions."""
    with suppress(DataDamagedError), parser_border("cannot read"):
        dataset = read_dataset(io.BytesIO(data), is_implicit_VR=False, is_little_endian=True)
        assert all(isinstance(found, Finding) for found in check_regions(dataset))
        assert all(isinstance(region, Region) for region in read_regions(dataset))
