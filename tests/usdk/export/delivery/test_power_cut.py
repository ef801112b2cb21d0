"""Whenever power goes, what was queued is there, what was confirmed is known, the chain whole."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from power_cut import Disk, record

from usdk.export.outbox import FileKeyStore, Outbox, State
from usdk.trust.journal import decode_record, verify_chain
from usdk.trust.journal_folder import journal_lines

N_CUTS = 4000 if os.environ.get("USDK_TEST_WHOLE") else 60
SERVERS = Path(__file__).parents[3] / "servers"
DELIVERED = (State.CONFIRMED, State.RETAINED, State.PURGED)


@pytest.fixture
def cuts() -> Iterator[Path]:
    """A folder in memory, where it can be: a thousand disks are built there."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    )


def test_power_may_go_at_any_call(
    tmp_path: Path, cuts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not can_trace():
        pytest.skip("strace is not installed, or may not trace here")
    monkeypatch.setenv("PYTHONPATH", str(SERVERS), prepend=os.pathsep)
    root, key, marks = tmp_path / "disk", tmp_path / "key", tmp_path / "marks"
    root.mkdir()
    FileKeyStore.create(key)
    arguments = [str(root), str(key), str(marks)]
    program = SERVERS / "power_cut_program.py"
    calls = record(program, arguments, root, marks, tmp_path / "strace.log")
    assert sum(call.verb == "sync" for call in calls) > 100
    chance = random.Random(1)
    moments = sorted(chance.sample(range(1, len(calls) + 1), min(N_CUTS, len(calls))))
    disk, n_done, n_queued = Disk(root), 0, 0
    for number in range(max(1, N_CUTS // len(moments))):
        disk, n_done = Disk(root), 0
        for moment in moments:
            for call in calls[n_done:moment]:
                disk.do(call)
            n_done = moment
            after = cuts / f"{number}-{moment}"
            disk.cut(after, chance)
            n_queued += check_after(after, key, disk.marks)
            shutil.rmtree(after)
    assert n_queued > 0


def check_after(folder: Path, key: Path, marks: list[str]) -> int:
    """Open what a cut left, and compare it with what the program had said by then."""
    queued = {mark.split()[1] for mark in marks if mark.startswith("queued")}
    confirmed = {mark.split()[1] for mark in marks if mark.startswith("confirmed")}
    with Outbox(folder / "box", keys=FileKeyStore(key), reserve_bytes=0) as outbox:
        entries = {entry.sop_instance_uid: entry for entry in outbox.list()}
        assert queued <= entries.keys()
        assert all(entries[uid].state in DELIVERED for uid in confirmed)
        assert all(entry.state is not State.HELD for entry in entries.values())
        problems = [finding for finding in outbox.doctor(deep=True) if finding.is_problem]
        assert not problems
    if entries:
        lines = list(journal_lines(outbox.journal_folder))
        assert verify_chain(lines).is_whole
        events = [decode_record(line).event for line in lines]
        added = [event.uid for event in events if event.action == "add"]
        assert sorted(added) == sorted(entries)
        retained = [event.uid for event in events if event.action == "retain"]
        assert len(set(retained)) == len(retained)
        assert confirmed <= set(retained)
    return len(queued)
