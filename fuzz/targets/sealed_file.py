"""Sealed files of the outbox: what opens was sealed with the key; positions keep their bytes."""

from __future__ import annotations

import io
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from scratch_file import scratch_file, scratch_folder

from usdk.errors import DataDamagedError, NotTrustedError
from usdk.export.outbox.keys import FileKeyStore, key_id_of
from usdk.export.outbox.sealed_file import SealedReader, SealedWriter

_NAME = "object"
_HEADER = struct.Struct("<8sB3xI16s32s")
_KEY = bytes(range(32))
_TAG_BYTES = 16


def _keys() -> FileKeyStore:
    path = scratch_folder() / "key"
    if not path.exists():
        path.write_text(_KEY.hex())
        path.chmod(0o600)
    return FileKeyStore(path)


def _sealed(plain: bytes, header: bytes) -> bytes:
    """Encrypt as the header says, with the right key and tags."""
    chunk_bytes = struct.unpack_from("<I", header, 12)[0]
    salt = header[32:64]
    derive = HKDF(hashes.SHA256(), length=32, salt=salt, info=b"usdk outbox object")
    cipher = AESGCM(derive.derive(_KEY))
    n_chunks = max(-(-len(plain) // max(chunk_bytes, 1)), 1)
    found = header
    for number in range(n_chunks):
        nonce = number.to_bytes(11, "big") + bytes((number == n_chunks - 1,))
        piece = plain[number * chunk_bytes : (number + 1) * chunk_bytes]
        found += cipher.encrypt(nonce, piece, header + _NAME.encode())
    return found


def seeds() -> list[bytes]:
    """Return sealed files whole and damaged, and headers to seal plain bytes behind."""
    path = scratch_folder() / "seed"
    with path.open("wb") as file:
        writer = SealedWriter(file, _keys(), _NAME)
        writer.write(b"plain" * 9)
        writer.finish()
    whole = path.read_bytes()
    header = _HEADER.pack(b"USDKSEAL", 1, 7, key_id_of(_KEY).encode(), bytes(32))
    return [b"\0" + whole, b"\0" + whole[:-1], b"\1" + header + b"plain" * 9, b"\1" + header]


def one_input(data: bytes) -> None:
    """Read through, then piece by piece from the end."""
    content, plain = data[1:], None
    if data[:1] == b"\1" and len(content) >= _HEADER.size:
        plain = content[_HEADER.size :]
        content = _sealed(plain, content[: _HEADER.size])
    path = scratch_file(content, "fuzz.sealed")
    with path.open("rb") as file:
        try:
            reader = io.BufferedReader(SealedReader(file, _keys(), _NAME), buffer_size=16)
            found = reader.read()
            size = reader.seek(0, os.SEEK_END)
            assert size == len(found)
            for place in range(size - 1, -1, -max(1, size // 5)):
                reader.seek(place)
                assert reader.read(3) == found[place : place + 3]
        except (DataDamagedError, NotTrustedError):
            return
    assert plain is None or found == plain
