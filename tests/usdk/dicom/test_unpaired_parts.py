from __future__ import annotations

import pytest
from pydicom.sr._concepts_dict import concepts

from usdk.dicom import Code, Series, us_image
from usdk.dicom.unpaired_parts import UNPAIRED_CODES, UNPAIRED_PARTS


def test_every_code_is_one_of_anatomy():
    known = {code for concept in concepts["SCT"].values() for code in concept}
    assert known >= UNPAIRED_CODES


@pytest.mark.parametrize("part", sorted(UNPAIRED_PARTS))
def test_the_standards_tool_takes_an_image_of_it(frame, study, part, tmp_path, require_conformant):
    series = Series(body_part_examined=part)
    dataset = us_image(frame, study=type(study)(series=series))
    dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    require_conformant(tmp_path / "image.dcm")


def test_codes_of_another_scheme_say_nothing():
    region = Code(value="80891009", scheme="99LOCAL", meaning="?")
    assert not Series(anatomic_region=region).is_unpaired
