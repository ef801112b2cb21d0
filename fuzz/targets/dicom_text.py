"""Texts for DICOM: what passes the check comes back from a file as it was written."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import get_args

from pydicom import Dataset, dcmread

from usdk.dicom.text import MAX_LENGTH, VR, check_text, fit_text
from usdk.errors import ArgumentError

_KEYWORDS: dict[str, str] = {
    "CS": "BodyPartExamined",
    "LO": "StudyDescription",
    "LT": "ImageComments",
    "PN": "PatientName",
    "SH": "StudyID",
    "UI": "StudyInstanceUID",
}


def seeds() -> list[bytes]:
    """Return a text of each VR."""
    return [
        b"\0ABDOMEN 1",
        b"\1K\xc3\xbcnstlich\\es",
        b"\2line\nnext\tend",
        b"\3Wang^XiaoDong=\xe7\x8e\x8b^\xe5\xb0\x8f\xe4\xb8\x9c==",
        b"\4A-7",
        b"\0051.2.840.10008",
    ]


def one_input(data: bytes) -> None:
    """Check, write, read; and fit."""
    if not data:
        return
    vr: VR = get_args(VR)[data[0] % len(get_args(VR))]
    text = data[1:].decode("utf-8", "surrogateescape" if data[0] & 0x80 else "replace")
    for fitting in ("LO", "LT"):
        fitted = fit_text(text, fitting)
        assert check_text(fitted, fitting, "Keyword") == fitted
    with suppress(ArgumentError):
        _check_round_trip(check_text(text, vr, _KEYWORDS[vr]), vr)


def _check_round_trip(text: str, vr: VR) -> None:
    assert vr == "PN" or len(text) <= MAX_LENGTH[vr]
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    setattr(dataset, _KEYWORDS[vr], text)
    content = io.BytesIO()
    dataset.save_as(content, implicit_vr=False, little_endian=True)
    content.seek(0)
    found = str(dcmread(content, force=True)[_KEYWORDS[vr]].value or "")
    # Blanks at the ends have no meaning (PS3.5 section 6.2), nor have empty groups of a name.
    ends = " =^" if vr == "PN" else " "
    assert found.strip(ends) == text.strip(ends)
