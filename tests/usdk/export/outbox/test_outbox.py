from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from usdk.errors import ArgumentError, DataDamagedError, StateError, StorageError
from usdk.export.outbox import Event, FileKeyStore, Outbox, Priority, State
from usdk.export.outbox.outbox import LEASE_S

Make = Callable[..., bytes]


def test_what_is_added_is_read_back_by_path_and_by_bytes(
    outbox: Outbox, make_object: Make, tmp_path: Path
) -> None:
    first, second = make_object(), make_object()
    (tmp_path / "x.dcm").write_bytes(second)
    for entry, plain in ((outbox.add(first), first), (outbox.add(tmp_path / "x.dcm"), second)):
        assert entry.state is State.QUEUED
        with outbox.open(entry) as file:
            assert file.read() == plain


def test_the_same_bytes_again_are_one_object_and_other_bytes_an_error(
    outbox: Outbox, make_object: Make
) -> None:
    plain = make_object(uid="1.2.3.4.5")
    assert outbox.add(plain) == outbox.add(plain)
    with pytest.raises(DataDamagedError, match="other bytes under this SOP Instance UID"):
        outbox.add(make_object(uid="1.2.3.4.5"))
    assert len(outbox.list()) == 1


def test_two_of_one_uid_in_one_group_are_one_object(outbox: Outbox, make_object: Make) -> None:
    plain = make_object()
    entries = outbox.add_many([plain, plain, plain])
    assert len({entry.id for entry in entries}) == 1
    assert len(list((outbox.folder / "objects").glob("?" * 32))) == 1


def test_threads_that_add_share_commits_and_lose_nothing(outbox: Outbox, make_object: Make) -> None:
    plain = [make_object() for _ in range(24)]
    threads = [threading.Thread(target=outbox.add, args=(one,)) for one in plain]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outbox.list()) == 24


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 128 + b"DICM", b"x" * 5000])
def test_what_is_no_dicom_is_refused(outbox: Outbox, content: bytes) -> None:
    with pytest.raises(DataDamagedError):
        outbox.add(content)
    assert not outbox.list()


