from __future__ import annotations

import pytest

from usdk.dicom.pydicom_extra import tag_for_keyword
from usdk.dicom.standard_sections import _SECTIONS, section_of, tag_of


def test_every_attribute_of_the_table_is_one_of_the_standard():
    assert [keyword for keyword in _SECTIONS if tag_for_keyword(keyword) is None] == []


@pytest.mark.parametrize(
    ("attribute", "tag", "section"),
    [
        ("FrameTime", "(0018,1063)", "PS3.3 C.7.6.5.1.1"),
        ("SequenceOfUltrasoundRegions[1].PhysicalDeltaX", "(0018,602C)", "PS3.3 C.8.5.5"),
        ("SequenceOfUltrasoundRegions[0]", "(0018,6011)", "PS3.3 C.8.5.5"),
        ("ReferencedImageSequence[0].(5553,1001)", "(5553,1001)", "PS3.5 7.8"),
        ("ReferencedImageSequence[0].ReferencedSOPInstanceUID", "(0008,1155)", "PS3.5 9"),
        ("private USDK block", "", ""),
    ],
)
def test_tag_and_section_of_the_last_name_are_given(attribute, tag, section):
    assert (tag_of(attribute), section_of(attribute)) == (tag, section)
