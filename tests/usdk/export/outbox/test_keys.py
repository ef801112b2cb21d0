from __future__ import annotations

from pathlib import Path

import pytest

from usdk.errors import DataDamagedError, NotTrustedError, StorageError
from usdk.export.outbox.keys import CredentialKeyStore, FileKeyStore, KeyStore, key_id_of


def test_a_new_key_file_is_closed_to_others_and_not_replaced(tmp_path: Path) -> None:
    store = FileKeyStore.create(tmp_path / "key")
    assert isinstance(store, KeyStore)
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    assert len(store.key(store.current_id())) == 32
    with pytest.raises(StorageError, match="exists"):
        FileKeyStore.create(tmp_path / "key")


def test_the_first_key_is_current_and_the_others_still_open(tmp_path: Path) -> None:
    old = FileKeyStore.create(tmp_path / "key")
    line = (tmp_path / "key").read_text()
    (tmp_path / "key").write_text("ab" * 32 + "\n" + line)
    new = FileKeyStore(tmp_path / "key")
    assert new.current_id() == key_id_of(b"\xab" * 32) != old.current_id()
    assert new.key(old.current_id()) == old.key(old.current_id())


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    FileKeyStore.create(tmp_path / "key")
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(NotTrustedError, match="others can read"):
        FileKeyStore(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "ab" * 31])
def test_what_is_no_key_is_refused_without_being_quoted(tmp_path: Path, text: str) -> None:
    (tmp_path / "key").write_text(text)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(DataDamagedError) as caught:
        FileKeyStore(tmp_path / "key")
    assert not text or text not in str(caught.value)


def test_a_credential_comes_before_the_variable(tmp_path: Path) -> None:
    (tmp_path / "usdk-outbox-key").write_text("ab" * 32)
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "USDK_OUTBOX_KEY": "cd" * 32}
    assert CredentialKeyStore(environment).current_id() == key_id_of(b"\xab" * 32)
    assert CredentialKeyStore({"USDK_OUTBOX_KEY": "cd" * 32}).current_id() == key_id_of(
        b"\xcd" * 32
    )
    with pytest.raises(StorageError, match="USDK_OUTBOX_KEY"):
        CredentialKeyStore({})
