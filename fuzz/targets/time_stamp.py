"""Time stamps: bytes that nobody signed prove no time, and say so by type."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from usdk.errors import NotTrustedError
from usdk.trust.timestamp import check_timestamp, stamp_signature

_SIGNATURE = b"signature"
_NOW = datetime.now(UTC)


def _authority() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Clock")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(_NOW - timedelta(days=1))
        .not_valid_after(_NOW + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


_CERTIFICATE, _KEY = _authority()


def _der(tag: int, content: bytes) -> bytes:
    if len(content) <= 0x7F:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes(4, "big").lstrip(b"\0")
    length = bytes((0x80 | len(size),)) + size
    return bytes((tag,)) + length + content


def _stamp() -> bytes:
    """Return a TimeStampToken over the signature, whose own signature is of other bytes."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(_SIGNATURE)
    algorithm = _der(0x30, bytes.fromhex("0609608648016503040201"))
    imprint = _der(0x30, algorithm + _der(0x04, digest.finalize()))
    when = _der(0x18, _NOW.strftime("%Y%m%d%H%M%SZ").encode())
    info = _der(
        0x30, b"\x02\x01\x01" + bytes.fromhex("06042a030401") + imprint + b"\x02\x01\x07" + when
    )
    token = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(info)
        .add_signer(_CERTIFICATE, _KEY, hashes.SHA256())
        .sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    )
    # PKCS #7 says "data" where a time stamp says "TSTInfo" (1.2.840.113549.1.9.16.1.4).
    data, stamped = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("0609608648016503040201")
    assert data in token
    assert stamped in token
    return token


def seeds() -> list[bytes]:
    """Return a token, an answer that grants it, a refusal, and a certificate."""
    token = _stamp()
    granted = _der(0x30, bytes.fromhex("3003020100") + token)
    return [
        b"\0" + token,
        b"\1" + granted,
        b"\1" + bytes.fromhex("30053003020102"),
        b"\0" + _CERTIFICATE.public_bytes(Encoding.DER),
        b"\0" + base64.b64encode(token),
    ]


def one_input(data: bytes) -> None:
    """Take the rest for a token, or for an authority's answer; neither is ever right."""
    if not data:
        return
    try:
        if data[0] & 1:
            stamp_signature(_SIGNATURE, lambda _: data[1:])
        else:
            check_timestamp(data[1:], _SIGNATURE, [_CERTIFICATE], _NOW)
    except NotTrustedError:
        return
    raise AssertionError("accepted, and no authority stamped it")
