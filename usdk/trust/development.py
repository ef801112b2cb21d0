"""An identity to sign with on a developer's machine, made on first use. Never for patients.

An authority is generated, it issues one signing certificate, and its private key is forgotten:
nothing else can ever be signed in its name. On disk there are three files in a folder of their own
(0700; the key 0600): ``signing-key.pem``, ``signing-certificate.pem`` and
``certificate-authority.pem``. The folder appears whole by one rename, so that of two processes that
race both use the identity of the first.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from usdk.errors import DataDamagedError, NotTrustedError, StorageError
from usdk.trust.cryptography_extra import serialization, x509
from usdk.trust.development_certificates import issue_development_certificates
from usdk.trust.file_key import FileSigner, read_small_file
from usdk.trust.memory_key import RsaSigner
from usdk.trust.signer import Signer

__all__ = [
    "DIRECTORY_VARIABLE",
    "DevelopmentAuthority",
    "DevelopmentKeyWarning",
    "dev_certificate_authority",
    "dev_signer",
    "development_directory",
]

DIRECTORY_VARIABLE = "USDK_DEVELOPMENT_KEYS"
"""Environment variable that names the folder of the development identity."""

_KEY = "signing-key.pem"
_CERTIFICATE = "signing-certificate.pem"
_AUTHORITY = "certificate-authority.pem"


class DevelopmentKeyWarning(UserWarning):
    """The development identity could not be stored and lasts as long as this process."""


@dataclass(frozen=True)
class DevelopmentAuthority:
    """The certificate to verify development signatures with; ``path`` is None if not on disk."""

    certificate_pem: bytes
    path: Path | None

    @property
    def certificate_der(self) -> bytes:
        """The certificate, DER."""
        certificate = x509.load_pem_x509_certificate(self.certificate_pem)
        return certificate.public_bytes(serialization.Encoding.DER)


def dev_signer() -> Signer:
    """Return the development signer, RSA-3072, made on first use (about a second).

    Warns
    -----
    DevelopmentKeyWarning
        The folder cannot be written: the identity is new in each process.

    Raises
    ------
    NotTrustedError
        Others can read or replace the key, or its certificate has expired.
    StorageError
        The folder exists and lacks a file of the identity.
    """
    return _identity()[0]


def dev_certificate_authority() -> DevelopmentAuthority:
    """Return the authority that vouches for `dev_signer`; warns and raises as that does."""
    return _identity()[1]


def development_directory() -> Path:
    """Return the folder of the development identity, whether it exists or not.

    ``USDK_DEVELOPMENT_KEYS`` if it is set; else ``usdk/development`` under ``XDG_DATA_HOME``, or
    under ``~/.local/share``.

    Raises
    ------
    StorageError
        None of them is known, as the user has no home.
    """
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        return Path(named).absolute()
    data = os.environ.get("XDG_DATA_HOME", "")
    # The XDG base directory specification has relative paths ignored.
    if data and Path(data).is_absolute():
        return Path(data) / "usdk" / "development"
    try:
        return Path.home() / ".local" / "share" / "usdk" / "development"
    except RuntimeError as error:
        raise StorageError(f"this user has no home: set {DIRECTORY_VARIABLE}") from error


_Identity = tuple[Signer, DevelopmentAuthority]
_lock = threading.Lock()
_in_memory: list[_Identity] = []


def _identity() -> _Identity:
    with _lock:
        if _in_memory:
            return _in_memory[0]
        try:
            directory = development_directory()
            if not _is_there(directory):
                _create(directory)
        except OSError as error:
            identity = _make_in_memory()
            _in_memory.append(identity)
            warnings.warn(
                f"the development identity cannot be stored ({error.strerror or error}): it lasts"
                f" as long as this process; set {DIRECTORY_VARIABLE} to a folder that can be"
                " written",
                DevelopmentKeyWarning,
                stacklevel=3,
            )
            return identity
        return _load(directory)


def _is_there(directory: Path) -> bool:
    try:
        with os.scandir(directory) as entries:
            return any(entries)
    except FileNotFoundError:
        return False


def _create(directory: Path) -> None:
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        authority, certificate, key = issue_development_certificates()
        _write(made / _AUTHORITY, authority.public_bytes(serialization.Encoding.PEM))
        _write(made / _CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _write(made / _KEY, pem)
        try:
            made.rename(directory)
        except OSError:
            # Another process was first; its folder is not empty, so the rename fails.
            if not _is_there(directory):
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _load(directory: Path) -> _Identity:
    status = directory.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or status.st_uid not in (os.geteuid(), 0):
        raise NotTrustedError(
            "others can write the folder of the development identity: remove the folder, and it"
            " is made anew"
        )
    try:
        signer = FileSigner(directory / _KEY, directory / _CERTIFICATE)
        authority = DevelopmentAuthority(
            read_small_file(directory / _AUTHORITY), directory / _AUTHORITY
        )
        end = x509.load_pem_x509_certificate(authority.certificate_pem).not_valid_after_utc
    except StorageError as error:
        raise StorageError(
            f"the folder of the development identity is not complete ({error}): empty it, or set"
            f" {DIRECTORY_VARIABLE} to a new folder"
        ) from error
    except ValueError as error:
        raise DataDamagedError(
            "a file of the development identity is damaged: remove its folder, and it is made anew"
        ) from error
    if end < datetime.now(UTC):
        raise NotTrustedError(
            "the development identity has expired: remove its folder, and it is made anew"
        )
    return signer, authority


def _make_in_memory() -> _Identity:
    authority, certificate, key = issue_development_certificates()
    pem = authority.public_bytes(serialization.Encoding.PEM)
    return RsaSigner(key, certificate), DevelopmentAuthority(pem, None)
