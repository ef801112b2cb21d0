from __future__ import annotations

import gzip
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import DataDamagedError
from usdk.export.lines.gzip_body import PIECE_BYTES, gunzip


def pieces(content: bytes, n_bytes: int) -> list[bytes]:
    return [content[at : at + n_bytes] for at in range(0, len(content), n_bytes)]


@given(st.binary(max_size=5000), st.integers(1, 700))
def test_what_was_compressed_comes_out_whatever_the_pieces(content: bytes, n_bytes: int) -> None:
    assert b"".join(gunzip(pieces(gzip.compress(content), n_bytes))) == content


def test_little_input_never_becomes_one_large_piece() -> None:
    bomb = gzip.compress(bytes(20 << 20))
    found = [len(piece) for piece in gunzip([bomb])]
    assert max(found) <= PIECE_BYTES
    assert sum(found) == 20 << 20


@pytest.mark.parametrize("n_cut", [1, 8, 500])
def test_a_cut_body_is_damaged(n_cut: int) -> None:
    with pytest.raises(DataDamagedError, match="cut"):
        list(gunzip([gzip.compress(os.urandom(1000))[:-n_cut]]))


def test_what_is_no_gzip_or_more_than_that_is_damaged() -> None:
    with pytest.raises(DataDamagedError, match="not the gzip"):
        list(gunzip([b"plain bytes, as they are"]))
    with pytest.raises(DataDamagedError, match="goes on"):
        list(gunzip([gzip.compress(b"one") + b"two"]))
