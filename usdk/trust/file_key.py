"""A signer whose key, RSA or on an elliptic curve, is in a PEM file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from usdk.errors import DataDamagedError, NotTrustedError
from usdk.files import open_regular, storage_errors
from usdk.trust.cryptography_extra import UnsupportedAlgorithm, ec, serialization, x509
from usdk.trust.memory_key import EcSigner, RsaSigner
from usdk.trust.signer import Signer

__all__ = ["MAX_PEM_BYTES", "FileSigner", "read_small_file"]

MAX_PEM_BYTES = 1 << 20
"""Longest key or certificate file that is read."""

_READABLE_BY_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class FileSigner:
    """Sign with the key of a PEM file: RSA, or P-256 or P-384 outside PS3.15's profiles.

    Parameters
    ----------
    key_path : path-like
        PEM private key (PKCS#8, PKCS#1 or SEC 1), readable by its owner alone.
    certificate_path : path-like
        PEM certificate of that key; of several in the file, the first.
    password : bytes, optional
        Password of an encrypted key.

    Raises
    ------
    StorageError
        A file is missing or cannot be read.
    DataDamagedError
        A file is not PEM, or not of a key or certificate.
    NotTrustedError
        Others than the owner can read the key file, the password is missing or wrong, the key is
        neither RSA of 2048 bits or more nor on P-256 or P-384, or key and certificate are not a
        pair.
    """

    def __init__(
        self,
        key_path: str | os.PathLike[str],
        certificate_path: str | os.PathLike[str],
        *,
        password: bytes | None = None,
    ) -> None:
        private_key = _load_key(read_small_file(key_path, private=True), password)
        try:
            certificate = x509.load_pem_x509_certificate(read_small_file(certificate_path))
        except ValueError as error:
            raise DataDamagedError(
                "the certificate file is not a PEM certificate: convert it with"
                " 'openssl x509 -inform DER', or name another file"
            ) from error
        kind = EcSigner if isinstance(private_key, ec.EllipticCurvePrivateKey) else RsaSigner
        self._signer: Signer = kind(private_key, certificate)

    @property
    def certificate_der(self) -> bytes:
        """The X.509 certificate of the key, DER."""
        return self._signer.certificate_der

    def sign_digest(self, digest: bytes, algorithm: str) -> bytes:
        """Sign ``digest``; see `usdk.trust.Signer.sign_digest`."""
        return self._signer.sign_digest(digest, algorithm)


def _load_key(content: bytes, password: bytes | None) -> object:
    encrypted = b"ENCRYPTED" in content
    if encrypted and password is None:
        raise NotTrustedError("the private key is encrypted: give its password")
    try:
        return serialization.load_pem_private_key(content, password if encrypted else None)
    except (ValueError, TypeError) as error:
        if encrypted:
            raise NotTrustedError(
                "the password does not open the private key, or the file is damaged"
            ) from error
        raise DataDamagedError(
            "the key file is not a PEM private key: name the file that holds the private key"
        ) from error
    except UnsupportedAlgorithm as error:
        raise NotTrustedError(
            "the private key is of an algorithm that cannot be used: use an RSA key of 3072 bits"
        ) from error


def read_small_file(path: str | os.PathLike[str], *, private: bool = False) -> bytes:
    """Return the content of a key or certificate file of at most `MAX_PEM_BYTES`.

    With ``private``, the file must belong to this user (or root) and be closed to others, as the
    open file itself says.
    """
    name = Path(os.fsdecode(path)).name if isinstance(path, str | bytes | os.PathLike) else "a file"
    with (
        storage_errors(f"read {name}"),
        os.fdopen(open_regular(path, name), "rb") as file,
    ):
        status = os.fstat(file.fileno())
        if private and status.st_mode & _READABLE_BY_OTHERS:
            raise NotTrustedError(
                f"others can read the private key {name}: run chmod 600 on it,"
                " and replace the key if it was open for long"
            )
        if private and status.st_uid not in (os.geteuid(), 0):
            raise NotTrustedError(
                f"the private key {name} belongs to another user: chown it to the user that signs"
            )
        if status.st_size > MAX_PEM_BYTES:
            raise DataDamagedError(f"{name} is longer than {MAX_PEM_BYTES} bytes: name a PEM file")
        return file.read(MAX_PEM_BYTES)
