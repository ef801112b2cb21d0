from __future__ import annotations

import pytest

from usdk.dicom import check_dicom, us_image
from usdk.dicom.check_modules import NEEDED


@pytest.mark.parametrize("keyword", NEEDED)
def test_what_may_be_empty_may_not_be_absent(frame, study, keyword):
    dataset = us_image(frame, study=study)
    setattr(dataset, keyword, "" if keyword != "PatientName" else None)
    assert check_dicom(dataset) == []
    delattr(dataset, keyword)
    (finding,) = check_dicom(dataset)
    assert finding.attribute == keyword
    assert finding.tag
    assert finding.section.startswith("PS3.3 C.7")
