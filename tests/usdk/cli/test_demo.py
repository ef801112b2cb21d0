from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops
from pydicom import dcmread

from usdk.trust import dev_certificate_authority, verify_dicom

DATA = Path(__file__).parents[3] / "tests" / "data"
MUSCLE = DATA / "soleym" / "rf_dataset.hdf5"
DISK = DATA / "pymust" / "PWI_disk.mat"
FILES = {"bmode.png", "cine.gif", "bmode.dcm", "cine.dcm"}
COLOUR_FILES = {"colour.png", "colour.dcm"}


@pytest.fixture(scope="module")
def played(scanned: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A demo of both recordings in a process of its own, after one that filled the caches."""
    if not (MUSCLE.exists() and DISK.exists()):
        pytest.skip("the recordings are not in this checkout")
    folder = tmp_path_factory.mktemp("demo") / "made" / "here"
    words = ["demo", "--output", str(folder), "--still", str(MUSCLE), "--cine", str(DISK)]
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "usdk.cli", *words, "--json"],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.slow
def test_the_demo_of_recordings_writes_six_files_that_hold(played: tuple[Path, Any]) -> None:
    folder, summary = played
    assert {path.name for path in folder.iterdir()} == FILES | COLOUR_FILES
    assert summary["n_frames_received"] == summary["n_frames_beamformed"] == 33
    assert summary["n_frames_lost"] == 0
    assert summary["signature"] == "verified"
    assert summary["development_key"] is True
    trusted = [dev_certificate_authority().certificate_pem]
    for name in ("bmode.dcm", "cine.dcm", "colour.dcm"):
        assert verify_dicom(folder / name, trusted_certificates=trusted).is_valid
    still, cine = dcmread(folder / "bmode.dcm"), dcmread(folder / "cine.dcm")
    assert still.SOPClassUID.name == "Ultrasound Image Storage"
    assert still["PixelData"].VR == "OW"
    assert cine.SOPClassUID.name == "Ultrasound Multi-frame Image Storage"
    assert cine.file_meta.TransferSyntaxUID.name == "JPEG-LS Lossless Image Compression"
    assert cine.NumberOfFrames == 32
    # The disk was recorded at a PRF of 10 kHz, one transmit a frame.
    assert float(cine.FrameTime) == pytest.approx(0.1)
    colour = dcmread(folder / "colour.dcm").pixel_array.astype(int)
    # It turns: towards the probe, red, on its left, and away on its right.
    redness = colour[..., 0] - colour[..., 2]
    middle = slice(colour.shape[0] // 3, colour.shape[0] // 2)
    left, right = (redness[middle, n * colour.shape[1] // 8] for n in (3, 5))
    assert left.mean() > 50
    assert right.mean() < -50


@pytest.mark.slow
def test_the_pictures_are_neither_black_nor_white(played: tuple[Path, Any]) -> None:
    folder, _ = played
    for name in ("bmode.dcm", "cine.dcm"):
        pixels = dcmread(folder / name).pixel_array
        assert 40 < pixels.mean() < 150
        assert (pixels == 0).mean() < 0.1
        assert (pixels == 255).mean() < 0.02


@pytest.mark.slow
def test_the_second_demo_is_quick_and_small(played: tuple[Path, Any]) -> None:
    _, summary = played
    # Twice what an idle machine of two cores needs at most, as tests share theirs.
    assert sum(stage["time_s"] for stage in summary["stages"]) < 30
    assert summary["peak_memory_bytes"] < 10**9


@pytest.mark.slow
def test_without_recordings_the_simulated_vessel_beats(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk("demo", "--output", tmp_path / "out")
    assert outcome.status == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | COLOUR_FILES
    for stage in ("receive", "beamform", "export", "verify"):
        assert stage in outcome.err
    page = outcome.out
    for words in ("L11-5v", "0 lost", "signature: verified", "not for patients", "peak memory"):
        assert words in page
    assert len(page.splitlines()) < 40
    with Image.open(tmp_path / "out" / "cine.gif") as cine:
        n_frames = cine.n_frames
        first = cine.convert("L")
        cine.seek(n_frames // 4)
        changed = ImageChops.difference(first, cine.convert("L")).getbbox()
    assert n_frames == 16
    assert changed is not None


def test_a_folder_that_cannot_be_made_ends_with_7_before_anything_is_received(
    usdk: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "out", Path("/proc/out")):
        outcome = usdk("demo", "--output", folder)
        assert outcome.status == 7
        assert "receive" not in outcome.err


def test_what_is_no_recording_is_refused(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    words = ("demo", "--output", tmp_path)
    assert usdk(*words, "--still", tmp_path / "absent").status == 7
    assert usdk(*words, "--cine", scanned / "still.dcm").status == 5


@pytest.mark.skipif(not MUSCLE.exists(), reason="the recording is not in this checkout")
def test_a_cine_of_unknown_speed_is_refused(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk("demo", "--output", tmp_path, "--cine", MUSCLE)
    assert outcome.status == 2
    assert "frame rate" in outcome.err


def test_it_works_offline_with_a_home_that_cannot_be_written(scanned: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()  # A file in the place of the home: nobody, root neither, can write into it.
    kept = {name: os.environ[name] for name in ("PATH", "NUMBA_CACHE_DIR") if name in os.environ}
    no_network = """
import socket, sys

def on_loopback(call, host_of):
    def guarded(*arguments, **options):
        assert host_of(arguments) == "127.0.0.1", "the demo used the network"
        return call(*arguments, **options)

    return guarded

socket.socket.connect = on_loopback(socket.socket.connect, lambda given: given[1][0])
socket.getaddrinfo = on_loopback(socket.getaddrinfo, lambda given: given[0])
from usdk.cli import main

sys.exit(main(sys.argv[1:]))
"""
    words = ("--output", f"{tmp_path}/out", "-q", "--cine", f"{scanned}/scan.usrec")
    begun_s = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", no_network, "demo", *words],
        env=kept | {"HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun_s < 120
    assert "signature: verified" in done.stdout
    assert done.stderr.startswith("usdk: the development identity cannot be stored")
    assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
