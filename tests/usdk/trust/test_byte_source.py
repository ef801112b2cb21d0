from __future__ import annotations

import os
import random

import pytest

from usdk.errors import DataDamagedError, StorageError
from usdk.trust.byte_source import CHUNK_BYTES, FileSource, MemorySource

DATA = random.Random(1).randbytes(3 * CHUNK_BYTES + 12345)


@pytest.fixture(params=["memory", "file"])
def source(request, tmp_path):
    if request.param == "memory":
        yield MemorySource(DATA)
        return
    path = tmp_path / "data"
    path.write_bytes(DATA)
    with FileSource(path) as file:
        yield file


def test_any_range_reads_as_it_lies(source):
    choice = random.Random(2)
    for _ in range(300):
        offset = choice.randrange(len(DATA))
        n_bytes = min(choice.choice([0, 1, 4, 12, 5000, 65535, 65536, 65537, 300000]),
                      len(DATA) - offset)  # fmt: skip
        assert source.read(offset, n_bytes) == DATA[offset : offset + n_bytes]
    assert source.read(len(DATA), 0) == b""


@pytest.mark.parametrize(
    ("offset", "n_bytes"), [(-1, 1), (0, -1), (len(DATA), 1), (0, len(DATA) + 1)]
)
def test_beyond_the_ends_is_refused(source, offset, n_bytes):
    with pytest.raises(DataDamagedError, match="beyond the end"):
        source.read(offset, n_bytes)


def test_chunks_join_to_the_range_and_are_short(source):
    for start, stop in ((0, len(DATA)), (5, 5), (7, CHUNK_BYTES + 7), (9, 1000)):
        pieces = list(source.chunks(start, stop))
        assert b"".join(pieces) == DATA[start:stop]
        assert all(len(piece) <= CHUNK_BYTES for piece in pieces)


def test_a_file_that_shrinks_while_it_is_read_is_damaged_data(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(DATA)
    with FileSource(path) as source:
        os.truncate(path, 1000)
        with pytest.raises(DataDamagedError, match="became shorter"):
            source.read(5000, 100)


def test_what_cannot_be_opened_is_a_storage_error(tmp_path):
    for path in (tmp_path / "absent", tmp_path, "a\0b"):
        with pytest.raises(StorageError):
            FileSource(path)


def test_close_may_be_repeated(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    source = FileSource(path)
    source.close()
    source.close()
    with pytest.raises(StorageError, match="cannot read"):
        source.read(0, 1)


def test_the_same_bytes_are_a_file(tmp_path):
    data = bytes(range(256)) * 1000
    path = tmp_path / "a"
    path.write_bytes(data)
    with FileSource(path) as source:
        for file in (source.as_file(), MemorySource(data).as_file()):
            assert file.read() == data
            assert file.read() == b""
            assert file.seek(-10, os.SEEK_END) == len(data) - 10
            assert file.read(4) == data[-10:-6]
            assert file.seek(5) == 5
            assert file.seek(2, os.SEEK_CUR) == 7
            assert file.read(3) == data[7:10]
            assert file.seek(len(data) + 5) == len(data) + 5
            assert file.read() == b""
            with pytest.raises(ValueError, match="negative"):
                file.seek(-1)
        # Two readers of one source do not move each other.
        one, two = source.as_file(), source.as_file()
        one.seek(100)
        assert two.read(1) == data[:1]
