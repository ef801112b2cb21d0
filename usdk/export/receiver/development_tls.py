"""An authority for TLS on a developer's machine: for the loopback receiver and the example cloud.

Its key stays in its folder, so that units can be added and revoked. Never for patients.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from usdk.errors import ArgumentError, DataDamagedError
from usdk.export.lines.tls_certificates import Role
from usdk.files import storage_errors
from usdk.trust.cryptography_extra import (
    ExtendedKeyUsageOID,
    NameOID,
    hashes,
    serialization,
    x509,
)
from usdk.trust.development_certificates import MARK
from usdk.trust.file_key import read_small_file

__all__ = ["DevelopmentTls"]

_PURPOSE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_BACKDATED = timedelta(days=1)
_VALID = timedelta(days=365)
_PEM = serialization.Encoding.PEM


class DevelopmentTls:
    """Issues TLS certificates for this machine, on curve P-256, into one folder (0700).

    An authority that is in the folder already is used again.

    Parameters
    ----------
    folder : path-like
        Holds ``authority.pem``, ``authority.key``, ``revocation-list.pem``, and of each name issued
        ``<name>.pem`` and ``<name>.key``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.authority = self.folder / "authority.pem"
        self.revocation_list = self.folder / "revocation-list.pem"
        with storage_errors("make the folder for TLS"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.authority.exists():
            self._load()
        else:
            self._make()

    def issue(self, name: str, role: Role, *, addresses: Sequence[str] = ()) -> tuple[Path, Path]:
        """Return the paths of a new certificate and its key; the common name is ``name``.

        A server's is for this machine's own names, and for ``addresses`` (IPv4 or IPv6) besides.

        Raises
        ------
        ArgumentError
            The name is one of the authority's own files, or not letters, digits and hyphens; an
            address is none.
        """
        if name in ("authority", self.revocation_list.stem) or not _NAME.fullmatch(name):
            raise ArgumentError("name must be letters, digits and hyphens, and not the authority's")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._certificate.subject, key)
        if role == "server":
            reached_by = dict.fromkeys(("127.0.0.1", *addresses))
            try:
                numbers = [x509.IPAddress(ipaddress.ip_address(one)) for one in reached_by]
            except ValueError as error:
                raise ArgumentError("addresses must be IPv4 or IPv6 addresses") from error
            names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *numbers])
            builder = builder.add_extension(names, critical=False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([_PURPOSE[role]]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path, key_path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        _write(path, certificate.public_bytes(_PEM))
        _write(key_path, _private(key))
        return path, key_path

    def revoke(self, *certificates: Path) -> Path:
        """Add certificates to the revocation list, and return its path."""
        revoked = [
            x509.load_pem_x509_certificate(read_small_file(path)).serial_number
            for path in certificates
        ]
        if self.revocation_list.exists():
            known = x509.load_pem_x509_crl(read_small_file(self.revocation_list))
            revoked += [one.serial_number for one in known]
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - _BACKDATED)
            .next_update(now + _VALID)
        )
        for serial_number in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial_number)
                .revocation_date(now - _BACKDATED)
                .build()
            )
        _write(self.revocation_list, builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM))
        return self.revocation_list

    def _make(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _name("TLS authority")
        self._certificate = (
            _builder(subject, subject, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        _write(self.folder / "authority.key", _private(self._key))
        _write(self.authority, self._certificate.public_bytes(_PEM))
        self.revoke()

    def _load(self) -> None:
        pem = read_small_file(self.folder / "authority.key", private=True)
        try:
            self._certificate = x509.load_pem_x509_certificate(read_small_file(self.authority))
            key = serialization.load_pem_private_key(pem, None)
        except (TypeError, ValueError) as error:
            raise DataDamagedError(
                "the development authority for TLS is damaged: remove its folder"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise DataDamagedError("the folder holds the key of another authority: name another")
        self._key = key


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, MARK),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(path: Path, content: bytes) -> None:
    with (
        storage_errors("write a certificate or key"),
        os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb"
        ) as file,
    ):
        file.write(content)
