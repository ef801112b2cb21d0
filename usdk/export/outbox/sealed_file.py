"""Objects at rest: AES-256-GCM over chunks, so that any size streams and none is taken on trust.

A sealed file is a header and chunks. Each chunk has its own nonce, of its number and of whether it
is the last, so that chunks cannot be reordered, dropped or cut off unseen (the STREAM construction:
Hoang, Reyhanitabar, Rogaway, Vizár, "Online authenticated-encryption and its nonce-reuse
misuse-resistance", CRYPTO 2015, section 7). The key of a file is derived from the store's key and a
random salt by HKDF-SHA256 (RFC 5869), so that a nonce never meets its key twice. The header and the
file's name are authenticated with every chunk: a file under another's name does not open.

::

    "USDKSEAL" | version u8 | 3 zeros | chunk bytes u32 | key identifier 16 | salt 32
    chunk: ciphertext | tag 16; all chunks but the last are full
"""

from __future__ import annotations

import io
import os
import secrets
import struct
from typing import BinaryIO

from usdk.errors import DataDamagedError, MissingExtraError
from usdk.export.outbox.keys import KeyStore

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
except ImportError as error:
    raise MissingExtraError.for_extra("dicom", "Encryption at rest") from error

__all__ = ["SEAL_CHUNK_BYTES", "SealedReader", "SealedWriter", "sealed_size"]

SEAL_CHUNK_BYTES = 1 << 18
"""Plain bytes of a chunk."""

_HEADER = struct.Struct("<8sB3xI16s32s")
_MAGIC = b"USDKSEAL"
_VERSION = 1
_TAG_BYTES = 16
_MAX_CHUNK_BYTES = 1 << 24


def sealed_size(size_bytes: int) -> int:
    """Return the size on disk of a sealed file of ``size_bytes`` plain bytes."""
    n_chunks = max(-(-size_bytes // SEAL_CHUNK_BYTES), 1)
    return _HEADER.size + size_bytes + n_chunks * _TAG_BYTES


def _cipher(keys: KeyStore, key_id: str, salt: bytes) -> AESGCM:
    derive = HKDF(hashes.SHA256(), length=32, salt=salt, info=b"usdk outbox object")
    return AESGCM(derive.derive(keys.key(key_id)))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")


class SealedWriter:
    """Writes a sealed file: `write` any pieces, then `finish`."""

    def __init__(self, file: BinaryIO, keys: KeyStore, name: str) -> None:
        self._file = file
        self.key_id = keys.current_id()
        salt = secrets.token_bytes(32)
        header = _HEADER.pack(_MAGIC, _VERSION, SEAL_CHUNK_BYTES, self.key_id.encode("ascii"), salt)
        self._bound = header + name.encode()
        self._cipher = _cipher(keys, self.key_id, salt)
        self._pending: bytes | memoryview = b""
        self._number = 0
        file.write(header)

    def write(self, data: bytes) -> None:
        """Seal more plain bytes."""
        rest = memoryview(b"".join((self._pending, data)) if self._pending else data)
        # A full chunk waits for the next byte: the last one must be marked.
        while len(rest) > SEAL_CHUNK_BYTES:
            self._seal(rest[:SEAL_CHUNK_BYTES], is_last=False)
            rest = rest[SEAL_CHUNK_BYTES:]
        self._pending = rest

    def finish(self) -> None:
        """Seal what is left as the last chunk."""
        self._seal(self._pending, is_last=True)

    def _seal(self, plain: bytes | memoryview, *, is_last: bool) -> None:
        nonce = _nonce(self._number, is_last)
        self._file.write(self._cipher.encrypt(nonce, plain, self._bound))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads a sealed file as the plain one; seekable.

    Raises
    ------
    DataDamagedError
        On opening or reading: the file is cut, changed, or was put in another's place.
    NotTrustedError
        Its key is not in the store.
    """

    def __init__(self, file: BinaryIO, keys: KeyStore, name: str) -> None:
        super().__init__()
        self._file = file
        header = file.read(_HEADER.size)
        if len(header) != _HEADER.size or header[:8] != _MAGIC:
            raise DataDamagedError("a sealed object has no header: its file is damaged")
        _, version, self._chunk_bytes, key_id, salt = _HEADER.unpack(header)
        if version != _VERSION or not 0 < self._chunk_bytes <= _MAX_CHUNK_BYTES:
            raise DataDamagedError("a sealed object is of another version: update usdk")
        self._bound = header + name.encode()
        self._cipher = _cipher(keys, key_id.decode("ascii", "replace"), salt)
        stored = os.fstat(file.fileno()).st_size - _HEADER.size
        self._n_chunks = max(-(-stored // (self._chunk_bytes + _TAG_BYTES)), 1)
        self._size = stored - self._n_chunks * _TAG_BYTES
        self._position = 0
        self._number = -1
        self._plain = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the plain file."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position in the plain file."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read at most what is left of one chunk."""
        if self._position >= self._size and self._number == self._n_chunks - 1:
            return 0
        number = min(self._position // self._chunk_bytes, self._n_chunks - 1)
        self._open_chunk(number)
        start = self._position - number * self._chunk_bytes
        piece = self._plain[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _open_chunk(self, number: int) -> None:
        if number == self._number:
            return
        self._file.seek(_HEADER.size + number * (self._chunk_bytes + _TAG_BYTES))
        sealed = self._file.read(self._chunk_bytes + _TAG_BYTES)
        try:
            nonce = _nonce(number, number == self._n_chunks - 1)
            self._plain = self._cipher.decrypt(nonce, sealed, self._bound)
        except (InvalidTag, ValueError) as error:
            raise DataDamagedError(
                "a sealed object is damaged on this unit's disk: export it again from its source"
            ) from error
        self._number = number

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._file.close()
        super().close()
