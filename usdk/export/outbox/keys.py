"""Key stores: where the keys come from that encrypt objects at rest."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from usdk.errors import DataDamagedError, NotTrustedError, StorageError
from usdk.files import atomic_file
from usdk.trust.file_key import read_small_file

__all__ = ["KEY_BYTES", "CredentialKeyStore", "FileKeyStore", "KeyStore", "key_id_of"]

KEY_BYTES = 32
"""Length of a key: AES-256."""

KEY_VARIABLE = "USDK_OUTBOX_KEY"
CREDENTIAL_NAME = "usdk-outbox-key"


@runtime_checkable
class KeyStore(Protocol):
    """Keys by their identifier; the current one encrypts what is new."""

    def current_id(self) -> str:
        """Return the identifier of the key for new objects."""
        ...

    def key(self, key_id: str) -> bytes:
        """Return a key of `KEY_BYTES`; `NotTrustedError` when it is not held."""
        ...


def key_id_of(key: bytes) -> str:
    """Return the identifier of a key: it tells which key, and nothing of it."""
    return hashlib.sha256(b"usdk outbox key identifier" + key).hexdigest()[:16]


class _Keys:
    """Keys in memory, the current one first."""

    def __init__(self, text: bytes, source: str) -> None:
        keys = [_key(line, source) for line in text.split() if not line.startswith(b"#")]
        if not keys:
            raise DataDamagedError(f"{source} holds no key: one line of 64 hexadecimal digits")
        self._current = key_id_of(keys[0])
        self._keys = {key_id_of(key): key for key in keys}

    def current_id(self) -> str:
        """Return the identifier of the first key."""
        return self._current

    def key(self, key_id: str) -> bytes:
        """Return a key; `NotTrustedError` when it is not held."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise NotTrustedError(
                f"the key {key_id} that opens this object is not in the key store: add its line"
                " again, below the current key"
            ) from None


class FileKeyStore(_Keys):
    """Keys in a file that its owner alone can read: a key a line, the current one first.

    Each line is 64 hexadecimal digits. A new key goes on top; the old ones below still open what
    they encrypted.

    Raises
    ------
    StorageError
        The file is missing or cannot be read.
    NotTrustedError
        Others can read it.
    DataDamagedError
        A line is no key.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(read_small_file(path, private=True), "the key file")

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> FileKeyStore:
        """Make a new key file, and open it; `StorageError` if the file exists."""
        previous = os.umask(0o077)
        try:
            with atomic_file(path, overwrite=False, name="the key file") as (file, _):
                file.write(secrets.token_hex(KEY_BYTES).encode("ascii") + b"\n")
        finally:
            os.umask(previous)
        return cls(path)


class CredentialKeyStore(_Keys):
    """Keys handed over by the system: a systemd credential, or an environment variable.

    The file ``usdk-outbox-key`` in ``$CREDENTIALS_DIRECTORY`` (systemd's ``LoadCredential=`` and
    ``LoadCredentialEncrypted=``), else the variable ``USDK_OUTBOX_KEY``; both as in a key file.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        environment = os.environ if environment is None else environment
        folder = environment.get("CREDENTIALS_DIRECTORY", "")
        if folder and (Path(folder) / CREDENTIAL_NAME).is_file():
            super().__init__(read_small_file(Path(folder) / CREDENTIAL_NAME), "the credential")
        elif environment.get(KEY_VARIABLE):
            super().__init__(environment[KEY_VARIABLE].encode(), f"the variable {KEY_VARIABLE}")
        else:
            raise StorageError(
                f"no key: pass the credential {CREDENTIAL_NAME} or set {KEY_VARIABLE}"
            )


def _key(line: bytes, source: str) -> bytes:
    try:
        key = bytes.fromhex(line.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise DataDamagedError(f"{source} has a line that is not 64 hexadecimal digits")
    return key
