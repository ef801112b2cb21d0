from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from usdk.trust import verify_dicom
from usdk.trust.development_certificates import issue_development_certificates

MARK = "development key: not for patients"


@pytest.fixture(scope="module")
def physician(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with key.pem, encrypted by "secret", certificate.pem and authority.pem."""
    folder = tmp_path_factory.mktemp("physician")
    authority, certificate, key = issue_development_certificates()
    for name, one in (("authority", authority), ("certificate", certificate)):
        pem = one.public_bytes(serialization.Encoding.PEM)
        (folder / f"{name}.pem").write_bytes(pem)
    path = folder / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    return folder


def test_a_second_person_approves_and_both_can_be_demanded(
    usdk: Any, scanned: Path, physician: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "approved.dcm"
    words = ("--key", physician / "key.pem", "--certificate", physician / "certificate.pem")
    more = ("--profile", "authorization", "--purpose", "5")
    assert usdk("sign", scanned / "still.dcm", "-o", out, *words, *more).status == 6
    monkeypatch.setenv("USDK_KEY_PIN", "secret")
    outcome = usdk("sign", scanned / "still.dcm", "-o", out, *words, *more, "--json")
    assert outcome.status == 0
    summary = json.loads(outcome.out)
    assert summary["signature_uid"].startswith("2.25.")
    trust = ("--trust-development", "--trust", physician / "authority.pem")
    both = ("--profile", "creator", "--profile", "authorization")
    verified = usdk("verify", out, *trust, *both)
    assert verified.status == 0
    assert verified.out.count("signed by ") == 2
    assert "chain        CN=" in verified.out
    assert "time stamp   none" in verified.out
    alone = usdk("verify", scanned / "still.dcm", *trust, *both)
    assert alone.status == 6
    assert "are not by as many signers" in alone.out


def test_a_password_may_come_from_a_file_and_a_wrong_one_is_refused(
    usdk: Any, scanned: Path, physician: Path, tmp_path: Path
) -> None:
    words = ("--key", physician / "key.pem", "--certificate", physician / "certificate.pem")
    for password, status in (("secret\n", 0), ("wrong-one", 6)):
        file = tmp_path / "password"
        file.touch(mode=0o600)
        file.write_text(password)
        out = tmp_path / f"{status}.dcm"
        outcome = usdk("sign", scanned / "still.dcm", "-o", out, *words, "--password-file", file)
        assert outcome.status == status
        assert out.exists() == (status == 0)
        assert "wrong-one" not in outcome.err


def test_frame_digests_outlast_transcoding(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    tool = Path("/usr/bin/dcmcrle")
    if not tool.exists():
        pytest.skip("DCMTK's dcmcrle is not installed")
    both, stored = tmp_path / "both.dcm", tmp_path / "stored.dcm"
    outcome = usdk("sign", scanned / "scan.dcm", "-o", both, "--frame-digests", "--development-key")
    assert outcome.status == 0
    assert MARK in outcome.err
    plain = usdk("verify", both, "--trust-development")
    assert plain.status == 0
    assert "pixels       as signed" in plain.out
    subprocess.run([tool, both, stored], check=True, timeout=60)
    verified = usdk("verify", stored, "--trust-development")
    assert verified.status == 0
    assert "transcoded, content proven by frame digests (3 frames)" in verified.out
    assert "superseded" in verified.out
    lost = tmp_path / "lost.dcm"
    subprocess.run([tool, scanned / "scan.dcm", lost], check=True, timeout=60)
    assert usdk("verify", lost, "--trust-development").status == 6


def test_what_has_errors_is_not_signed_unless_asked_for(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    import pydicom

    ds = pydicom.dcmread(scanned / "still.dcm")
    for keyword in ("DigitalSignaturesSequence", "MACParametersSequence"):
        del ds[keyword]
    ds.Modality = "CT"
    ds.save_as(tmp_path / "other.dcm")
    out = tmp_path / "out.dcm"
    words = ("sign", tmp_path / "other.dcm", "-o", out, "--development-key")
    refused = usdk(*words)
    assert refused.status == 2
    assert "Modality" in refused.err
    assert not out.exists()
    assert usdk(*words, "--unchecked").status == 0


def test_unsigned_additions_are_refused_unless_allowed(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    import pydicom

    ds = pydicom.dcmread(scanned / "still.dcm")
    ds.add_new(0x00111010, "LO", "added")
    ds.save_as(tmp_path / "added.dcm")
    words = ("verify", tmp_path / "added.dcm", "--trust-development")
    refused = usdk(*words)
    assert refused.status == 6
    assert "not under the signature: (0011,1010)" in refused.out
    allowed = usdk(*words, "--allow-unsigned")
    assert allowed.status == 0
    assert "not covered  0011,1010" in allowed.out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--development-key", "--frame-digests", "--profile", "creator"), "leave --profile out"),
        ((), "say who signs"),
        (("--key", "pkcs11:token=a;pin-value=8642"), "PIN"),
        (("--key", "tpm:1", "--certificate", "x.pem"), "persistent handle"),
        (("--development-key", "--purpose", "99"), "purpose must be"),
        (("--development-key", "--time-stamp-url", "ftp://x"), "http"),
    ],
)
def test_wrong_use_is_told_and_leaves_no_file(
    usdk: Any, scanned: Path, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    out = tmp_path / "out.dcm"
    outcome = usdk("sign", scanned / "still.dcm", "-o", out, *words)
    assert outcome.status == 2
    assert text in outcome.err
    assert "8642" not in outcome.err
    assert not out.exists()


def test_an_existing_file_is_kept(usdk: Any, scanned: Path) -> None:
    file = scanned / "still.dcm"
    before = file.read_bytes()
    outcome = usdk("sign", file, "-o", file, "--development-key")
    assert outcome.status == 7
    assert file.read_bytes() == before


def test_a_demanded_time_stamp_that_is_not_there_is_refused(usdk: Any, scanned: Path) -> None:
    outcome = usdk("verify", scanned / "still.dcm", "--trust-development", "--require-time-stamp")
    assert outcome.status == 6
    assert "the signature has no time stamp" in outcome.out
    both = ("--profile", "none", "--profile", "base")
    assert usdk("verify", scanned / "still.dcm", "--trust-development", *both).status == 2


def test_what_the_command_verifies_python_verifies(scanned: Path) -> None:
    from usdk.trust import dev_certificate_authority

    authority = dev_certificate_authority().certificate_pem
    assert verify_dicom(scanned / "still.dcm", trusted_certificates=[authority]).is_valid
