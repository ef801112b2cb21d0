"""Multipart bodies: the same parts in any chunks, or a typed refusal; heads are bounded."""

from __future__ import annotations

import io

from usdk.errors import DataDamagedError
from usdk.export.lines.multipart import MAX_PART_HEADER_BYTES, Multipart, boundary_of, read_parts

_BOUNDARY = b"b0"
_TYPE = 'multipart/related; type="application/dicom"; boundary='

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return bodies of none to three parts, and Content-Types."""
    found = []
    for contents in ([], [b"one"], [b"one", b"", b"\r\n--b\r\n" * 3]):
        body = Multipart([(len(c), lambda c=c: io.BytesIO(c)) for c in contents])  # type: ignore[misc]
        found.append(b"\x05" + b"".join(body).replace(body.boundary.encode(), _BOUNDARY))
    return [*found, b"\0" + _TYPE.encode() + b'"b0"', b"\0" + _TYPE.encode() + b"b0; charset=x"]


def _parts(body: bytes, n_bytes: int, *, skips: bool) -> list[tuple[dict[str, str], bytes]] | None:
    chunks = (body[place : place + n_bytes] for place in range(0, len(body), n_bytes))
    found = []
    try:
        for part in read_parts(chunks, _BOUNDARY):
            assert sum(map(len, part.headers)) <= 2 * MAX_PART_HEADER_BYTES
            found.append((part.headers, b"" if skips else b"".join(part.content)))
    except DataDamagedError:
        return None
    return found


def one_input(data: bytes) -> None:
    """Read a body in chunks of the first byte's size, at once, and skipping; 0 is a type."""
    if not data:
        return
    if data[0] == 0:
        try:
            boundary = boundary_of(data[1:].decode("latin-1"))
        except DataDamagedError:
            return
        assert 1 <= len(boundary) <= 70
        return
    body = data[1:]
    parts = _parts(body, data[0], skips=False)
    assert parts == _parts(body, max(1, len(body)), skips=False)
    heads = _parts(body, data[0], skips=True)
    assert (heads is None) == (parts is None)
    if heads is not None and parts is not None:
        assert [head for head, _ in heads] == [head for head, _ in parts]
