"""Bodies in gzip: the same bytes in any chunks, in bounded pieces, or a typed refusal."""

from __future__ import annotations

import gzip
import zlib

from usdk.errors import DataDamagedError
from usdk.export.lines.gzip_body import PIECE_BYTES, gunzip

_MOST_BYTES = 1 << 22
"""What is read of a body before it is given up, as a reader with a limit does."""

_COMPRESSED = 0x80
"""Of the first byte: the rest is compressed before it is read."""

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return bodies whole, cut, doubled, of one letter, and one to be compressed."""
    whole = gzip.compress(b"a body, a body", mtime=0)
    long = gzip.compress(bytes(1 << 20), mtime=0)
    return [b"\5" + whole, b"\5" + whole[:-3], b"\1" + whole * 2, b"\x7f" + long, b"\x83body"]


def _read(body: bytes, n_bytes: int) -> bytes | None:
    found = bytearray()
    try:
        for piece in gunzip(body[at : at + n_bytes] for at in range(0, len(body), n_bytes)):
            assert 0 < len(piece) <= PIECE_BYTES
            found += piece
            if len(found) > _MOST_BYTES:
                return b""
    except DataDamagedError:
        return None
    return bytes(found)


def one_input(data: bytes) -> None:
    """Read in chunks of the first byte's size, and at once."""
    if not data:
        return
    body, n_bytes = data[1:], (data[0] & ~_COMPRESSED) + 1
    if data[0] & _COMPRESSED:
        packer = zlib.compressobj(wbits=31)
        packed = packer.compress(body) + packer.flush()
        assert _read(packed, n_bytes) == body
    assert _read(body, n_bytes) == _read(body, max(1, len(body)))
