from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cryptography")

from usdk.errors import DataDamagedError, NotTrustedError
from usdk.export.outbox.keys import FileKeyStore
from usdk.export.outbox.sealed_file import (
    SEAL_CHUNK_BYTES,
    SealedReader,
    SealedWriter,
    sealed_size,
)

EDGES = (0, 1, SEAL_CHUNK_BYTES - 1, SEAL_CHUNK_BYTES, SEAL_CHUNK_BYTES + 1, 3 * SEAL_CHUNK_BYTES)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore.create(tmp_path / "key")


def seal(path: Path, keys: FileKeyStore, plain: bytes, name: str = "name") -> None:
    with path.open("wb") as file:
        writer = SealedWriter(file, keys, name)
        for start in range(0, len(plain), 100_000):
            writer.write(plain[start : start + 100_000])
        writer.finish()


def unseal(path: Path, keys: FileKeyStore, name: str = "name") -> bytes:
    with io.BufferedReader(SealedReader(path.open("rb"), keys, name)) as reader:
        return reader.read()


@pytest.mark.parametrize("n_bytes", EDGES)
def test_what_was_sealed_opens_as_it_was(tmp_path: Path, keys: FileKeyStore, n_bytes: int) -> None:
    plain = bytes(range(256)) * (n_bytes // 256 + 1)
    plain = plain[:n_bytes]
    seal(tmp_path / "x", keys, plain)
    assert (tmp_path / "x").stat().st_size == sealed_size(n_bytes)
    assert unseal(tmp_path / "x", keys) == plain
    assert n_bytes < 100 or plain[:100] not in (tmp_path / "x").read_bytes()


def test_any_byte_that_changes_is_noticed(tmp_path: Path, keys: FileKeyStore) -> None:
    seal(tmp_path / "x", keys, b"p" * 1000)
    whole = (tmp_path / "x").read_bytes()
    for place in range(0, len(whole), 37):
        changed = bytearray(whole)
        changed[place] ^= 1
        (tmp_path / "x").write_bytes(changed)
        with pytest.raises((DataDamagedError, NotTrustedError)):
            unseal(tmp_path / "x", keys)


@pytest.mark.parametrize("n_chunks_kept", [0, 1, 2])
def test_an_end_cut_off_at_a_chunk_is_noticed(
    tmp_path: Path, keys: FileKeyStore, n_chunks_kept: int
) -> None:
    seal(tmp_path / "x", keys, b"p" * (3 * SEAL_CHUNK_BYTES))
    whole = (tmp_path / "x").read_bytes()
    head = sealed_size(0) - 16
    (tmp_path / "x").write_bytes(whole[: head + n_chunks_kept * (SEAL_CHUNK_BYTES + 16)])
    with pytest.raises(DataDamagedError):
        unseal(tmp_path / "x", keys)


def test_a_file_in_anothers_place_does_not_open(tmp_path: Path, keys: FileKeyStore) -> None:
    seal(tmp_path / "x", keys, b"p" * 1000, "one")
    with pytest.raises(DataDamagedError):
        unseal(tmp_path / "x", keys, "another")


def test_without_the_key_the_message_names_its_identifier(
    tmp_path: Path, keys: FileKeyStore
) -> None:
    seal(tmp_path / "x", keys, b"p")
    other = FileKeyStore.create(tmp_path / "other")
    with pytest.raises(NotTrustedError, match=keys.current_id()):
        unseal(tmp_path / "x", other)


@given(st.lists(st.tuples(st.integers(0, 600_000), st.integers(0, 300_000)), max_size=8))
def test_reading_from_anywhere_is_as_of_the_plain_file(
    tmp_path_factory: pytest.TempPathFactory, reads: list[tuple[int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    keys = FileKeyStore.create(folder / "key")
    plain = bytes(i * 7 % 251 for i in range(1000)) * 550
    seal(folder / "x", keys, plain)
    ours = io.BufferedReader(SealedReader((folder / "x").open("rb"), keys, "name"))
    theirs = io.BytesIO(plain)
    with ours:
        for offset, n_bytes in reads:
            ours.seek(offset)
            theirs.seek(offset)
            assert ours.read(n_bytes) == theirs.read(n_bytes)
