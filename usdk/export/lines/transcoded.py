"""Whether what a receiver holds is the object that was sent, in other coding."""

from __future__ import annotations

from collections.abc import Sequence

from usdk.dicom import decoded_frames
from usdk.errors import DataDamagedError, NotTrustedError
from usdk.trust import verify_dicom
from usdk.trust.certificate_trust import CertificateLike

__all__ = ["MAX_TRANSCODED_BYTES", "holds_under_signature"]

MAX_TRANSCODED_BYTES = 1 << 30
"""Longest transcoded object that is read back; it is held in memory, as it is of a patient."""


def holds_under_signature(
    original: bytes, received: bytes, trusted_signers: Sequence[CertificateLike]
) -> bool:
    """Return whether a received file is the original under its own signature.

    A signature over the digests of the decoded frames must hold, and one that holds must be one
    of the original's: another object of the same signer, given the same UID, is another object.
    """
    try:
        before = verify_dicom(original, trusted_certificates=trusted_signers)
        after = verify_dicom(
            received, trusted_certificates=trusted_signers, frame_decoder=decoded_frames
        )
    except (DataDamagedError, NotTrustedError):
        return False
    known = {one.signature_uid for one in before.signatures if one.is_valid and not one.location}
    return after.is_valid and any(
        one.signature_uid in known for one in after.signatures if one.is_valid and not one.location
    )
