"""Verify the digital signatures of a DICOM file (PS3.15 Annex C, PS3.3 C.12.1.1.3)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime

from usdk.errors import ArgumentError
from usdk.trust.byte_source import ByteSource, FileSource, MemorySource
from usdk.trust.certificate_trust import CertificateLike, load_certificates
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.frame_digests import FrameDecoder
from usdk.trust.object_judge import Demands, judge_object
from usdk.trust.revocation import load_revocation_lists
from usdk.trust.signature_profile import PROFILES, Profile
from usdk.trust.trust_judge import TrustJudge
from usdk.trust.verification_report import VerificationReport

__all__ = ["verify_dicom"]


def verify_dicom(
    source: str | os.PathLike[str] | bytes,
    *,
    trusted_certificates: Iterable[CertificateLike],
    intermediate_certificates: Iterable[CertificateLike] = (),
    revocation_lists: Iterable[CertificateLike] = (),
    profile: Profile | Iterable[Profile] | None = "CREATOR",
    allow_uncovered: bool = False,
    frame_decoder: FrameDecoder | None = None,
    timestamp_certificates: Iterable[CertificateLike] = (),
    require_timestamp: bool = False,
    moment: datetime | None = None,
) -> VerificationReport:
    """Judge whether a DICOM file is as it was signed, by a signer that is trusted.

    Every signature must hold, and one of them must cover all of the object: each top-level element
    but group lengths, padding and the signatures themselves. An element of VR UN, or a sequence
    that holds one, cannot be signed and counts as uncovered.

    The preamble, the file meta information, padding and the MAC parameters are not under any
    signature. They must be empty, or hold no more than they are for; the transfer syntax must be
    that of the MAC parameters and, where pixels are compressed, of their first bytes; SOP class
    and instance must be the data set's. Titles of application entities and the version of the
    software that wrote the file can be changed without notice.

    Pixels that were transcoded without loss, by an archive for example, no longer have the bytes
    that were signed. With a ``frame_decoder`` the object is still accepted when a signature by
    `sign_frame_digests` holds, every decoded frame has the digest that it covers, and nothing else
    speaks against the signatures over the former bytes.

    Parameters
    ----------
    source : path-like or bytes
        The file, or all of its bytes.
    trusted_certificates : iterable of bytes or path-like
        Certificates of authorities, or of signers themselves; PEM or DER, or files of these.
    intermediate_certificates : iterable of bytes or path-like
        Authorities between, which are not trusted by themselves.
    revocation_lists : iterable of bytes or path-like
        Certificate revocation lists, PEM or DER. If any is given, each authority in the chain
        must have published one that is not outdated, a time-stamping authority's issuer too; if
        none is, revocation is not checked.
    profile : {"CREATOR", "AUTHORIZATION", "BASE"}, iterable of these or None
        What a signature must cover (PS3.15 C.1 to C.3). Several are demanded of as many signers:
        ``("CREATOR", "AUTHORIZATION")`` refuses an object that lost one of its two signatures.
        PS3.15 has profiles for RSA alone; None accepts signatures by elliptic-curve keys.
    allow_uncovered : bool
        Accept elements that no signature covers, which the report still names, and a preamble,
        padding and file meta information of any content.
    frame_decoder : callable, optional
        Takes the file, open for reading in binary, and yields the decoded pixels of each frame.
        `usdk.dicom.decoded_frames` is one.
    timestamp_certificates : iterable of bytes or path-like
        Self-signed certificates of who vouches for time-stamping authorities. If any is given, each
        time stamp (RFC 3161) must be one of theirs, and a certificate that expired after it is
        still good. If none is, time stamps are not examined.
    require_timestamp : bool
        Refuse signatures without a time stamp that holds.
    moment : datetime, optional
        When certificates must be valid, with its time zone. Now by default; for an archived object
        the time at which it was received. A signer's certificate must also have been valid when
        the signature says it was made.

    Returns
    -------
    VerificationReport
        Valid or not, with the reasons. A file without signatures is not valid: "not signed".

    Raises
    ------
    DataDamagedError
        The bytes are no DICOM file in an Explicit VR Little Endian transfer syntax.
    StorageError
        The file, or that of a certificate, cannot be read.
    ArgumentError
        No trusted certificate is given, a profile is none of these, or ``moment`` has no time
        zone.
    MissingExtraError
        A time stamp is to be examined, and the package for it is not installed.
    """
    demands = Demands(_profiles(profile), allow_uncovered)
    if moment is not None and (not isinstance(moment, datetime) or moment.tzinfo is None):
        raise ArgumentError("moment needs a time zone: datetime.now(UTC)")
    if frame_decoder is not None and not callable(frame_decoder):
        raise ArgumentError("frame_decoder must be a function, such as usdk.dicom.decoded_frames")
    when = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    trusted = load_certificates(trusted_certificates)
    if not trusted:
        raise ArgumentError("give at least one trusted certificate")
    judge = TrustJudge(
        trusted,
        load_certificates(intermediate_certificates),
        load_revocation_lists(revocation_lists),
        load_certificates(timestamp_certificates),
        require_timestamp,
        when,
    )
    if isinstance(source, bytes):
        return _report(MemorySource(source), judge, demands, frame_decoder)
    with FileSource(source) as file:
        return _report(file, judge, demands, frame_decoder)


def _report(
    source: ByteSource, judge: TrustJudge, demands: Demands, decoder: FrameDecoder | None
) -> VerificationReport:
    # The decoder reads the open file that was verified, not what its name may lead to by now.
    decode = None if decoder is None else lambda: decoder(source.as_file())
    return judge_object(read_dicom(source), judge, demands, decode)


def _profiles(profile: Profile | Iterable[Profile] | None) -> tuple[Profile, ...]:
    if profile is None:
        return ()
    if not isinstance(profile, Iterable):
        raise ArgumentError(f"profile must be one or some of {', '.join(PROFILES)}, or None")
    profiles = (profile,) if isinstance(profile, str) else tuple(profile)
    if any(one not in PROFILES for one in profiles) or len(set(profiles)) != len(profiles):
        raise ArgumentError(f"profile must be one or some of {', '.join(PROFILES)}, or None")
    return profiles
