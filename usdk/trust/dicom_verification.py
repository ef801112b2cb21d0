"""Verify the digital signatures of a DICOM file (PS3.15 Annex C, PS3.3 C.12.1.1.3)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from usdk.errors import ArgumentError
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource, FileSource, MemorySource
from usdk.trust.certificate_trust import (
    CertificateLike,
    certificate_problems,
    find_chain,
    load_certificates,
)
from usdk.trust.cryptography_extra import serialization, x509
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_structure import DicomFile, Element, find_element
from usdk.trust.mac_stream import is_outside
from usdk.trust.revocation import load_revocation_lists, revocation_problems
from usdk.trust.signature_check import check_signature, signed_scopes
from usdk.trust.signature_profile import PROFILES, Profile
from usdk.trust.verification_report import SignatureReport, VerificationReport

__all__ = ["CLOCK_TOLERANCE_S", "MAX_SIGNATURES", "NOT_SIGNED", "verify_dicom"]

MAX_SIGNATURES = 64
"""Signatures in one file; each costs a pass over its bytes."""

CLOCK_TOLERANCE_S = 300.0
"""How far in the future a signature's time may lie, in seconds."""

NOT_SIGNED = "not signed"


def verify_dicom(
    source: str | os.PathLike[str] | bytes,
    *,
    trusted_certificates: Iterable[CertificateLike],
    intermediate_certificates: Iterable[CertificateLike] = (),
    revocation_lists: Iterable[CertificateLike] = (),
    profile: Profile = "CREATOR",
    allow_uncovered: bool = False,
    moment: datetime | None = None,
) -> VerificationReport:
    """Judge whether a DICOM file is as it was signed, by a signer that is trusted.

    Every signature must hold, and one of them must cover all of the object: each top-level element
    but group lengths, padding and the signatures themselves. An element of VR UN, or a sequence
    that holds one, cannot be signed and counts as uncovered.

    The preamble and the file meta information are not under any signature. The transfer syntax
    must agree with the MAC parameters, and the SOP class and instance with the data set. A
    certified time stamp is not examined.

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
        must have published one that is not outdated; if none is, revocation is not checked.
    profile : {"CREATOR", "BASE"}
        What at least one signature must cover (PS3.15 C.1, C.2).
    allow_uncovered : bool
        Accept elements that no signature covers; the report still names them.
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
        No trusted certificate is given, ``profile`` is neither, or ``moment`` has no time zone.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile must be one of {', '.join(PROFILES)}")
    if moment is not None and moment.tzinfo is None:
        raise ArgumentError("moment needs a time zone: datetime.now(UTC)")
    when = datetime.now(UTC) if moment is None else moment.astimezone(UTC)
    trusted = load_certificates(trusted_certificates)
    if not trusted:
        raise ArgumentError("give at least one trusted certificate")
    judge = _Judge(
        trusted,
        load_certificates(intermediate_certificates),
        load_revocation_lists(revocation_lists),
        when,
    )
    if isinstance(source, bytes):
        return _report(MemorySource(source), judge, profile, allow_uncovered)
    with FileSource(source) as file:
        return _report(file, judge, profile, allow_uncovered)


class _Judge:
    def __init__(
        self,
        trusted: tuple[x509.Certificate, ...],
        intermediates: tuple[x509.Certificate, ...],
        revocation_lists: tuple[x509.CertificateRevocationList, ...],
        moment: datetime,
    ) -> None:
        self.trusted = trusted
        self.intermediates = intermediates
        self.revocation_lists = revocation_lists
        self.moment = moment

    def judge(self, report: SignatureReport, certificate: x509.Certificate) -> SignatureReport:
        problems = certificate_problems(certificate, self.moment)
        chain = find_chain(certificate, self.trusted, self.intermediates, self.moment)
        if not chain:
            problems.append("no certificate that you trust vouches for the signer")
        problems += revocation_problems(chain, self.revocation_lists, self.moment)
        if report.signed_at is not None:
            begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            if not begin <= report.signed_at <= end:
                problems.append("the signer's certificate was not valid when it signed")
            if report.signed_at > self.moment + timedelta(seconds=CLOCK_TOLERANCE_S):
                problems.append("the signature's time lies in the future")
        der = certificate.public_bytes(serialization.Encoding.DER)
        return replace(
            report,
            subject=certificate.subject.rfc4514_string(),
            issuer=certificate.issuer.rfc4514_string(),
            certificate_sha256=hashlib.sha256(der).hexdigest(),
            problems=report.problems + tuple(problems),
        )


def _report(
    source: ByteSource, judge: _Judge, profile: Profile, allow_uncovered: bool
) -> VerificationReport:
    file = read_dicom(source)
    problems: list[str] = []
    pairs = [(scope, item) for scope in signed_scopes(file.elements) for item in scope.signatures]
    if len(pairs) > MAX_SIGNATURES:
        problems.append(f"more than {MAX_SIGNATURES} signatures")
    signatures: list[SignatureReport] = []
    for scope, item in pairs[:MAX_SIGNATURES]:
        report, certificate = check_signature(file, scope, item)
        signatures.append(report if certificate is None else judge.judge(report, certificate))
    whole = [s for s in signatures if not s.location]
    for number, report in enumerate(signatures, start=1):
        problems += [f"signature {number}: {problem}" for problem in report.problems]
    uncovered = tuple(e.tag for e in file.elements if not is_outside(e.tag))
    if not whole:
        problems.append(NOT_SIGNED)
    else:
        valid = [s.uncovered_tags for s in whole if s.is_valid]
        uncovered = min(valid, key=len, default=uncovered)
        if valid and uncovered and not allow_uncovered:
            problems.append("elements are not under the signature: " + tags.name_tags(uncovered))
        if (
            valid
            and profile == "CREATOR"
            and not any(s.is_valid and s.profile == "CREATOR" for s in whole)
        ):
            problems.append("no signature covers what the Creator RSA profile wants")
        problems += _meta_problems(file)
    return VerificationReport(
        tuple(signatures), uncovered, file.transfer_syntax_uid, judge.moment, tuple(problems)
    )


def _meta_problems(file: DicomFile) -> list[str]:
    """Compare SOP class and instance in the file meta, which is not signed, with the signed."""
    problems = []
    for meta_tag, tag in (
        (tags.MEDIA_STORAGE_SOP_CLASS_UID, tags.SOP_CLASS_UID),
        (tags.MEDIA_STORAGE_SOP_INSTANCE_UID, tags.SOP_INSTANCE_UID),
    ):
        in_meta = _short_value(file, file.meta, meta_tag)
        if in_meta is not None and in_meta != _short_value(file, file.elements, tag):
            problems.append(f"{tags.name_tag(meta_tag)} is not the data set's")
    return problems


def _short_value(file: DicomFile, elements: tuple[Element, ...], tag: int) -> bytes | None:
    element = find_element(elements, tag)
    if element is None:
        return None
    # A UID has at most 64 characters; more cannot be equal to one.
    n_bytes = min(element.n_bytes, 66)
    return file.source.read(element.value_offset, n_bytes)
