"""Many small DICOM objects, signed by a unit's key, and the authority that vouches for it."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from outbox_fixtures import dicom_object
from pydicom.uid import generate_uid

from usdk.trust import RsaSigner, sign_dicom
from usdk.trust.development_certificates import issue_development_certificates

__all__ = ["SignedObjects"]

N_PER_STUDY = 20


class SignedObjects:
    """Signs; ``authority`` is the path of who vouches."""

    def __init__(self, folder: Path) -> None:
        authority, certificate, key = issue_development_certificates()
        self.authority = folder / "signers.pem"
        self.authority.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        self._signer = RsaSigner(key, certificate)
        self._scratch = folder / "unsigned.dcm"

    def make(self, n: int, *, n_bytes: int) -> dict[str, bytes]:
        """Return objects of ``n_bytes`` of pixels each, by UID, `N_PER_STUDY` a study."""
        return {
            (uid := str(generate_uid(prefix=None))): self.sign(
                dicom_object(study=f"1.2.{number // N_PER_STUDY + 1}", n_bytes=n_bytes, uid=uid)
            )
            for number in range(n)
        }

    def sign(self, content: bytes) -> bytes:
        """Return a DICOM file with a signature."""
        self._scratch.write_bytes(content)
        sign_dicom(self._scratch, self._scratch, self._signer)
        return self._scratch.read_bytes()
