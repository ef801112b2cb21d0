"""Why an object was signed: the codes of PS3.16 CID 7007, from ASTM E1762."""

from __future__ import annotations

from usdk.errors import ArgumentError

__all__ = ["CODING_SCHEME", "SIGNATURE_PURPOSES", "purpose_meaning"]

CODING_SCHEME = "ASTM-sigpurpose"

SIGNATURE_PURPOSES = {
    1: "Author's Signature",
    2: "Coauthor's Signature",
    3: "Co-participant's Signature",
    4: "Transcriptionist/Recorder Signature",
    5: "Verification Signature",
    6: "Validation Signature",
    7: "Consent Signature",
    8: "Signature Witness Signature",
    9: "Event Witness Signature",
    10: "Identity Witness Signature",
    11: "Consent Witness Signature",
    12: "Interpreter Signature",
    13: "Review Signature",
    14: "Source Signature",
    15: "Addendum Signature",
    16: "Modification Signature",
    17: "Administrative (Error/Edit) Signature",
    18: "Timestamp Signature",
}


def purpose_meaning(purpose: int) -> str:
    """Return the meaning of a purpose code, or raise `ArgumentError`."""
    if not isinstance(purpose, int) or purpose not in SIGNATURE_PURPOSES:
        raise ArgumentError(f"purpose must be a code from 1 to {len(SIGNATURE_PURPOSES)}")
    return SIGNATURE_PURPOSES[purpose]
