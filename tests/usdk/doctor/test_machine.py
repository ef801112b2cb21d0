from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from usdk.doctor.machine import cache_finding, disk_finding, thread_finding
from usdk.front_end import Severity


def disk(free_bytes: float) -> Any:
    return lambda folder: SimpleNamespace(free=free_bytes)


def test_one_processor_is_a_note_and_two_are_well() -> None:
    assert thread_finding(1).severity is Severity.NOTE
    assert thread_finding(2).severity is Severity.OK
    assert thread_finding().message


def test_room_for_a_minute_is_well_and_less_is_a_note(tmp_path: Path) -> None:
    enough, little = disk_finding(tmp_path, disk(12e9)), disk_finding(tmp_path, disk(11.9e9))
    assert (enough.severity, little.severity) == (Severity.OK, Severity.NOTE)
    assert "12.0 GB are free, 60 s of channel data at 200 MB/s" in enough.message
    assert "free space" in little.advice


def test_a_folder_that_is_absent_or_read_only_is_told(tmp_path: Path) -> None:
    absent = disk_finding(tmp_path / "absent")
    assert absent.severity is Severity.PROBLEM
    assert "--folder" in absent.advice
    sealed = disk_finding(tmp_path, access=lambda folder, mode: False)
    assert sealed.severity is Severity.NOTE
    assert "cannot be written" in sealed.message


def kernel(folder: Path | None) -> Any:
    return SimpleNamespace(stats=SimpleNamespace(cache_path=folder and str(folder)))


def test_a_cache_with_kernels_is_well_and_an_empty_one_a_note(tmp_path: Path) -> None:
    empty = cache_finding(kernel(tmp_path / "new"))
    assert empty.severity is Severity.NOTE
    assert empty.advice == "usdk warm-up"
    (tmp_path / "new" / "a.nbi").touch()
    assert cache_finding(kernel(tmp_path / "new")).severity is Severity.OK


def test_a_cache_that_cannot_be_written_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    nowhere = cache_finding(kernel(None))
    monkeypatch.setattr("usdk.doctor.machine.tempfile.TemporaryFile", refuse)
    sealed = cache_finding(kernel(tmp_path))
    assert "Read-only file system" in sealed.message
    for finding in (nowhere, sealed):
        assert finding.severity is Severity.NOTE
        assert "NUMBA_CACHE_DIR" in finding.advice


def test_kernels_that_run_as_python_are_a_problem() -> None:
    finding = cache_finding(lambda x: x)
    assert finding.severity is Severity.PROBLEM
    assert finding.advice == "unset NUMBA_DISABLE_JIT"


def test_the_real_cache_is_found() -> None:
    assert cache_finding().topic == "kernel cache"
