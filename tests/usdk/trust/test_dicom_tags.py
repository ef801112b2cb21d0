from __future__ import annotations

from pydicom.datadict import keyword_for_tag

from usdk.trust import dicom_tags
from usdk.trust.dicom_tags import KEYWORDS, name_tag, name_tags, tag_text


def test_keywords_are_those_of_the_standard():
    assert {tag: keyword_for_tag(tag) for tag in KEYWORDS} == KEYWORDS


def test_constants_are_named_as_their_keyword():
    constants = {n: v for n, v in vars(dicom_tags).items() if isinstance(v, int) and n.isupper()}
    assert constants
    for name, tag in constants.items():
        assert name.replace("_", "").lower() == keyword_for_tag(tag).lower()


def test_tags_are_shown_by_number_and_keyword():
    assert tag_text(0x7FE00010) == "7fe0,0010"
    assert name_tag(0x7FE00010) == "(7fe0,0010) PixelData"
    assert name_tag(0x00091001) == "(0009,1001)"
    assert name_tags([0x00091001] * 2) == "(0009,1001), (0009,1001)"
    assert name_tags([0x00091001] * 10).endswith("(0009,1001) and 2 more")
