from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from usdk.acquisition import Gap
from usdk.io import describe_recording, load_recording

POINTS = "sim:linear-l11-5v?scene=points&frames=4&seed=3"
QUICK = ("--angles", "0", "--depth-mm", "12")


def test_a_recording_holds_what_the_device_sent(usdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.usrec"
    outcome = usdk("record", POINTS, *QUICK, "-o", path, "--frames", "5", "--json")
    assert outcome.status == 0
    summary = json.loads(outcome.out)
    assert (summary["n_frames_received"], summary["n_frames_lost"]) == (5, 0)
    found = load_recording(path)
    assert found.data.shape[:3] == (5, 1, 128)
    # The device repeats its four frames.
    assert np.array_equal(found.data[0], found.data[4])
    again = usdk("record", f"file:{path}", "-o", tmp_path / "b.usrec")
    assert "5 recorded, 0 lost" in again.out
    assert load_recording(tmp_path / "b.usrec").data.tobytes() == found.data.tobytes()


def test_losses_stand_in_the_recording_where_they_happened(usdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.usrec"
    outcome = usdk(
        "record", f"{POINTS}&faults=drop@2,corrupt@4", *QUICK, "-o", path, "--frames", "4"
    )
    assert "4 recorded, 2 lost" in outcome.out
    found = load_recording(path)
    assert found.sequence_numbers.tolist() == [0, 1, 3, 5]
    assert found.gaps == (
        Gap(first_sequence_number=2, n_frames=1, n_packets_lost=1),
        Gap(first_sequence_number=4, n_frames=1, n_packets_damaged=1),
    )
    # Whoever replays it meets them at the same frames, and records them again.
    usdk("record", f"file:{path}", "-o", tmp_path / "b.usrec")
    assert load_recording(tmp_path / "b.usrec").gaps == found.gaps


def test_what_came_before_an_unplug_is_kept(usdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.usrec"
    outcome = usdk("record", f"{POINTS}&faults=unplug@3", *QUICK, "-o", path)
    assert outcome.status == 3
    assert "3 frames were recorded, then" in outcome.err
    described = describe_recording(path)
    assert (described.n_frames, described.is_complete) == (3, True)


def test_bad_limits_and_existing_files_are_refused_before_the_device_is_opened(
    usdk: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.usrec"
    for words in (("--frames", "0"), ("--seconds", "0"), ("--seconds", "nan")):
        assert usdk("record", "usb:serial=none", "-o", path, *words).status == 2
    path.write_bytes(b"mine")
    assert usdk("record", "usb:serial=none", "-o", path).status == 7
    assert path.read_bytes() == b"mine"


def test_a_time_is_kept(usdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.usrec"
    assert usdk("record", POINTS, *QUICK, "-o", path, "--seconds", "0.01").status == 0
    assert describe_recording(path).n_frames >= 1


def _begin(path: Path) -> subprocess.Popen[bytes]:
    # What is never stopped still ends, and does not fill the disk.
    limit = ("--seconds", "60")
    command = [
        *(sys.executable, "-m", "usdk.cli", "record", f"{POINTS}&realtime=1", *QUICK),
        *("-o", path, "-q", *limit),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # Started in the background, a shell's children are deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline_s = time.monotonic() + 60
    while not path.exists() or path.stat().st_size < 5_000_000:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    return process


def test_ctrl_c_ends_a_recording_well_and_a_kill_loses_no_whole_frame(tmp_path: Path) -> None:
    ended, killed = tmp_path / "ended", tmp_path / "killed"
    with _begin(ended) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert describe_recording(ended).is_complete
    with _begin(killed) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(60)
    found, described = load_recording(killed), describe_recording(killed)
    assert not described.is_complete
    assert found.n_frames == described.n_frames > 4
    assert found.gaps[-1].n_frames <= 1
    assert np.array_equal(found.data[0], found.data[4])
