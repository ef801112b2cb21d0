from __future__ import annotations

import pytest

from usdk.dicom.text import check_text, fit_text
from usdk.errors import ArgumentError


@pytest.mark.parametrize(
    ("value", "vr"),
    [
        ("", "PN"),
        ("a" * 64, "LO"),
        ("王^小东", "PN"),
        ("A^B^C^D^E=" + "あ" * 64 + "=" + "z" * 64, "PN"),
        ("ABC_1 2", "CS"),
        ("1" * 16, "SH"),
        ("2.25." + "9" * 59, "UI"),
        ("1.0.3", "UI"),
        ("line\r\nline\ttab", "LT"),
        ("back\\slash", "LT"),
    ],
)
def test_text_that_fits_is_returned(value, vr):
    assert check_text(value, vr, "Keyword") == value


@pytest.mark.parametrize(
    ("value", "vr"),
    [
        ("a" * 65, "LO"),
        ("a" * 17, "SH"),
        ("A" * 17, "CS"),
        ("lower", "CS"),
        ("a\\b", "LO"),
        ("a\\b", "PN"),
        ("a\x1b[31m", "LO"),
        ("a\x00", "PN"),
        ("a\x85b", "LT"),
        ("\ud800", "LO"),
        ("a=b=c=d", "PN"),
        ("a^b^c^d^e^f", "PN"),
        ("b=" + "a" * 65, "PN"),
        ("2.25." + "9" * 60, "UI"),
        ("1.02", "UI"),
        ("1..2", "UI"),
        ("1.2.", "UI"),
        ("١.٢", "UI"),
        (7, "LO"),
        (None, "PN"),
    ],
)
def test_text_that_does_not_fit_is_named_and_never_quoted(value, vr):
    with pytest.raises(ArgumentError, match="TheKeyword") as caught:
        check_text(value, vr, "TheKeyword")
    if isinstance(value, str):
        assert value not in str(caught.value)


def test_reported_text_is_cut_and_cleaned_so_that_it_fits():
    fitted = fit_text("Gerät\\A\x1b\x00 " + "x" * 100, "LO")
    assert check_text(fitted, "LO", "Manufacturer") == fitted
    assert fitted.startswith("Gerät A")
    assert len(fitted.encode()) == 64


@pytest.mark.parametrize("value", ["3 × plane " * 9, "王" * 40, "x" * 63 + "é", "\udc80" * 70])
def test_reported_text_is_cut_between_characters(value):
    fitted = fit_text(value, "LO")
    assert 62 <= len(fitted.encode()) <= 64 or not fitted
    assert value.startswith(fitted)
