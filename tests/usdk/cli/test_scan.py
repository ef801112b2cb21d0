from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from usdk.io import describe_recording, load_frames, load_recording

POINTS = "sim:linear-l11-5v?scene=points&frames=4"
QUICK = ("--angles", "0", "--depth-mm", "12")


def test_a_scan_writes_what_was_asked_for_and_nothing_else(usdk: Any, tmp_path: Path) -> None:
    files = {name: tmp_path / f"scan.{name}" for name in ("npz", "usrec", "png", "gif")}
    outcome = usdk(
        *("scan", POINTS, *QUICK, "--frames", "3", "-o", files["npz"]),
        *("--record", files["usrec"], "--png", files["png"], "--cine", files["gif"]),
    )
    assert outcome.status == 0
    assert set(tmp_path.iterdir()) == set(files.values())
    frames = load_frames(files["npz"])
    assert [frame.sequence_number for frame in frames] == [0, 1, 2]
    assert load_recording(files["usrec"]).data.shape[:3] == (3, 1, 128)
    with Image.open(files["png"]) as picture:
        assert picture.height > frames[0].shape[0]
    assert "3 received, 0 lost, 3 beamformed" in outcome.out
    assert "receive" in outcome.err
    assert "/s" in outcome.err


def test_the_points_lie_where_the_scene_has_them(usdk: Any, tmp_path: Path) -> None:
    usdk("scan", POINTS, "--depth-mm", "15", "-o", tmp_path / "scan.npz")
    (frame,) = load_frames(tmp_path / "scan.npz")
    row, column = np.unravel_index(np.argmax(frame.pixels), frame.shape)
    x_m, z_m = frame.position_m(float(row), float(column))
    # The scene's wires stand at x = -8, 0 and 8 mm, at z = 10 mm.
    assert min(abs(x_m - wire_m) for wire_m in (-8e-3, 0.0, 8e-3)) < 0.2e-3
    assert z_m == pytest.approx(10e-3, abs=0.15e-3)


def test_angles_may_begin_with_a_minus(usdk: Any) -> None:
    words = ("scan", POINTS, "--depth-mm", "12", "--json", "--angles")
    assert json.loads(usdk(*words, "-10,0,10").out)["sequence"] == "3 × plane"
    assert json.loads(usdk(*words, "-7.5").out)["sequence"] == "1 × plane"
    assert usdk(*words, "-q").status == 2


