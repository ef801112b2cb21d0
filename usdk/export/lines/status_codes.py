"""What DICOM status codes of storage mean to the outbox (PS3.4 annex B.2.3, PS3.7 annex C)."""

from __future__ import annotations

from usdk.export.lines.line import Acknowledgement, Answer

__all__ = ["failure", "success"]

_DUPLICATE = 0x0111
_NOT_NOW = (0x0110, 0x0213)
"""Processing failure, resource limitation (PS3.7 annex C); A7xx beside them: out of resources."""

_REASONS = {
    0x0110: "processing failure",
    0x0117: "invalid object instance",
    0x0122: "SOP class not supported",
    0x0124: "not authorized",
    0x0213: "resource limitation",
    0xC122: "transfer syntax not supported",
}


def success(uid: str, warning: int | None) -> Acknowledgement:
    """Return what success says of an object, with or without a warning."""
    said = "" if not warning else f"stored with a warning (0x{warning:04X})"
    return Acknowledgement(uid, Answer.ACCEPTED, said)


def failure(uid: str, code: int | None) -> Acknowledgement:
    """Return what a status code other than success says of an object."""
    if code is None:
        return Acknowledgement(uid, Answer.NOT_NOW, "refused without a reason")
    if code == _DUPLICATE:
        # Whether it holds this object or another under its UID is found by reading it back.
        return Acknowledgement(uid, Answer.ACCEPTED, "the receiver holds this UID already")
    if code in _NOT_NOW or code & 0xFF00 == 0xA700:
        why = _REASONS.get(code, "out of resources")
        return Acknowledgement(uid, Answer.NOT_NOW, f"{why} (0x{code:04X})")
    if code & 0xFF00 == 0xA900:
        why = "data set does not match its SOP class"
    else:
        why = _REASONS.get(code, "cannot understand" if code & 0xF000 == 0xC000 else "refused")
    return Acknowledgement(uid, Answer.REFUSED, f"{why} (0x{code:04X})")
