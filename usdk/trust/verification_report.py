"""What a verification found: a judgement that can be shown, stored or enforced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from usdk.errors import NotTrustedError
from usdk.trust.dicom_tags import tag_text
from usdk.trust.signature_profile import Profile

__all__ = ["Pixels", "SignatureReport", "Timestamp", "VerificationReport"]

Timestamp = Literal["NONE", "NOT CHECKED", "VERIFIED", "REFUSED"]
Pixels = Literal["AS SIGNED", "TRANSCODED", "NOT PROVEN"]


@dataclass(frozen=True)
class SignatureReport:
    """One signature. What could not be read is None, and then `problems` says why.

    Attributes
    ----------
    location : str
        Empty for a signature of the whole object; else the sequence item that it signs.
    signature_uid : str or None
        DigitalSignatureUID.
    mac_id : int or None
        MACIDNumber.
    subject, issuer : str or None
        Names in the signer's certificate, RFC 4514.
    certificate_sha256 : str or None
        SHA-256 of the certificate, hexadecimal.
    signed_at : datetime or None
        The time that the signer claims, UTC.
    timestamp : {"NONE", "NOT CHECKED", "VERIFIED", "REFUSED"}
        Whether a time-stamping authority vouches that the signature existed at `timestamp_at`.
    timestamp_at : datetime or None
        The authority's time, UTC; only where it is verified.
    timestamp_authority : str or None
        Name in the authority's certificate, RFC 4514; only where it is verified.
    key_kind : {"RSA", "ECDSA"} or None
        Of the signer's key.
    algorithm : str or None
        Kind of key with the digest's defined term, for example ``RSA-SHA256``.
    chain : tuple of str
        Names from the signer's certificate to the trusted one; empty if none vouches for it.
    purpose : str or None
        Code of the signature's purpose (PS3.16 CID 7007), if it states one.
    covered_tags, uncovered_tags : tuple of int
        Top-level elements under the signature, and those beside it that are not and could be.
    profiles : tuple of {"BASE", "CREATOR", "AUTHORIZATION"}
        Profiles of PS3.15 Annex C whose demands are met; none by a key that is not RSA.
    problems : tuple of str
        Why the signature does not hold; empty if it does.
    """

    location: str
    signature_uid: str | None = None
    mac_id: int | None = None
    subject: str | None = None
    issuer: str | None = None
    certificate_sha256: str | None = None
    signed_at: datetime | None = None
    timestamp: Timestamp = "NONE"
    timestamp_at: datetime | None = None
    timestamp_authority: str | None = None
    key_kind: str | None = None
    algorithm: str | None = None
    chain: tuple[str, ...] = ()
    purpose: str | None = None
    covered_tags: tuple[int, ...] = ()
    uncovered_tags: tuple[int, ...] = ()
    profiles: tuple[Profile, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the signature holds."""
        return not self.problems

    @property
    def profile(self) -> Profile | None:
        """``CREATOR`` where its demands are met, which hold those of all; else the widest met."""
        return "CREATOR" if "CREATOR" in self.profiles else next(reversed(self.profiles), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows; tags are ``gggg,eeee``."""
        return {
            "location": self.location,
            "is_valid": self.is_valid,
            "signature_uid": self.signature_uid,
            "mac_id": self.mac_id,
            "subject": self.subject,
            "issuer": self.issuer,
            "certificate_sha256": self.certificate_sha256,
            "signed_at": self.signed_at.isoformat() if self.signed_at else None,
            "timestamp": self.timestamp,
            "timestamp_at": self.timestamp_at.isoformat() if self.timestamp_at else None,
            "timestamp_authority": self.timestamp_authority,
            "algorithm": self.algorithm,
            "chain": list(self.chain),
            "purpose": self.purpose,
            "n_covered": len(self.covered_tags),
            "covered_tags": [tag_text(tag) for tag in self.covered_tags],
            "uncovered_tags": [tag_text(tag) for tag in self.uncovered_tags],
            "profile": self.profile,
            "profiles": list(self.profiles),
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class VerificationReport:
    """All signatures of one object, and the judgement over them.

    Attributes
    ----------
    signatures : tuple of SignatureReport
        In the order of the file; those inside sequence items after those of the whole object.
    uncovered_tags : tuple of int
        Top-level elements that the widest valid signature leaves out, though they could change
        without notice. Signatures are not added up: parts of different objects, each signed,
        would pass as one.
    pixels : {"AS SIGNED", "TRANSCODED", "NOT PROVEN"}
        ``TRANSCODED``: another encoding than was signed; each decoded frame has the digest that
        a signature covers, so the content is proven, and signatures over the former bytes are
        superseded. Their reports still say that they do not fit.
    n_frames : int or None
        Frames that are proven: all that the object says it has, under a signature over the pixels,
        or all that were decoded and have their digests. None where none is.
    transfer_syntax_uid : str
        Of the file; the signature is over the bytes in this encoding.
    verified_at : datetime
        The time at which certificates were judged, UTC.
    problems : tuple of str
        Why the object is refused, each signature's problems among them; empty if it is accepted.
    """

    signatures: tuple[SignatureReport, ...]
    uncovered_tags: tuple[int, ...]
    transfer_syntax_uid: str
    verified_at: datetime
    problems: tuple[str, ...]
    pixels: Pixels = "NOT PROVEN"
    n_frames: int | None = None

    @property
    def is_valid(self) -> bool:
        """Whether the object is accepted."""
        return not self.problems

    @property
    def signer(self) -> SignatureReport | None:
        """The widest valid signature of the whole object, or None."""
        valid = [s for s in self.signatures if s.is_valid and not s.location]
        return min(valid, key=lambda s: len(s.uncovered_tags), default=None)

    def require_valid(self) -> VerificationReport:
        """Return this report, or raise `NotTrustedError` with its problems."""
        if self.problems:
            raise NotTrustedError(
                "the DICOM object is refused: "
                + "; ".join(self.problems)
                + ". Ask its sender for the signed original, and do not use this copy"
            )
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return the report in types that JSON knows; tags are ``gggg,eeee``."""
        return {
            "is_valid": self.is_valid,
            "problems": list(self.problems),
            "verified_at": self.verified_at.isoformat(),
            "transfer_syntax_uid": self.transfer_syntax_uid,
            "pixels": self.pixels,
            "n_frames": self.n_frames,
            "uncovered_tags": [tag_text(tag) for tag in self.uncovered_tags],
            "signatures": [signature.to_dict() for signature in self.signatures],
        }