def test_two_files_of_one_name_are_refused(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk("scan", POINTS, "-o", tmp_path / "a", "--record", tmp_path / "a")
    assert outcome.status == 2
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_with_130_and_a_recording_that_is_whole(tmp_path: Path) -> None:
    recording = tmp_path / "scan.usrec"
    words = ("scan", POINTS, *QUICK, "--frames", "900", "--record", str(recording))
    process = subprocess.Popen(
        [sys.executable, "-m", "usdk.cli", *words],
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline_s = time.monotonic() + 60
    while not recording.exists() or recording.stat().st_size < 500_000:
        assert time.monotonic() < deadline_s
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "usdk: stopped"
    assert "Traceback" not in err
    described = describe_recording(recording)
    assert described.is_complete
    assert 1 <= described.n_frames < 900


def test_json_is_the_same_summary(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk("scan", POINTS, *QUICK, "--json", "-q", "-o", tmp_path / "scan.npz")
    assert outcome.err == ""
    summary = json.loads(outcome.out)
    assert summary["address"] == POINTS
    assert summary["device"]["serial_number"] == "SIM-1"
    assert summary["probe"]["n_elements"] == 128
    assert (summary["n_frames_received"], summary["n_frames_lost"]) == (1, 0)
    assert summary["files"] == {"output": str(tmp_path / "scan.npz")}
    assert [stage["name"] for stage in summary["stages"]] == ["receive", "beamform", "write"]
    assert summary["interruption"] is None


def test_losses_are_counted_and_said(usdk: Any) -> None:
    address = f"{POINTS}&faults=drop@2,corrupt@4"
    outcome = usdk("scan", address, *QUICK, "--frames", "6", "--json")
    summary = json.loads(outcome.out)
    assert (summary["n_frames_received"], summary["n_frames_lost"]) == (6, 2)
    assert summary["n_packets_lost"] == 1
    assert summary["n_packets_damaged"] == 1
    assert "2 lost" in outcome.err


def test_what_came_before_the_probe_was_unplugged_is_written(usdk: Any, tmp_path: Path) -> None:
    scan, recording = tmp_path / "scan.npz", tmp_path / "scan.usrec"
    outcome = usdk(
        *("scan", f"{POINTS}&faults=unplug@4", *QUICK, "--frames", "9"),
        *("-o", scan, "--record", recording),
    )
    assert outcome.status == 3
    assert "4 frames came and were kept, then the device went away" in outcome.err
    assert "4 received" in outcome.out
    assert len(load_frames(scan)) == 4
    assert load_recording(recording).n_frames == 4


def test_a_probe_that_goes_away_before_the_first_frame_ends_with_3(
    usdk: Any, tmp_path: Path
) -> None:
    outcome = usdk("scan", f"{POINTS}&faults=unplug@0", *QUICK, "-o", tmp_path / "scan.npz")
    assert outcome.status == 3
    assert not (tmp_path / "scan.npz").exists()


@pytest.mark.parametrize("fault", ["silence:1", "stall:1"])
def test_a_probe_that_fails_or_falls_silent_ends_with_4(usdk: Any, fault: str) -> None:
    outcome = usdk("scan", f"{POINTS}&faults={fault}", *QUICK, "--timeout-s", "0.3")
    assert outcome.status == 4
    assert outcome.err.splitlines()[-1].startswith("usdk: ")


def test_a_recording_keeps_its_sequence_and_gives_all_of_its_frames(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    for scheme in ("sim", "file"):
        address = f"{scheme}:{scanned}/scan.usrec"
        outcome = usdk("scan", address, "-o", tmp_path / f"{scheme}.npz", "--json", "-q")
        assert outcome.status == 0, outcome.err
        assert json.loads(outcome.out)["n_frames_received"] == 3
        outcome = usdk("scan", address, "--angles", "0")
        assert (outcome.status, "--angles" in outcome.err) == (2, True)
    one, other = (load_frames(tmp_path / f"{scheme}.npz") for scheme in ("sim", "file"))
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left.pixels, right.pixels)


def test_a_recordings_picture_is_cut_to_the_depth_asked_for(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    words = ("--start-mm", "4", "--depth-mm", "9", "-o", tmp_path / "cut.npz")
    assert usdk("scan", f"file:{scanned}/scan.usrec", *words).status == 0
    raster = load_frames(tmp_path / "cut.npz")[0].raster
    assert raster.z_m == pytest.approx(4e-3)
    assert raster.z_m + (raster.n_rows - 1) * raster.pixel_size_m == pytest.approx(9e-3)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("nowhere",), 2),
        (("nobody:home",), 2),
        (("sim:no-such-probe",), 2),
        (("file:/no/such/file",), 3),
        ((POINTS, "--frames", "0"), 2),
        ((POINTS, "--angles=left,right"), 2),
        ((POINTS, "--angles=95"), 2),
        ((POINTS, "--depth-mm", "-4"), 2),
        ((POINTS, "--depth-mm", "12", "--start-mm", "13"), 2),
        ((POINTS, "--depth-mm", "nan"), 2),
        ((POINTS, "--frames", "1000000"), 2),
        ((POINTS, "--timeout-s", "0"), 2),
        ((POINTS, "--depth-mm", "12", "--gain-db", "inf"), 2),
    ],
)
def test_what_cannot_be_done_is_refused(usdk: Any, words: tuple[str, ...], status: int) -> None:
    outcome = usdk("scan", *words)
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err.splitlines()[-1].startswith("usdk")


def test_a_file_of_another_format_ends_with_5(usdk: Any) -> None:
    outcome = usdk("scan", f"file:{__file__}")
    assert outcome.status == 5


def test_files_that_exist_are_kept_unless_told_otherwise(usdk: Any, tmp_path: Path) -> None:
    path = tmp_path / "scan.npz"
    path.write_text("precious")
    outcome = usdk("scan", POINTS, *QUICK, "-o", path)
    assert outcome.status == 7
    assert "--overwrite" in outcome.err
    assert path.read_text() == "precious"
    assert usdk("scan", POINTS, *QUICK, "-o", path, "--overwrite").status == 0
    assert len(load_frames(path)) == 1


@pytest.mark.parametrize("option", ["-o", "--record", "--png", "--cine"])
def test_a_folder_that_cannot_be_written_is_found_before_the_scan(
    usdk: Any, tmp_path: Path, option: str
) -> None:
    not_a_folder = tmp_path / "file"
    not_a_folder.touch()
    for folder in (not_a_folder, tmp_path / "absent", Path("/proc")):
        outcome = usdk("scan", POINTS, option, folder / "scan.out")
        assert outcome.status == 7
        assert "receive" not in outcome.err


def test_a_disk_that_fills_up_leaves_no_half_file(
    usdk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    outcome = usdk("scan", POINTS, *QUICK, "-o", tmp_path / "scan.npz")
    assert outcome.status == 7
    assert "the disk is full" in outcome.err
    assert list(tmp_path.iterdir()) == []
