"""Whether a signer is trusted: certificate, chain, revocation and time stamp, without I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from usdk.errors import NotTrustedError
from usdk.trust.certificate_trust import certificate_problems, find_chain, name_text
from usdk.trust.cryptography_extra import serialization, x509
from usdk.trust.revocation import revocation_problems
from usdk.trust.timestamp import check_timestamp
from usdk.trust.verification_report import SignatureReport

__all__ = ["CLOCK_TOLERANCE_S", "TrustJudge"]

CLOCK_TOLERANCE_S = 300.0
"""How far in the future a signature's time may lie, and how far after its time stamp, s."""


@dataclass(frozen=True)
class TrustJudge:
    """Whom a relying party trusts, and when.

    Attributes
    ----------
    trusted, intermediates : tuple of certificate
    revocation_lists : tuple of certificate revocation list
    timestamp_authorities : tuple of certificate
        Trusted to vouch for times; time stamps are not examined without any.
    require_timestamp : bool
        Whether a signature without a verified time stamp is refused.
    moment : datetime
        When certificates must be valid, UTC.
    """

    trusted: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    revocation_lists: tuple[x509.CertificateRevocationList, ...]
    timestamp_authorities: tuple[x509.Certificate, ...]
    require_timestamp: bool
    moment: datetime

    def judge(
        self,
        report: SignatureReport,
        certificate: x509.Certificate,
        signature: bytes,
        timestamp: bytes | None,
    ) -> SignatureReport:
        """Return ``report`` with names, chain and time stamp, and with what speaks against it."""
        report = self._with_timestamp(report, signature, timestamp)
        # What was stamped while the certificate was valid stays proven when it expires.
        moment = min(self.moment, report.timestamp_at or self.moment)
        problems = certificate_problems(certificate, moment)
        chain = find_chain(certificate, self.trusted, self.intermediates, moment)
        if not chain:
            problems.append("no certificate that you trust vouches for the signer")
        problems += revocation_problems(chain, self.revocation_lists, self.moment)
        if report.signed_at is not None:
            begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            if not begin <= report.signed_at <= end:
                problems.append("the signer's certificate was not valid when it signed")
            tolerance = timedelta(seconds=CLOCK_TOLERANCE_S)
            if report.signed_at > self.moment + tolerance:
                problems.append("the signature's time lies in the future")
            if report.timestamp_at and report.signed_at > report.timestamp_at + tolerance:
                problems.append("the signature's time lies after its time stamp")
        der = certificate.public_bytes(serialization.Encoding.DER)
        return replace(
            report,
            subject=name_text(certificate.subject),
            issuer=name_text(certificate.issuer),
            certificate_sha256=hashlib.sha256(der).hexdigest(),
            chain=tuple(name_text(one.subject) for one in chain),
            problems=report.problems + tuple(problems),
        )

    def _with_timestamp(
        self, report: SignatureReport, signature: bytes, timestamp: bytes | None
    ) -> SignatureReport:
        problem = None
        if timestamp is None:
            state = report
            problem = "the signature has no time stamp" if self.require_timestamp else None
        elif not self.timestamp_authorities:
            state = replace(report, timestamp="NOT CHECKED")
            if self.require_timestamp:
                problem = "no time-stamping authority is trusted, so the time stamp proves nothing"
        else:
            try:
                when, authority = check_timestamp(
                    timestamp,
                    signature,
                    self.timestamp_authorities,
                    self.moment,
                    self.revocation_lists,
                )
                return replace(
                    report,
                    timestamp="VERIFIED",
                    timestamp_at=when,
                    timestamp_authority=authority,
                )
            except NotTrustedError as error:
                state, problem = replace(report, timestamp="REFUSED"), str(error)
        more = () if problem is None else (problem,)
        return replace(state, problems=state.problems + more)
