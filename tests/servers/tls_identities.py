"""An authority and two certificates for TLS on loopback, made anew for each run of the tests."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["TlsIdentities", "TlsIdentity", "issue_tls_identities"]

_VALID = timedelta(days=2)


@dataclass(frozen=True)
class TlsIdentity:
    """Files in PEM: a certificate, its key, and both in one."""

    certificate: Path
    key: Path
    combined: Path


@dataclass(frozen=True)
class TlsIdentities:
    """An authority's certificate, in PEM, and what it issued."""

    authority: Path
    server: TlsIdentity
    client: TlsIdentity

    def client_context(self) -> ssl.SSLContext:
        """Return a context that proves the client and trusts the authority alone."""
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.client.certificate, self.client.key)
        return context

    def server_context(self) -> ssl.SSLContext:
        """Return a context that proves the server and wants a certificate of the authority."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.authority))
        context.load_cert_chain(self.server.certificate, self.server.key)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


def issue_tls_identities(folder: Path) -> TlsIdentities:
    """Write an authority, a server's and a client's identity for localhost into a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _builder("usdk test authority", "usdk test authority", key)
    certificate = authority.add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    ).sign(key, hashes.SHA256())
    path = folder / "authority.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return TlsIdentities(
        path,
        _issue(folder, "server", ExtendedKeyUsageOID.SERVER_AUTH, key),
        _issue(folder, "client", ExtendedKeyUsageOID.CLIENT_AUTH, key),
    )


def _issue(
    folder: Path, name: str, usage: x509.ObjectIdentifier, issuer_key: ec.EllipticCurvePrivateKey
) -> TlsIdentity:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _builder(f"usdk test {name}", "usdk test authority", key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    identity = TlsIdentity(
        folder / f"{name}.pem", folder / f"{name}.key", folder / f"{name}-with-key.pem"
    )
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    identity.certificate.write_bytes(certificate_pem)
    for path, content in ((identity.key, key_pem), (identity.combined, key_pem + certificate_pem)):
        path.touch(mode=0o600)
        path.write_bytes(content)
    return identity


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
    )
