"""An authority that issues whatever a test needs: good certificates, and every kind of bad one."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
PEM = serialization.Encoding.PEM


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


class TlsAuthority:
    """Issues into a folder; ``parent`` makes it an intermediate authority."""

    def __init__(self, folder: Path, name: str, parent: TlsAuthority | None = None) -> None:
        self.folder = folder
        self.name = name
        self.parent = parent
        self.key = ec.generate_private_key(ec.SECP256R1())
        issuer = self if parent is None else parent
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer.name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=100))
            .not_valid_after(now + timedelta(days=100))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
            .sign(issuer.key, hashes.SHA256())
        )
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self.certificate.public_bytes(PEM))

    def issue(
        self,
        name: str,
        purposes: Sequence[x509.ObjectIdentifier] = (CLIENT,),
        *,
        names: Sequence[str] = ("localhost", "127.0.0.1"),
        begin: timedelta = timedelta(days=-1),
        end: timedelta = timedelta(days=1),
        password: bytes | None = None,
    ) -> tuple[Path, Path]:
        """Return the paths of a certificate, with this authority's after it, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        alternatives: list[x509.GeneralName] = [
            x509.IPAddress(ipaddress.ip_address(one)) if one[0].isdigit() else x509.DNSName(one)
            for one in names
        ]
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(digital_signature=True), critical=True)
        )
        if purposes:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        path, key_path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        path.write_bytes(certificate.public_bytes(PEM) + self.certificate.public_bytes(PEM))
        key_path.touch(mode=0o600)
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password is not None:
            encryption = serialization.BestAvailableEncryption(password)
        key_path.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, encryption))
        return path, key_path

    def revocation_list(
        self,
        *revoked: Path | x509.Certificate,
        begin: timedelta = timedelta(hours=-1),
        end: timedelta = timedelta(days=1),
        name: str = "crl",
    ) -> Path:
        """Return the path of a list that names certificates."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now + begin)
            .next_update(now + end)
        )
        for one in revoked:
            certificate = (
                one
                if isinstance(one, x509.Certificate)
                else x509.load_pem_x509_certificate(one.read_bytes())
            )
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(certificate.serial_number)
                .revocation_date(now - timedelta(minutes=30))
                .build()
            )
        path = self.folder / f"{self.name}-{name}.pem"
        path.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(PEM))
        return path


def usage(**asserted: bool) -> x509.KeyUsage:
    """Return a key usage with these bits alone."""
    bits = dict.fromkeys(
        (
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(**(bits | asserted))
