"""Series: images that belong together within a study."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import index
from typing import Literal

from usdk.dicom.pydicom_extra import Dataset, generate_uid
from usdk.dicom.text import check_text
from usdk.dicom.unpaired_parts import UNPAIRED_CODES, UNPAIRED_PARTS
from usdk.errors import ArgumentError

__all__ = ["MAX_INTEGER_STRING", "Code", "Series", "whole_number"]

MAX_INTEGER_STRING = 2**31 - 1
"""Greatest value of an IS (PS3.5 table 6.2-1)."""

_LATERALITIES = ("", "L", "R", "B", "U")


def whole_number(value: int, keyword: str) -> int:
    """Return a number that an IS can hold, 0 or more, or raise `ArgumentError`."""
    try:
        number = index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= MAX_INTEGER_STRING:
        raise ArgumentError(f"{keyword} must be a whole number from 0 to {MAX_INTEGER_STRING}")
    return number


@dataclass(frozen=True, kw_only=True)
class Code:
    """A coded concept (PS3.3 section 8.8).

    Parameters
    ----------
    value, scheme, meaning : str
        CodeValue, CodingSchemeDesignator and CodeMeaning, such as a SNOMED CT number,
        ``SCT``, and words.
    """

    value: str
    scheme: str
    meaning: str

    def __post_init__(self) -> None:
        check_text(self.value, "SH", "CodeValue")
        check_text(self.scheme, "SH", "CodingSchemeDesignator")
        check_text(self.meaning, "LO", "CodeMeaning")
        if not (self.value and self.scheme and self.meaning):
            raise ArgumentError("a code needs CodeValue, CodingSchemeDesignator and CodeMeaning")

    def to_dataset(self) -> Dataset:
        """Return the item of a code sequence."""
        item = Dataset()
        item.CodeValue = self.value
        item.CodingSchemeDesignator = self.scheme
        item.CodeMeaning = self.meaning
        return item


@dataclass(frozen=True, kw_only=True)
class Series:
    """Images that belong together within a study (PS3.3 C.7.3.1).

    Parameters
    ----------
    series_instance_uid : str
        A new one when absent.
    series_number : int
        Number within the study.
    series_description, protocol_name : str
        Words for people; empty when unknown.
    examination : str
        Kind of examination, value 3 of Image Type: a defined term of PS3.3 C.8.5.6.1.1, such as
        ``ABDOMINAL`` or ``VASCULAR``.
    body_part_examined : str
        Defined term of PS3.16 annex L, such as ``CAROTID`` or ``LIVER``.
    anatomic_region : Code, optional
        The same as a code, preferred by the standard.
    image_laterality : str
        ``L``, ``R``, ``B`` (both) or ``U`` (unpaired); empty when unknown, which becomes ``U``
        where the region or the body part is known to exist once.
    """

    series_instance_uid: str = field(default_factory=lambda: str(generate_uid(prefix=None)))
    series_number: int = 1
    series_description: str = ""
    protocol_name: str = ""
    examination: str = ""
    body_part_examined: str = ""
    anatomic_region: Code | None = None
    image_laterality: Literal["", "L", "R", "B", "U"] = ""

    def __post_init__(self) -> None:
        check_text(self.series_instance_uid, "UI", "SeriesInstanceUID")
        check_text(self.series_description, "LO", "SeriesDescription")
        check_text(self.protocol_name, "LO", "ProtocolName")
        check_text(self.examination, "CS", "ImageType")
        check_text(self.body_part_examined, "CS", "BodyPartExamined")
        if not self.series_instance_uid:
            raise ArgumentError("SeriesInstanceUID must not be empty")
        whole_number(self.series_number, "SeriesNumber")
        if self.image_laterality not in _LATERALITIES:
            raise ArgumentError("ImageLaterality must be L, R, B, U or empty")

    @property
    def is_unpaired(self) -> bool:
        """Whether what was examined is known to exist once."""
        region = self.anatomic_region
        if region is not None:
            return region.scheme == "SCT" and region.value in UNPAIRED_CODES
        return self.body_part_examined in UNPAIRED_PARTS

    def add_to(self, dataset: Dataset) -> None:
        """Write the General Series module, and what of the anatomy belongs to each image."""
        dataset.Modality = "US"
        dataset.SeriesInstanceUID = self.series_instance_uid
        dataset.SeriesNumber = self.series_number
        if self.series_description:
            dataset.SeriesDescription = self.series_description
        if self.protocol_name:
            dataset.ProtocolName = self.protocol_name
        if self.body_part_examined:
            dataset.BodyPartExamined = self.body_part_examined
        if self.anatomic_region is not None:
            dataset.AnatomicRegionSequence = [self.anatomic_region.to_dataset()]
        if self.image_laterality:
            dataset.ImageLaterality = self.image_laterality
        elif self.is_unpaired:
            dataset.ImageLaterality = "U"
        else:
            # Type 2C: empty says that the side, if there is one, is unknown.
            dataset.Laterality = ""
