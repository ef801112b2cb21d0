"""Whether a certificate may sign medical objects, and who vouches for it: decisions without I/O.

Paths are built by ``cryptography.x509.verification``; what PS3.15 and RFC 5280 leave to the relying
party is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError
from usdk.trust.cryptography_extra import (
    ExtendedKeyUsageOID,
    verification,
    x509,
)
from usdk.trust.file_key import read_small_file
from usdk.trust.public_key import key_problem

__all__ = [
    "MAX_CHAIN_DEPTH",
    "CertificateLike",
    "certificate_problems",
    "find_chain",
    "load_certificates",
    "name_text",
    "parse_certificate",
]

MAX_CHAIN_DEPTH = 4
"""Intermediate authorities between a signing certificate and a trusted one."""

CertificateLike = bytes | str | os.PathLike[str]
"""PEM (one or several certificates) or DER as bytes, or the path of such a file."""

_T = TypeVar("_T", bound=x509.ExtensionType)
_PEM_MARK = b"-----BEGIN"
_TLS_PURPOSES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
_OTHER_PURPOSES = (
    ExtendedKeyUsageOID.CODE_SIGNING,
    ExtendedKeyUsageOID.TIME_STAMPING,
    ExtendedKeyUsageOID.OCSP_SIGNING,
    ExtendedKeyUsageOID.SMARTCARD_LOGON,
    ExtendedKeyUsageOID.KERBEROS_PKINIT_KDC,
    ExtendedKeyUsageOID.IPSEC_IKE,
    ExtendedKeyUsageOID.CERTIFICATE_TRANSPARENCY,
)
# Its holder's key may make RSASSA-PSS signatures and no other (RFC 4055, section 1.2).
_RSASSA_PSS = x509.ObjectIdentifier("1.2.840.113549.1.1.10")


def parse_certificate(der: bytes) -> x509.Certificate:
    """Return the certificate and its extensions read, or raise `NotTrustedError`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()
        certificate.subject.rfc4514_string()
        certificate.issuer.rfc4514_string()
        # The parser is lazy: each of these may still find the bytes to be malformed.
        _ = (
            certificate.extensions,
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    except Exception as error:
        # The library has many errors for hostile bytes, some of them direct heirs of Exception.
        raise NotTrustedError("the signer's certificate cannot be read") from error
    # The parser takes a signature with "unused bits": one certificate would have two encodings.
    if der[-len(certificate.signature) - 1] != 0:
        raise NotTrustedError("the signer's certificate is not DER")
    return certificate


def load_certificates(sources: Iterable[CertificateLike]) -> tuple[x509.Certificate, ...]:
    """Return all certificates of files or bytes, in order.

    Raises
    ------
    ArgumentError
        ``sources`` is one source instead of an iterable of them.
    StorageError, DataDamagedError
        A file cannot be read, or holds no certificate.
    """
    is_one = isinstance(sources, bytes | bytearray | memoryview | str | os.PathLike)
    if is_one or not isinstance(sources, Iterable):
        raise ArgumentError("give a list of certificates, not a single one")
    found: list[x509.Certificate] = []
    for source in sources:
        content = source if isinstance(source, bytes) else read_small_file(source)
        try:
            if _PEM_MARK in content:
                found += x509.load_pem_x509_certificates(content)
            else:
                found.append(x509.load_der_x509_certificate(content))
        except (ValueError, x509.InvalidVersion) as error:
            raise DataDamagedError(
                "a trusted certificate is neither PEM nor DER: name another file"
            ) from error
    return tuple(found)


def certificate_problems(certificate: x509.Certificate, moment: datetime) -> list[str]:
    """Return why ``certificate`` may not sign at ``moment``; empty if it may.

    Extended key usages narrow what a certificate is for (RFC 5280, section 4.2.1.12). One for TLS
    signs nothing here, nor does one that has only others that are not for signing documents, such
    as programs or time stamps. Absent, it narrows nothing.
    """
    weakness = key_problem(certificate.public_key())
    problems = [] if weakness is None else [weakness]
    if certificate.public_key_algorithm_oid == _RSASSA_PSS:
        problems.append("the signer's key is for RSASSA-PSS alone, which PS3.15 does not use")
    if moment < certificate.not_valid_before_utc:
        problems.append(f"the signer's certificate is not yet valid at {_text(moment)}")
    if moment > certificate.not_valid_after_utc:
        problems.append(f"the signer's certificate has expired at {_text(moment)}")
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        problems.append("the signer's certificate does not assert the key usage digitalSignature")
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints is not None and constraints.ca:
        problems.append("the signer's certificate is a certificate authority's")
    extended = _extension(certificate, x509.ExtendedKeyUsage)
    if extended is not None and any(purpose in extended for purpose in _TLS_PURPOSES):
        problems.append("the signer's certificate is for TLS, not for signing objects")
    elif extended is not None and all(purpose in _OTHER_PURPOSES for purpose in extended):
        problems.append("the signer's certificate is for another purpose than signing objects")
    return problems


def name_text(name: x509.Name) -> str:
    """Return a name by RFC 4514, with what cannot be printed escaped.

    A certificate of anyone may hold line ends, terminal controls and marks that turn the direction
    of text; a report that shows them would say what its reader is made to see.
    """
    text = name.rfc4514_string()
    return "".join(
        one if one.isprintable() else "".join(f"\\{byte:02X}" for byte in one.encode())
        for one in text
    )


def find_chain(
    certificate: x509.Certificate,
    trusted: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    moment: datetime,
) -> list[x509.Certificate]:
    """Return ``certificate`` and its authorities up to a trusted one; empty if none vouches for it.

    An authority must assert basicConstraints CA and the key usage keyCertSign, and be valid at
    ``moment``, the trusted one included. A signing certificate that is itself in ``trusted`` needs
    no other.
    """
    if certificate in trusted:
        return [certificate]
    try:
        verified = (
            verification.PolicyBuilder()
            .store(verification.Store(list(trusted)))
            .time(moment)
            .max_chain_depth(MAX_CHAIN_DEPTH)
            .extension_policies(
                ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
                ee_policy=verification.ExtensionPolicy.permit_all(),
            )
            .build_client_verifier()
            .verify(certificate, list(intermediates))
        )
    except (verification.VerificationError, ValueError):
        return []
    return verified.chain


def _extension(certificate: x509.Certificate, kind: type[_T]) -> _T | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
