"""What was being added as something failed is whole or gone, and never half."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from usdk.errors import StateError, StorageError
from usdk.export.outbox import Event, Outbox, State, intake
from usdk.trust.journal import decode_record, verify_chain
from usdk.trust.journal_folder import journal_lines

Make = Callable[..., bytes]


def forget_the_last_step(folder: Path) -> None:
    """Make the newest object one whose file and row are there, and no word of it."""
    with sqlite3.connect(folder / "outbox.sqlite3") as state:
        state.execute("UPDATE objects SET not_before_s = ?", (float("inf"),))
        state.execute("DELETE FROM events")
    state.close()


def added(box: Outbox) -> list[str]:
    box.flush_journal()
    lines = list(journal_lines(box.journal_folder))
    assert verify_chain(lines).is_whole
    events = [decode_record(line).event for line in lines]
    return [event.uid for event in events if event.action == Event.ADD]


@pytest.fixture
def interrupted(tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an outbox that lost power between the row and the word of it."""
    folder = tmp_path / "box"
    box = Outbox(folder, reserve_bytes=0)
    monkeypatch.setattr("usdk.export.outbox.journalling.Journalling.flush", lambda _: None)
    box.add(make_object())
    box.close()
    monkeypatch.undo()
    forget_the_last_step(folder)
    return folder


def test_an_addition_that_was_whole_on_the_disk_is_queued_on_opening(interrupted: Path) -> None:
    with Outbox(interrupted, reserve_bytes=0) as box:
        [entry] = box.list()
        assert not entry.is_arriving
        assert added(box) == [entry.sop_instance_uid]
        assert len(box.claim()) == 1


@pytest.mark.parametrize("n_bytes", [None, 0, 100])
def test_an_addition_whose_file_did_not_come_to_the_disk_is_forgotten(
    interrupted: Path, n_bytes: int | None
) -> None:
    [file] = [path for path in (interrupted / "objects").iterdir() if len(path.name) == 32]
    if n_bytes is None:
        file.unlink()
    else:
        os.truncate(file, n_bytes)
    with Outbox(interrupted, reserve_bytes=0) as box:
        assert box.list() == []
        assert sum(count.n_objects for count in box.counts().values()) == 0
        assert not [finding for finding in box.doctor(deep=True) if finding.is_problem]
    assert not file.exists()


def test_bytes_that_changed_are_not_taken_for_what_was_added(interrupted: Path) -> None:
    [file] = [path for path in (interrupted / "objects").iterdir() if len(path.name) == 32]
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with Outbox(interrupted, reserve_bytes=0) as box:
        assert box.list() == []


def test_what_arrives_is_nobodys_to_take(tmp_path: Path, make_object: Make) -> None:
    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        uid = box.add(make_object()).sop_instance_uid
        forget_the_last_step(tmp_path / "box")
        assert box.claim() == []
        with pytest.raises(StateError, match="being queued"):
            box.retry(uid)
        assert box.complete_arrivals() == 1
        assert [entry.sop_instance_uid for entry in box.claim()] == [uid]


def test_who_adds_what_another_left_arriving_completes_it(
    tmp_path: Path, make_object: Make
) -> None:
    content = make_object()
    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        box.add(content)
        forget_the_last_step(tmp_path / "box")
        entry = box.add(content)
        assert not entry.is_arriving
        assert box.get(entry.sop_instance_uid) == entry
        assert len(box.claim()) == 1


@pytest.mark.parametrize("n_objects", [1, 3])
def test_a_disk_that_fails_to_synchronise_leaves_nothing_queued(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch, n_objects: int
) -> None:
    main = threading.current_thread()
    synchronise = os.fsync

    def fail(descriptor: int) -> None:
        if threading.current_thread() is not main:
            raise OSError(errno.EIO, "failed")
        synchronise(descriptor)

    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match="reports a failure"):
            box.add_many([make_object() for _ in range(n_objects)])
        monkeypatch.undo()
        assert box.list() == []
        files = [
            path for path in (tmp_path / "box" / "objects").iterdir() if path.suffix != ".lock"
        ]
        assert files == []


def test_what_was_taken_and_has_no_row_yet_counts_against_the_quota(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "N_WRITERS", 2)
    contents = [make_object(n_bytes=20_000) for _ in range(10)]
    quota_bytes = 4 * len(contents[0])
    with Outbox(tmp_path / "box", quota_bytes=quota_bytes, reserve_bytes=0) as box:
        with pytest.raises(StorageError, match="quota"):
            box.add_many(contents)
        counts = box.counts()
        assert counts[State.QUEUED].n_objects == 4
        assert counts[State.QUEUED].n_bytes <= quota_bytes
