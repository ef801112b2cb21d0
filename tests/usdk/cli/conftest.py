from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from usdk.cli import main

QUICK = "sim:linear-l11-5v?scene=points&frames=4"


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def _development_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("keys") / "development"
        patch.setenv("USDK_DEVELOPMENT_KEYS", str(folder))
        yield


@pytest.fixture
def usdk(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command in this process."""

    def run(*words: str | Path) -> Outcome:
        status = main([os.fspath(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory, _development_keys: None) -> Path:
    """A folder with scan.npz (3 frames), still.npz, scan.usrec, scan.dcm and still.dcm."""
    folder = tmp_path_factory.mktemp("scanned")
    record, output = f"{folder}/scan.usrec", f"{folder}/scan.npz"
    quick = ("--angles", "0", "--depth-mm", "12", "-q")
    assert not main(["scan", QUICK, "--frames", "3", "-o", output, "--record", record, *quick])
    assert not main(["scan", QUICK, "-o", f"{folder}/still.npz", *quick])
    for name in ("scan", "still"):
        source, target = f"{folder}/{name}.npz", f"{folder}/{name}.dcm"
        assert not main(["export", source, "-o", target, "--development-key", "-q"])
    return folder
