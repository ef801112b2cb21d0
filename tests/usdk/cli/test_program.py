from __future__ import annotations

import os
import subprocess
import sys
import warnings
from argparse import Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from usdk.cli import main, program
from usdk.cli.program import VERBS
from usdk.errors import ArgumentError

CORE_ONLY = """
import sys

EXTRAS = ("usb", "h5py", "pydicom", "jpeg_ls", "cryptography", "PIL", "rich", "yaml")


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in EXTRAS:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Absent())
from usdk.cli import main

sys.exit(main(sys.argv[1:]))
"""


def run(*words: str, source: str | None = None, **options: Any) -> Any:
    start = ["-m", "usdk.cli"] if source is None else ["-c", source]
    return subprocess.run(
        [sys.executable, "-W", "error", *start, *words],
        check=False,
        text=True,
        timeout=120,
        **{"capture_output": True} | options,
    )


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make ``usdk probes`` raise what the test says."""

    def make(error: BaseException) -> None:
        def fail() -> dict[str, str]:
            raise error

        monkeypatch.setattr("usdk.cli.probes.installed_schemes", fail)

    return make


def test_the_version_is_the_distributions(usdk: Any) -> None:
    assert usdk("--version").out == f"usdk {version('ultrasound-sdk')}\n"


def test_the_help_names_every_verb_and_every_exit_status(usdk: Any) -> None:
    help_text = usdk("--help").out
    for verb in VERBS:
        assert verb.name in help_text
        assert verb.summary in help_text
    assert "130  stopped by Ctrl-C" in help_text


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_each_verb_explains_itself_with_examples(usdk: Any, verb: str) -> None:
    outcome = usdk(verb, "--help")
    assert outcome.status == 0
    assert f"examples:\n  usdk {verb}" in outcome.out.replace(
        "NUMBA_CACHE_DIR=/var/cache/usdk ", ""
    )


@pytest.mark.parametrize(
    "words", [(), ("fly",), ("scan",), ("scan", "sim:x", "--frames", "many"), ("probes", "more")]
)
def test_wrong_use_ends_with_2(usdk: Any, words: tuple[str, ...]) -> None:
    outcome = usdk(*words)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert outcome.out == ""


def test_an_option_that_is_not_understood_is_named_without_what_follows(usdk: Any) -> None:
    outcome = usdk("export", "a.npz", "-o", "b", "--patient-nam", "Doe^Jane", "--patiend-id=77")
    assert outcome.status == 2
    assert "--patient-nam --patiend-id" in outcome.err
    assert "Doe" not in outcome.err
    assert "77" not in outcome.err


def test_an_error_is_one_line_without_traceback(usdk: Any, failing: Any) -> None:
    failing(ArgumentError("the first line\nand the second"))
    outcome = usdk("probes")
    assert (outcome.status, outcome.err) == (2, "usdk: the first line and the second\n")


def test_with_debug_the_error_is_raised(failing: Any) -> None:
    failing(ArgumentError("wrong"))
    with pytest.raises(ArgumentError, match="wrong"):
        main(["probes", "--debug"])


def test_an_error_that_is_not_usdks_is_not_hidden(failing: Any) -> None:
    failing(ZeroDivisionError("a fault of the program"))
    with pytest.raises(ZeroDivisionError):
        main(["probes"])


def test_ctrl_c_ends_with_130(usdk: Any, failing: Any) -> None:
    failing(KeyboardInterrupt())
    outcome = usdk("probes")
    assert (outcome.status, outcome.err) == (130, "usdk: stopped\n")


def test_only_usdks_own_warnings_are_said(usdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class OwnWarning(UserWarning):
        __module__ = "usdk.somewhere"

    def warn(arguments: Namespace) -> int:
        warnings.warn("the value 'Doe^Jane' is odd", UserWarning, stacklevel=1)
        warnings.warn("keys are in memory", OwnWarning, stacklevel=1)
        return 0

    verb = next(verb for verb in VERBS if verb.name == "probes")
    changed = type(verb)(**vars(verb) | {"run": warn})
    monkeypatch.setattr(program, "VERBS", (changed,))
    assert usdk("probes").err == "usdk: keys are in memory\n"


def test_a_reader_that_goes_away_ends_it_without_noise() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run("probes", "--json", capture_output=False, stdout=writing, stderr=subprocess.PIPE)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_under_the_output_ends_with_7() -> None:
    with Path("/dev/full").open("w") as full:
        done = run("probes", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 7
    assert done.stderr.startswith("usdk: cannot write the output (No space left")
    assert "Traceback" not in done.stderr


def test_what_a_terminal_cannot_write_is_escaped(scanned: Path, tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff.npz"
    Path(os.fsdecode(odd)).write_bytes((scanned / "still.npz").read_bytes())
    for encoding in ("utf-8", "ascii"):
        done = subprocess.run(
            [sys.executable, "-m", "usdk.cli", "show", odd],
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert b"plane" in done.stdout


def test_the_command_starts_without_any_extra() -> None:
    assert run("--version", source=CORE_ONLY).stdout.startswith("usdk ")
    listed = run("probes", source=CORE_ONLY)
    assert listed.returncode == 0, listed.stderr
    assert "sim:linear-l11-5v" in listed.stdout


def test_a_scan_without_extras_names_the_extra_only_for_the_picture(
    scanned: Path, tmp_path: Path
) -> None:
    address = f"file:{scanned}/scan.usrec"
    done = run("scan", address, "-o", f"{tmp_path}/scan.npz", source=CORE_ONLY)
    assert done.returncode == 0, done.stderr
    done = run("scan", address, "--png", f"{tmp_path}/scan.png", source=CORE_ONLY)
    assert done.returncode == 8
    assert "ultrasound-sdk[view]" in done.stderr
    assert not (tmp_path / "scan.png").exists()


def test_an_export_without_its_extra_ends_with_8(scanned: Path, tmp_path: Path) -> None:
    words = ("export", f"{scanned}/still.npz", "-o", f"{tmp_path}/a.dcm", "--unsigned")
    done = run(*words, source=CORE_ONLY)
    assert done.returncode == 8
    assert "ultrasound-sdk[dicom]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("show", "PIPE"),
        ("export", "PIPE", "-o", "out.dcm", "--unsigned"),
        ("export", "still.npz", "-o", "out.dcm", "--unsigned", "--study", "PIPE"),
        ("demo", "-q", "--output", "out", "--still", "PIPE"),
    ],
)
def test_a_pipe_that_nobody_writes_to_is_refused_at_once(
    usdk: Any, scanned: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    places = {"PIPE": tmp_path / "pipe", "still.npz": scanned / "still.npz"}
    places |= {name: tmp_path / name for name in ("out", "out.dcm")}
    outcome = usdk(*(places.get(word, word) for word in words))
    assert outcome.status == 7
    assert "not a regular file" in outcome.err


@pytest.mark.parametrize("option", ["-o", "--png", "--record"])
def test_a_device_is_not_replaced_by_a_file(usdk: Any, option: str) -> None:
    outcome = usdk("scan", "sim:linear-l11-5v?scene=points", option, os.devnull, "--overwrite")
    assert outcome.status == 7
    assert "a device or a pipe" in outcome.err
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(("closed", "status"), [(">&-", 7), ("2>&-", 0)])
def test_a_stream_that_is_closed_ends_without_a_traceback(closed: str, status: int) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m usdk.cli probes {closed}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
