from __future__ import annotations

import json
import math
import shutil
import stat
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydicom import dcmread

from usdk.io import load_frames, save_frames
from usdk.trust import dev_certificate_authority, verify_dicom
from usdk.trust.development import development_directory

STUDY = {
    "PatientName": "Doe^Jane",
    "PatientID": "12345",
    "PatientBirthDate": "19700131",
    "PatientSex": "F",
    "StudyDateTime": "2026-01-31T14:05:00+01:00",
    "StudyDescription": "Calf, left",
    "SeriesNumber": 3,
    "ImageLaterality": "L",
}


def test_one_frame_becomes_an_image_and_several_a_multi_frame_image(scanned: Path) -> None:
    still, cine = dcmread(scanned / "still.dcm"), dcmread(scanned / "scan.dcm")
    assert still.SOPClassUID.name == "Ultrasound Image Storage"
    assert cine.SOPClassUID.name == "Ultrasound Multi-frame Image Storage"
    assert cine.NumberOfFrames == 3
    (frame,) = load_frames(scanned / "still.npz")
    assert (still.pixel_array == frame.pixels).all()


def test_a_development_key_signs_and_is_never_silent(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.dcm"
    outcome = usdk("export", scanned / "still.npz", "-o", target, "--development-key", "--json")
    assert outcome.status == 0
    assert "usdk: development key: not for patients" in outcome.err
    summary = json.loads(outcome.out)
    assert summary == {
        "path": str(target),
        "n_frames": 1,
        "codec": "native",
        "signed": True,
        "development_key": True,
        "demonstration": True,
    }
    trusted = [dev_certificate_authority().certificate_pem]
    assert verify_dicom(target, trusted_certificates=trusted).is_valid


@pytest.mark.parametrize(
    "choice",
    [
        (),
        ("--unsigned", "--development-key"),
        ("--unsigned", "--key", "key.pem", "--certificate", "certificate.pem"),
    ],
)
def test_exactly_one_choice_of_signature_is_needed(
    usdk: Any, scanned: Path, tmp_path: Path, choice: tuple[str, ...]
) -> None:
    outcome = usdk("export", scanned / "still.npz", "-o", tmp_path / "out.dcm", *choice)
    assert outcome.status == 2
    for option in ("--key", "--certificate", "--development-key", "--unsigned"):
        assert option in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_an_unsigned_object_says_so(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    words = ("-o", tmp_path / "out.dcm", "--unsigned", "--codec", "jpeg-ls")
    outcome = usdk("export", scanned / "scan.npz", *words)
    assert outcome.status == 0
    assert "NOT SIGNED" in outcome.out
    written = dcmread(tmp_path / "out.dcm")
    assert "DigitalSignaturesSequence" not in written
    assert written.file_meta.TransferSyntaxUID.name == "JPEG-LS Lossless Image Compression"


@pytest.fixture
def key_files(scanned: Path, tmp_path: Path) -> tuple[Path, Path]:
    folder = development_directory()
    key = shutil.copy(folder / "signing-key.pem", tmp_path / "key.pem")
    certificate = shutil.copy(folder / "signing-certificate.pem", tmp_path / "certificate.pem")
    Path(key).chmod(0o600)
    return Path(key), Path(certificate)


def test_a_key_file_signs(
    usdk: Any, scanned: Path, tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    key, certificate = key_files
    words = ("--key", key, "--certificate", certificate)
    assert usdk("export", scanned / "still.npz", "-o", tmp_path / "a.dcm", *words).status == 0
    report = verify_dicom(tmp_path / "a.dcm", trusted_certificates=[certificate])
    assert report.is_valid


def test_an_encrypted_key_is_opened_by_a_password_file(
    usdk: Any, scanned: Path, tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    key, certificate = key_files
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open sesame"),
        )
    )
    words = ("export", scanned / "still.npz", "-o", tmp_path / "a.dcm")
    words += ("--key", key, "--certificate", certificate)
    assert usdk(*words).status == 6
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    password.chmod(0o644)
    assert usdk(*words, "--password-file", password).status == 6
    password.chmod(0o600)
    assert usdk(*words, "--password-file", password).status == 0


def test_a_key_that_others_can_read_or_of_another_certificate_ends_with_6(
    usdk: Any, scanned: Path, tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    key, certificate = key_files
    words = ("export", scanned / "still.npz", "-o", tmp_path / "a.dcm")
    words += ("--key", key, "--certificate", certificate)
    key.chmod(0o644)
    assert usdk(*words).status == 6
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key.write_bytes(
        foreign.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    key.chmod(0o600)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert usdk(*words).status == 6
    assert not (tmp_path / "a.dcm").exists()


def test_half_a_pair_of_key_and_certificate_is_refused(
    usdk: Any, scanned: Path, tmp_path: Path, key_files: tuple[Path, Path]
) -> None:
    key, certificate = key_files
    words = ("export", scanned / "still.npz", "-o", tmp_path / "a.dcm")
    assert usdk(*words, "--key", key).status == 2
    assert usdk(*words, "--certificate", certificate).status == 2
    assert usdk(*words, "--unsigned", "--password-file", key).status == 2


def test_a_study_file_and_the_options_before_it(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.json"
    study.write_text(json.dumps(STUDY))
    outcome = usdk(
        *("export", scanned / "still.npz", "-o", tmp_path / "a.dcm", "--unsigned"),
        *("--study", study, "--patient-id", "777"),
    )
    assert outcome.status == 0
    written = dcmread(tmp_path / "a.dcm")
    assert (written.PatientName, written.PatientID) == ("Doe^Jane", "777")
    assert (written.PatientBirthDate, written.PatientSex) == ("19700131", "F")
    assert (written.StudyDate, written.SeriesNumber) == ("20260131", 3)
    assert written.ImageLaterality == "L"
    assert "Doe" not in outcome.out + outcome.err
    assert "demonstration" not in outcome.out


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dicom3tools")
def test_the_standards_validator_has_no_error(scanned: Path) -> None:
    for name in ("still.dcm", "scan.dcm"):
        done = subprocess.run(
            ["dciodvfy", scanned / name], capture_output=True, text=True, check=False
        )
        errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
        assert errors == []


@pytest.mark.parametrize(
    ("source", "status"), [("absent.npz", 7), ("scan.usrec", 5), ("scan.dcm", 5)]
)
def test_what_are_no_frames_is_refused(
    usdk: Any, scanned: Path, tmp_path: Path, source: str, status: int
) -> None:
    outcome = usdk("export", scanned / source, "-o", tmp_path / "a.dcm", "--unsigned")
    assert outcome.status == status
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_ends_with_7(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    words = ("export", scanned / "still.npz", "--unsigned", "-o")
    assert usdk(*words, tmp_path).status == 7
    assert usdk(*words, "/proc/a.dcm").status == 7
    existing = tmp_path / "a.dcm"
    existing.touch()
    assert usdk(*words, existing).status == 7
    assert existing.stat().st_size == 0
    assert usdk(*words, existing, "--overwrite").status == 0
    assert existing.stat().st_size > 0


def test_a_frame_rate_that_is_none_is_refused(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    words = ("export", scanned / "scan.npz", "-o", tmp_path / "a.dcm", "--unsigned")
    assert usdk(*words, "--frame-rate-hz", "0").status == 2
    assert usdk(*words, "--frame-rate-hz", "nan").status == 2
    # The frames have timestamps, which a rate must not contradict.
    outcome = usdk(*words, "--frame-rate-hz", "20")
    assert (outcome.status, "leave --frame-rate-hz out" in outcome.err) == (2, True)


def test_frames_without_timestamps_need_a_frame_rate(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    untimed = [
        replace(frame, device_timestamp_s=math.nan) for frame in load_frames(scanned / "scan.npz")
    ]
    save_frames(tmp_path / "untimed.npz", untimed)
    words = ("export", tmp_path / "untimed.npz", "-o", tmp_path / "a.dcm", "--unsigned")
    outcome = usdk(*words)
    assert (outcome.status, "--frame-rate-hz" in outcome.err) == (2, True)
    assert usdk(*words, "--frame-rate-hz", "20").status == 0
    assert float(dcmread(tmp_path / "a.dcm").FrameTime) == pytest.approx(50.0)