def test_a_missing_file_is_a_storage_error(outbox: Outbox, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no such file"):
        outbox.add(tmp_path / "absent.dcm")


def test_objects_are_encrypted_and_no_name_is_anywhere(tmp_path: Path, make_object: Make) -> None:
    keys = FileKeyStore.create(tmp_path / "key")
    plain = make_object(n_bytes=600_000)
    with Outbox(tmp_path / "box", keys=keys) as outbox:
        entry = outbox.add(plain)
        with outbox.open(entry) as file:
            assert file.read() == plain
        outbox.claim()
    files = [path for path in (tmp_path / "box").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert b"Must^Not" not in path.read_bytes()
        assert entry.sop_instance_uid not in path.name


def test_the_urgent_go_first_and_the_fresh_before_the_backlog(
    outbox: Outbox, make_object: Make, clock: Any
) -> None:
    old = outbox.add(make_object(study="1.1"))
    clock.pass_s(3600)
    backlog = outbox.add(make_object(study="1.4"), priority=Priority.BACKLOG)
    fresh = outbox.add(make_object(study="1.2"))
    urgent = outbox.add(make_object(study="1.3"), priority=Priority.URGENT)
    order = [outbox.claim()[0].id for _ in range(4)]
    assert order == [urgent.id, fresh.id, old.id, backlog.id]
    assert outbox.claim() == []


def test_a_claim_is_of_one_study_and_of_limited_bytes(outbox: Outbox, make_object: Make) -> None:
    outbox.add_many([make_object(study="1.1", n_bytes=10_000) for _ in range(5)])
    outbox.add(make_object(study="1.2"))
    claimed = outbox.claim(10, max_bytes=32_000)
    assert [entry.study_instance_uid for entry in claimed] == ["1.1"] * 3
    assert {entry.state for entry in claimed} == {State.SENDING}


def test_a_lease_that_ran_out_leaves_the_object_in_doubt_to_another(
    outbox: Outbox, make_object: Make, clock: Any
) -> None:
    outbox.add(make_object())
    (first,) = outbox.claim()
    assert outbox.claim() == []
    clock.pass_s(LEASE_S + 1)
    (second,) = outbox.claim()
    assert second.in_doubt
    with pytest.raises(StateError, match="another process"):
        outbox.settle(first, Event.ACCEPT)
    assert outbox.settle(second, Event.ACCEPT).state is State.ACCEPTED


def test_a_renewed_claim_holds(outbox: Outbox, make_object: Make, clock: Any) -> None:
    outbox.add(make_object())
    claimed = outbox.claim()
    for _ in range(4):
        clock.pass_s(LEASE_S * 0.7)
        outbox.renew(claimed)
    assert outbox.claim() == []
    outbox.settle(claimed[0], Event.ACCEPT)


@pytest.mark.parametrize("jump_s", [-3e8, 3e8])
def test_a_jump_of_the_wall_clock_neither_stops_nor_hastens(
    outbox: Outbox, make_object: Make, clock: Any, jump_s: float
) -> None:
    outbox.add(make_object())
    (entry,) = outbox.claim()
    entry = outbox.settle(entry, Event.RELEASE, delay_s=30)
    clock.wall_s += jump_s
    assert outbox.claim() == []
    clock.pass_s(31)
    (entry,) = outbox.claim()
    assert abs(outbox.age_s(entry) - 31) < 1e-3
    entry = outbox.settle(outbox.settle(entry, Event.ACCEPT), Event.CONFIRM)
    outbox.settle(entry, Event.RETAIN)
    clock.wall_s += jump_s
    assert outbox.purge() == 0


def test_the_recovery_point_is_the_oldest_unconfirmed_and_alarms(
    outbox: Outbox, make_object: Make, clock: Any
) -> None:
    assert outbox.recovery_point().n_unconfirmed == 0
    entry = outbox.add(make_object())
    clock.pass_s(3000)
    outbox.add(make_object())
    point = outbox.recovery_point()
    assert (point.sop_instance_uid, point.n_unconfirmed) == (entry.sop_instance_uid, 2)
    assert not point.alarm
    clock.pass_s(601)
    assert outbox.recovery_point().alarm


def test_confirmed_objects_are_kept_for_their_time_and_known_after(
    outbox: Outbox, make_object: Make, clock: Any
) -> None:
    plain = make_object()
    outbox.add(plain)
    deliver_one(outbox)
    clock.pass_s(29 * 86400)
    assert outbox.purge() == 0
    clock.pass_s(2 * 86400)
    assert outbox.purge() == 1
    assert outbox.add(plain).state is State.PURGED
    assert not list((outbox.folder / "objects").glob("?" * 32))
    assert outbox.counts()[State.PURGED].n_bytes == 0


def deliver_one(outbox: Outbox) -> None:
    (entry,) = outbox.claim()
    entry = outbox.settle(outbox.settle(entry, Event.ACCEPT), Event.CONFIRM)
    outbox.settle(entry, Event.RETAIN)


def test_what_was_never_confirmed_goes_only_by_a_persons_word(
    outbox: Outbox, make_object: Make
) -> None:
    entry = outbox.add(make_object())
    with pytest.raises(StateError, match="only copy"):
        outbox.purge(entry.sop_instance_uid)
    assert outbox.purge(entry.sop_instance_uid, discard=True) == 1
    with pytest.raises(ArgumentError, match="no object"):
        outbox.purge("1.2.3")


def test_a_full_outbox_refuses_and_makes_room_of_confirmed_objects_alone(
    tmp_path: Path, make_object: Make
) -> None:
    with Outbox(tmp_path / "box", quota_bytes=25_000, reserve_bytes=0) as outbox:
        outbox.add_many([make_object(n_bytes=10_000) for _ in range(2)])
        with pytest.raises(StorageError, match="quota of 25000"):
            outbox.add(make_object(n_bytes=10_000))
        assert len(outbox.list()) == 2
        deliver_one(outbox)
        outbox.add(make_object(n_bytes=10_000))
        assert outbox.counts()[State.PURGED].n_objects == 1
        assert outbox.counts()[State.QUEUED].n_objects == 2


def test_a_reserve_of_the_disk_is_kept(tmp_path: Path, make_object: Make) -> None:
    with (
        Outbox(tmp_path / "box", reserve_bytes=1 << 60) as outbox,
        pytest.raises(StorageError, match="are kept free"),
    ):
        outbox.add(make_object())


def test_held_objects_go_again_on_retry_asked_for_first(outbox: Outbox, make_object: Make) -> None:
    entry = outbox.add(make_object())
    (claimed,) = outbox.claim()
    outbox.settle(claimed, Event.REFUSE, reason="no such class")
    held = outbox.list(states=[State.HELD])
    assert held[0].reason == "no such class"
    assert outbox.claim() == []
    outbox.retry(entry.sop_instance_uid, priority=Priority.URGENT)
    (again,) = outbox.claim()
    assert again.in_doubt
    assert again.priority == Priority.URGENT


def test_a_damaged_plain_object_is_never_read_to_its_end(outbox: Outbox, make_object: Make) -> None:
    entry = outbox.add(make_object(n_bytes=300_000))
    path = outbox.folder / "objects" / entry.file
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with outbox.open(entry) as file, pytest.raises(DataDamagedError, match="disk"):
        list(iter(lambda: file.read(10_000), b""))
    with outbox.open(entry) as file:
        file.seek(-10, 2)
        with pytest.raises(DataDamagedError):
            file.read()
    problems = [finding.text for finding in outbox.doctor(deep=True) if finding.is_problem]
    assert any(entry.sop_instance_uid in text for text in problems)


def test_a_lost_file_holds_its_object_and_adding_it_again_mends_it(
    tmp_path: Path, make_object: Make
) -> None:
    plain = make_object()
    with Outbox(tmp_path / "box") as outbox:
        entry = outbox.add(plain)
        (outbox.folder / "objects" / entry.file).unlink()
    with Outbox(tmp_path / "box") as outbox:
        assert outbox.recovery.n_lost == 1
        assert outbox.list()[0].state is State.HELD
        mended = outbox.add(plain)
        assert mended.state is State.QUEUED
        with outbox.open(mended) as file:
            assert file.read() == plain


def test_what_was_confirmed_as_the_process_ended_is_retained(
    tmp_path: Path, make_object: Make
) -> None:
    with Outbox(tmp_path / "box") as outbox:
        outbox.add(make_object())
        (entry,) = outbox.claim()
        outbox.settle(outbox.settle(entry, Event.ACCEPT), Event.CONFIRM)
    with Outbox(tmp_path / "box") as outbox:
        assert outbox.list()[0].state is State.RETAINED


def test_files_without_rows_are_removed_on_opening(tmp_path: Path, make_object: Make) -> None:
    with Outbox(tmp_path / "box") as outbox:
        outbox.add(make_object())
    (tmp_path / "box/objects" / ("0" * 32)).write_bytes(b"orphan")
    (tmp_path / "box/objects" / ("1" * 32 + ".part")).write_bytes(b"half")
    with Outbox(tmp_path / "box") as outbox:
        assert outbox.recovery.n_orphans == 2
        assert outbox.recovery.n_lost == 0


def test_a_closed_outbox_says_so_and_closes_twice(outbox: Outbox, make_object: Make) -> None:
    outbox.close()
    outbox.close()
    with pytest.raises(StateError, match="closed"):
        outbox.add(make_object())


def test_closing_gives_back_what_was_claimed(tmp_path: Path, make_object: Make) -> None:
    with Outbox(tmp_path / "box") as outbox:
        outbox.add(make_object())
        outbox.claim()
    with Outbox(tmp_path / "box") as outbox:
        (entry,) = outbox.claim()
        assert entry.in_doubt


def test_a_damaged_state_is_told(tmp_path: Path) -> None:
    Outbox(tmp_path / "box").close()
    (tmp_path / "box/outbox.sqlite3").write_bytes(b"no database at all" * 500)
    with pytest.raises(DataDamagedError, match="damaged"):
        Outbox(tmp_path / "box")


def test_state_is_synchronised_fully_behind_a_write_ahead_log(outbox: Outbox) -> None:
    connection: sqlite3.Connection = outbox._database._connection
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
