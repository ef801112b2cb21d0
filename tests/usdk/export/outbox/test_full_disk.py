"""A disk that is really full: refused, nothing lost, and delivery goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SERVERS = Path(__file__).parents[3] / "servers"
MOUNT = ["unshare", "--map-root-user", "--mount"]

PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from outbox_fixtures import dicom_object
from usdk.errors import StorageError
from usdk.export.outbox import Event, Outbox, State


def add_until_refused(outbox):
    try:
        while True:
            uids.append(outbox.add(dicom_object(n_bytes=1_000_000)).sop_instance_uid)
    except StorageError as error:
        assert "bring the line back" in str(error) or "the disk is full" in str(error), error


def confirm_all(outbox):
    while claimed := outbox.claim(4):
        for entry in claimed:
            outbox.confirm(outbox.settle(entry, Event.ACCEPT))


uids = []
folder = Path(sys.argv[1])
with Outbox(folder, reserve_bytes=8_000_000) as outbox:
    add_until_refused(outbox)
    n_first = len(uids)
    assert n_first > 10
    # Another program takes what was kept free.
    with (folder.parent / "other").open("wb", buffering=0) as other:
        try:
            while True:
                assert other.write(bytes(65536))
        except OSError:
            pass
    add_until_refused(outbox)
    assert len(uids) == n_first
    try:
        confirm_all(outbox)
    except StorageError as error:
        assert "the disk is full" in str(error), error
    assert not [one for one in outbox.doctor(deep=True) if one.is_problem and "held" in one.text]
    (folder.parent / "other").unlink()
    for entry in outbox.list(states=[State.SENDING]):
        outbox.settle(entry, Event.INTERRUPT)
    confirm_all(outbox)
    assert [entry.sop_instance_uid for entry in outbox.list()] == uids
    assert outbox.counts()[State.RETAINED].n_objects == len(uids)
    # Those that are confirmed give way.
    assert outbox.add(dicom_object(n_bytes=4_000_000)).state is State.QUEUED
    assert outbox.counts()[State.PURGED].n_objects > 0
    assert not [finding for finding in outbox.doctor(deep=True) if finding.is_problem]
print("whole")
"""


def test_a_full_disk_refuses_loses_nothing_and_delivers(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=32m tmpfs "{disk}"'
    try:
        able = subprocess.run([*MOUNT, "sh", "-c", mount], capture_output=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if able.returncode:
        pytest.skip("no file system may be mounted here")
    command = [*MOUNT, "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", PROGRAM]
    ended = subprocess.run(
        [*command, str(disk / "box"), str(SERVERS)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (0, "whole\n"), ended.stderr
