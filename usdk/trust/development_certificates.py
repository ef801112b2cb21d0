"""The two certificates of the development identity (RFC 5280), marked as what they are."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from usdk.trust.cryptography_extra import NameOID, hashes, rsa, x509

__all__ = ["MARK", "issue_development_certificates"]

MARK = "DEVELOPMENT ONLY - NOT FOR PATIENTS"
"""Stands in the subject of both certificates."""

_KEY_BITS = 3072
_BACKDATED = timedelta(days=1)
"""Clocks differ, and some readers skip the offset of a signature's local time."""

_VALID = timedelta(days=5 * 365)


def issue_development_certificates() -> tuple[
    x509.Certificate, x509.Certificate, rsa.RSAPrivateKey
]:
    """Return a new authority's certificate, a signing certificate it issued, and that one's key.

    The authority's own key is not returned, so that it issues nothing else.
    """
    authority_key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    # A subject of its own for each, as trust stores look authorities up by name.
    number = secrets.token_hex(4)
    authority_name = _name(f"{MARK} authority {number}")
    now = datetime.now(UTC).replace(microsecond=0)
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        _builder(authority_name, authority_name, authority_key, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_name(f"{MARK} signer {number}"), authority_name, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    return authority, certificate, key


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, MARK),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
