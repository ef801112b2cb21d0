"""A body in the coding ``gzip`` (RFC 9110 section 8.4.1.3, RFC 1952), decoded in passing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from usdk.errors import DataDamagedError

__all__ = ["gunzip"]

PIECE_BYTES = 1 << 16
"""Most that one piece of output holds, however much a piece of input says it holds."""

_GZIP_WINDOW = 31


def gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a body holds, in pieces of at most `PIECE_BYTES`.

    Raises
    ------
    DataDamagedError
        It is not gzip, is cut, or goes on after its end.
    """
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chunks:
        rest = chunk
        while True:
            try:
                piece = inflater.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise DataDamagedError("a body that is not the gzip that it says it is") from error
            rest = inflater.unconsumed_tail
            if piece:
                yield piece
            if not rest and len(piece) < PIECE_BYTES:
                break
        if inflater.unused_data:
            raise DataDamagedError("a gzip body that goes on after its end")
    if not inflater.eof:
        raise DataDamagedError("a gzip body that is cut")
