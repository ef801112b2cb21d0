"""What was being added as something failed is whole or gone, and never half."""

from __future__ import annotations

import errno
import io
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from usdk.errors import DataDamagedError, StateError, StorageError
from usdk.export.outbox import Event, Outbox, State, intake
from usdk.export.outbox.adding import Pending
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


def uid_of(content: bytes) -> str:
    return str(dcmread(io.BytesIO(content)).SOPInstanceUID)


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


def test_one_group_is_written_while_the_one_before_is_committed(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "GROUP_OBJECTS", 2)
    is_next_written, groups = threading.Event(), []
    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        commit, entry_of = box._intake._commits._commit, box._intake._entry
        n_written = 0

        def note(*arguments: Any) -> Any:
            nonlocal n_written
            n_written += 1
            if n_written == 4:
                is_next_written.set()
            return entry_of(*arguments)

        def wait_for_the_next(group: Sequence[Pending]) -> None:
            assert is_next_written.wait(30)
            groups.append(len(group))
            commit(group)

        monkeypatch.setattr(box._intake, "_entry", note)
        monkeypatch.setattr(box._intake._commits, "_commit", wait_for_the_next)
        box.add_many([make_object() for _ in range(4)])
        assert groups == [2, 2]
        assert len(added(box)) == 4


@pytest.mark.parametrize("bad", [0, 2, 3, 4, 6])
def test_what_was_begun_beside_one_that_fails_is_kept(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch, bad: int
) -> None:
    monkeypatch.setattr(intake, "GROUP_OBJECTS", 2)
    contents = [make_object() for _ in range(7)]
    contents[bad] = b"no object"
    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        with pytest.raises(DataDamagedError, match="not a DICOM file"):
            box.add_many(contents)
        group = bad // 2
        known = {entry.sop_instance_uid for entry in box.list()}
        uids = [None if n == bad else uid_of(content) for n, content in enumerate(contents)]
        assert known >= {uid for uid in uids[: 2 * group + 2] if uid}
        # What is there is whole, and nothing lies about.
        assert not [finding for finding in box.doctor(deep=True) if finding.is_problem]
        files = list((tmp_path / "box" / "objects").glob("?" * 32))
        assert len(files) == len(known)
        assert sorted(added(box)) == sorted(known)
        box.add_many([content for n, content in enumerate(contents) if n != bad])
        assert {entry.sop_instance_uid for entry in box.list()} == {uid for uid in uids if uid}


def test_a_source_that_fails_leaves_what_came_before_queued(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "GROUP_OBJECTS", 2)

    def source() -> Iterator[bytes]:
        for _ in range(4):
            yield make_object()
        raise KeyError("gone")

    with Outbox(tmp_path / "box", reserve_bytes=0) as box:
        with pytest.raises(KeyError, match="gone"):
            box.add_many(source())
        assert len(box.list()) == 4
