"""Values of text, as PS3.5 section 6.2 allows them.

Every error names the attribute and never its value: a value may be about a patient.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from usdk.errors import ArgumentError

__all__ = ["MAX_LENGTH", "VR", "check_text", "clean_text", "fit_text"]

VR = Literal["CS", "LO", "LT", "PN", "SH", "UI"]

MAX_LENGTH = {"CS": 16, "LO": 64, "LT": 10240, "PN": 64, "SH": 16, "UI": 64}
"""Characters that a value may have; of a PN, each component group (PS3.5 table 6.2-1)."""

_CS = re.compile(r"[A-Z0-9 _]*")
_UI = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_PN_GROUPS = 3
_PN_COMPONENTS = 5
_LT_CONTROLS = "\t\n\f\r"


def check_text(value: str, vr: VR, keyword: str) -> str:
    """Return ``value`` if it can be written with this VR; empty text means unknown.

    Raises
    ------
    ArgumentError
        The text is too long, or holds characters that the VR does not allow.
    """
    if not isinstance(value, str):
        raise ArgumentError(f"{keyword} must be str, got {type(value).__name__}")
    allowed = _LT_CONTROLS if vr == "LT" else ""
    if any(_is_control(character) and character not in allowed for character in value):
        raise ArgumentError(f"{keyword} holds control characters: remove them")
    if "\\" in value and vr != "LT":
        raise ArgumentError(f"{keyword} holds a backslash, which separates values: remove it")
    if vr == "PN":
        _check_name(value, keyword)
    elif len(value) > MAX_LENGTH[vr]:
        raise ArgumentError(f"{keyword} is longer than {MAX_LENGTH[vr]} characters: shorten it")
    if vr == "CS" and not _CS.fullmatch(value):
        raise ArgumentError(f"{keyword} may hold capital letters, digits, space and _ only")
    if vr == "UI" and value and not _UI.fullmatch(value):
        raise ArgumentError(f"{keyword} is not a UID: digits and single dots, no leading zeros")
    return value


def fit_text(value: str, vr: Literal["LO", "LT"]) -> str:
    """Return what a device or a setting reported, made to fit: cut, and without control characters.

    For text that no user can correct; the whole of it stands in the private provenance. It is cut
    at as many bytes as characters are allowed, as some tools count bytes.
    """
    encoded = clean_text(value).encode()[: MAX_LENGTH[vr]]
    return encoded.decode(errors="ignore").rstrip()


def clean_text(value: str) -> str:
    """Return text without control characters and backslashes, and no space around it."""
    return "".join(" " if _is_control(c) or c == "\\" else c for c in value).strip()


def _is_control(character: str) -> bool:
    # Cc: control characters; Cs: halves of surrogate pairs, which UTF-8 cannot hold.
    return unicodedata.category(character) in ("Cc", "Cs")


def _check_name(value: str, keyword: str) -> None:
    groups = value.split("=")
    if len(groups) > _PN_GROUPS:
        raise ArgumentError(
            f"{keyword} has more than {_PN_GROUPS} component groups: "
            "write alphabetic=ideographic=phonetic"
        )
    for group in groups:
        if len(group) > MAX_LENGTH["PN"]:
            raise ArgumentError(
                f"{keyword} has a component group longer than {MAX_LENGTH['PN']} characters"
            )
        if group.count("^") >= _PN_COMPONENTS:
            raise ArgumentError(
                f"{keyword} has more than {_PN_COMPONENTS} components: "
                "write family^given^middle^prefix^suffix"
            )
