"""Certificates, revocation lists and keys from files: refused by type, or usable."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from scratch_file import scratch_file

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StorageError
from usdk.export.outbox.keys import KEY_BYTES, FileKeyStore
from usdk.trust import FileSigner
from usdk.trust.certificate_trust import (
    certificate_problems,
    find_chain,
    load_certificates,
    name_text,
    parse_certificate,
)
from usdk.trust.revocation import load_revocation_lists, revocation_problems

_NOW = datetime.now(UTC)
_KEY = ec.generate_private_key(ec.SECP256R1())
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fuzz")])
_CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(_NAME)
    .issuer_name(_NAME)
    .public_key(_KEY.public_key())
    .serial_number(1)
    .not_valid_before(_NOW - timedelta(days=1))
    .not_valid_after(_NOW + timedelta(days=30))
    .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    .sign(_KEY, hashes.SHA256())
)
_LIST = (
    x509.CertificateRevocationListBuilder()
    .issuer_name(_NAME)
    .last_update(_NOW)
    .next_update(_NOW + timedelta(days=1))
    .add_revoked_certificate(
        x509.RevokedCertificateBuilder().serial_number(2).revocation_date(_NOW).build()
    )
    .sign(_KEY, hashes.SHA256())
)


def seeds() -> list[bytes]:
    """Return a certificate, a list, and a key, in each coding."""
    key = _KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    found = [b"\2" + key, b"\3" + b"00" * KEY_BYTES + b"\n# a remark\n" + b"01" * KEY_BYTES]
    for encoding in (Encoding.PEM, Encoding.DER):
        found.append(b"\0" + _CERTIFICATE.public_bytes(encoding))
        found.append(b"\1" + _LIST.public_bytes(encoding))
    return found


def one_input(data: bytes) -> None:
    """Read the rest as what the first byte names."""
    if not data:
        return
    content = data[1:]
    with suppress(ArgumentError, DataDamagedError, NotTrustedError, StorageError):
        match data[0] % 4:
            case 0:
                with suppress(NotTrustedError):
                    certificate_problems(parse_certificate(content), _NOW)
                for certificate in load_certificates([content]):
                    read = parse_certificate(certificate.public_bytes(Encoding.DER))
                    name_text(read.subject)
                    certificate_problems(read, _NOW)
                    find_chain(read, [_CERTIFICATE], [read], _NOW)
            case 1:
                lists = load_revocation_lists([content])
                revocation_problems([_CERTIFICATE, _CERTIFICATE], lists, _NOW)
            case 2:
                path = scratch_file(content, "fuzz.pem")
                path.chmod(0o600)
                pem = scratch_file(_CERTIFICATE.public_bytes(Encoding.PEM), "certificate.pem")
                FileSigner(path, pem).sign_digest(bytes(32), "SHA256")
            case _:
                path = scratch_file(content, "fuzz.key")
                path.chmod(0o600)
                store = FileKeyStore(path)
                assert len(store.key(store.current_id())) == KEY_BYTES
