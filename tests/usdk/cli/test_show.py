from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.colours import ColourComposer
from usdk.io import save_frames
from usdk.scan import LinearScan, Raster

ROOT = Path(__file__).parents[3]
DISK = ROOT / "tests" / "data" / "pymust" / "PWI_disk.mat"


def test_a_recording_says_how_it_was_made(usdk: Any, scanned: Path) -> None:
    shown = json.loads(usdk("show", scanned / "scan.usrec", "--json").out)
    assert (shown["kind"], shown["n_frames"], shown["n_frames_lost"]) == ("recording", 3, 0)
    assert (shown["probe"]["n_elements"], shown["dtype"]) == (128, "int16")
    assert shown["is_complete"] is True
    text = usdk("show", scanned / "scan.usrec").out
    assert "L11-5v" in text
    assert "sampling_frequency_hz" in text


def test_a_recording_that_was_cut_off_says_so(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.usrec"
    cut.write_bytes((scanned / "scan.usrec").read_bytes()[:-1000])
    shown = json.loads(usdk("show", cut, "--json").out)
    assert (shown["n_frames"], shown["is_complete"]) == (2, False)
    assert shown["n_bytes_cut"] > 0


@pytest.mark.skipif(not DISK.exists(), reason="the recording is not in this checkout")
def test_a_foreign_recording_is_told_by_its_content(usdk: Any, tmp_path: Path) -> None:
    renamed = tmp_path / "unknown.bin"
    renamed.write_bytes(DISK.read_bytes())
    shown = json.loads(usdk("show", renamed, "--json").out)
    assert (shown["n_frames"], shown["n_samples"]) == (32, 334)
    assert shown["sound_speed_m_s"] == 1480.0


def test_frames_say_what_they_were_made_from(usdk: Any, scanned: Path) -> None:
    shown = json.loads(usdk("show", scanned / "scan.npz", "--json").out)
    assert (shown["kind"], shown["n_frames"], shown["n_rows"]) == ("frames", 3, 512)
    assert shown["device"]["serial_number"] == "SIM-1"
    assert shown["processing"]["gain"] == "0 dB"
    assert "1 × plane" in usdk("show", scanned / "scan.npz").out


def test_a_dicom_file_is_shown_without_the_patient_unless_asked(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.dcm"
    usdk(
        *("export", scanned / "scan.npz", "-o", target, "--unsigned"),
        *("--patient-name", "Doe^Jane", "--patient-id", "Q471", "--patient-birth-date", "19700131"),
    )
    for words in ((), ("--json",)):
        outcome = usdk("show", target, *words)
        assert outcome.status == 0
        for secret in ("Doe", "Q471", "19700131"):
            assert secret not in outcome.out + outcome.err
    shown = json.loads(usdk("show", target, "--json", "--patient").out)
    assert shown["patient"]["PatientName"] == "Doe^Jane"
    assert (shown["kind"], shown["n_frames"], shown["n_signatures"]) == ("dicom", 3, 0)
    (region,) = shown["regions"]
    assert region["units_x"] == 3
    assert "Doe^Jane" in usdk("show", target, "--patient").out


def test_a_signed_file_says_that_nothing_was_verified_here(usdk: Any, scanned: Path) -> None:
    outcome = usdk("show", scanned / "still.dcm")
    assert "1 signature(s), not verified here" in outcome.out


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 5),
        (b"just text", 5),
        (b"PK\x03\x04 but no archive", 5),
        (b"\0" * 128 + b"DICM", 5),
        (b"\0" * 128 + b"DICM" + b"\xff" * 50, 5),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 200, 5),
    ],
)
def test_what_is_damaged_or_foreign_ends_with_5(
    usdk: Any, tmp_path: Path, content: bytes, status: int
) -> None:
    (tmp_path / "file").write_bytes(content)
    outcome = usdk("show", tmp_path / "file")
    assert (outcome.status, outcome.out) == (status, "")
    assert outcome.err.startswith("usdk: ")
    assert len(outcome.err.splitlines()) == 1


def test_what_cannot_be_read_ends_with_7(usdk: Any, tmp_path: Path) -> None:
    assert usdk("show", tmp_path / "absent").status == 7
    assert usdk("show", tmp_path).status == 7


@pytest.fixture
def in_colour(tmp_path: Path) -> Path:
    """Two frames in colour of flow towards the probe."""
    scan = LinearScan(x_m=np.linspace(-4e-3, 4e-3, 16), z_m=np.linspace(2e-3, 9e-3, 24))
    raster = Raster(x_m=-5e-3, z_m=0.0, pixel_size_m=1e-4, n_rows=100, n_columns=101)
    values = np.full(scan.shape, 0.1, np.float32)
    flow_map = FlowMap(
        velocity_m_s=values,
        power=values,
        spread_m_s=values,
        lag_one=values.astype(np.complex64),
        scan=scan,
        slow_time=SlowTime(prf_hz=4e3, frequency_hz=5e6),
    )
    composer = ColourComposer(raster, scan)
    frames = [
        composer(None, replace(flow_map, device_timestamp_s=k / 10, sequence_number=k))
        for k in range(2)
    ]
    return save_frames(tmp_path / "colour.npz", frames)


def test_frames_in_colour_are_shown_exported_and_verified(
    usdk: Any, in_colour: Path, tmp_path: Path
) -> None:
    shown = json.loads(usdk("show", in_colour, "--json").out)
    assert (shown["kind"], shown["n_frames"]) == ("frames", 2)
    assert shown["colours"]["kind"] == "velocity"
    assert shown["colours"]["scale"] == "-0.308 to 0.308 m/s"
    target = tmp_path / "colour.dcm"
    words = ("export", in_colour, "-o", target, "--development-key", "--codec", "jpeg-ls")
    assert usdk(*words).status == 0
    assert usdk("verify", target, "--trust-development").status == 0
    shown = json.loads(usdk("show", target, "--json").out)
    assert (shown["photometric_interpretation"], shown["n_frames"]) == ("RGB", 2)
    assert [region["data_type"] for region in shown["regions"]] == [1, 2]
    assert shown["findings"] == []
    assert "colour flow" in usdk("show", target).out


def test_what_is_no_number_is_null(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    dataset = dcmread(scanned / "still.dcm")
    dataset.SequenceOfUltrasoundRegions[0].PhysicalDeltaX = float("nan")
    dataset.save_as(path)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    shown = json.loads(usdk("show", path, "--json").out, parse_constant=refuse)
    assert shown["regions"][0]["delta_x"] is None
