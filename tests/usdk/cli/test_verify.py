from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from usdk.trust.development import development_directory

MARK = "development key: not for patients"


@pytest.fixture
def authority(scanned: Path) -> Path:
    return development_directory() / "certificate-authority.pem"


def test_a_development_signature_is_valid_only_when_trusted_and_always_marked(
    usdk: Any, scanned: Path, authority: Path
) -> None:
    file = scanned / "still.dcm"
    for trust in (("--trust-development",), ("--trust", authority)):
        outcome = usdk("verify", file, *trust)
        assert outcome.status == 0
        assert outcome.out.startswith(f"{file}: valid\n")
        assert outcome.out.endswith(f"  {MARK}\n")
        assert "not covered  nothing" in outcome.out
        assert "CREATOR profile" in outcome.out


def test_whom_to_trust_must_be_said(usdk: Any, scanned: Path) -> None:
    outcome = usdk("verify", scanned / "still.dcm")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--trust " in outcome.err
    assert "--trust-development" in outcome.err


def test_json_says_who_when_and_what(usdk: Any, scanned: Path) -> None:
    names = ("still.dcm", "scan.dcm")
    files = [scanned / name for name in names]
    outcome = usdk("verify", *files, "--trust-development", "--json")
    results = json.loads(outcome.out)["files"]
    assert [result["path"] for result in results] == list(map(str, files))
    for result in results:
        (signature,) = result["signatures"]
        assert (result["is_valid"], result["development_key"]) == (True, True)
        assert "NOT FOR PATIENTS" in signature["subject"]
        assert signature["signed_at"].endswith("+00:00")
        assert signature["n_covered"] == len(signature["covered_tags"]) > 20


def test_one_changed_bit_is_refused_and_does_not_hide_the_next_file(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    changed = bytearray((scanned / "still.dcm").read_bytes())
    changed[len(changed) // 2] ^= 1
    (tmp_path / "changed.dcm").write_bytes(changed)
    words = ("verify", tmp_path / "changed.dcm", scanned / "still.dcm", "--trust-development")
    outcome = usdk(*words)
    assert outcome.status == 6
    assert "changed.dcm: REFUSED" in outcome.out
    assert "still.dcm: valid" in outcome.out
    results = json.loads(usdk(*words, "--json").out)["files"]
    assert [result["is_valid"] for result in results] == [False, True]


def test_an_unsigned_object_is_refused(usdk: Any, scanned: Path, tmp_path: Path) -> None:
    target = tmp_path / "unsigned.dcm"
    usdk("export", scanned / "still.npz", "-o", target, "--unsigned")
    outcome = usdk("verify", target, "--trust-development")
    assert outcome.status == 6
    assert "problem      not signed" in outcome.out
    assert MARK not in outcome.out


def test_a_signer_whom_nobody_trusted_vouches_for_is_refused_and_still_marked(
    usdk: Any, scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USDK_DEVELOPMENT_KEYS", str(tmp_path / "others"))
    other = tmp_path / "other.dcm"
    assert usdk("export", scanned / "still.npz", "-o", other, "--development-key").status == 0
    outcome = usdk("verify", scanned / "still.dcm", "--trust-development")
    assert outcome.status == 6
    assert "no trusted certificate vouches" in outcome.out
    assert MARK in outcome.out


def test_trusting_development_keys_makes_none(
    usdk: Any, scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USDK_DEVELOPMENT_KEYS", str(tmp_path / "none"))
    outcome = usdk("verify", scanned / "still.dcm", "--trust-development")
    assert outcome.status == 6
    assert "no development key" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_file_ends_with_5_and_an_absent_one_with_7(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    whole = (scanned / "still.dcm").read_bytes()
    for n_bytes in (0, 100, 200, len(whole) // 3, len(whole) - 1):
        (tmp_path / "cut.dcm").write_bytes(whole[:n_bytes])
        outcome = usdk("verify", tmp_path / "cut.dcm", "--trust-development")
        assert outcome.status == 5
        assert "REFUSED" in outcome.out
        assert "Traceback" not in outcome.err
    assert usdk("verify", tmp_path / "absent.dcm", "--trust-development").status == 7
    assert usdk("verify", tmp_path, "--trust-development").status == 7


def test_a_fault_in_a_trusted_certificate_is_not_laid_on_the_files(
    usdk: Any, scanned: Path, tmp_path: Path
) -> None:
    outcome = usdk("verify", scanned / "still.dcm", "--trust", tmp_path / "absent.pem")
    assert (outcome.status, outcome.out) == (7, "")
    (tmp_path / "bad.pem").write_text("no certificate")
    outcome = usdk("verify", scanned / "still.dcm", "--trust", tmp_path / "bad.pem")
    assert (outcome.status, outcome.out) == (5, "")
