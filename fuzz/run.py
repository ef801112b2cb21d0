"""Fuzz one target: ``python fuzz/run.py TARGET [--seconds N] [--corpus FOLDER]``.

A target is a module of ``fuzz/targets`` with ``seeds() -> list[bytes]``, inputs to start from, and
``one_input(data: bytes) -> None``, which returns where the code answers as it should and raises
where it does not. Needs ``pip install atheris``. Whatever an input breaks is stored beside the
corpus; the last line of libFuzzer's output, ``Done N runs``, is the count. All targets in turn:
``campaign.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import io
import os
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType

import atheris
from scratch_file import FOLDER_VARIABLE

TARGETS = Path(__file__).parent / "targets"
HANG_S = 20
"""An input that takes longer is a finding."""

MAX_INPUT_BYTES = 1 << 14
"""Longest input of a target that does not say how long its own are."""

MEMORY_MB = 2048
"""An input that takes more is a finding."""


def target_names(folder: Path = TARGETS) -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in folder.glob("*.py"))


def load_target(name: str, folder: Path = TARGETS) -> ModuleType:
    """Import a target; its imports from usdk are instrumented for coverage."""
    # Targets share modules of this folder, from wherever they are run.
    here = str(Path(__file__).parent)
    if here not in sys.path:
        sys.path.insert(0, here)
    specification = importlib.util.spec_from_file_location(f"fuzz_{name}", folder / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # It names every module that it instruments.
    quiet = contextlib.redirect_stderr(io.StringIO())
    with quiet, atheris.instrument_imports(include=["usdk", "usdk_drivers"]):
        specification.loader.exec_module(module)
    return module


def fuzz(target: ModuleType, corpus: Path, *, seconds: int, runs: int = -1, seed: int = 0) -> None:
    """Fuzz a target and end this process: libFuzzer does not return."""
    corpus.mkdir(parents=True, exist_ok=True)
    for start in target.seeds():
        (corpus / hashlib.sha256(start).hexdigest()).write_bytes(start)
    options = [
        str(corpus),
        f"-artifact_prefix={corpus}-finding-",
        f"-max_total_time={seconds}",
        f"-runs={runs}",
        f"-seed={seed}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={getattr(target, 'MAX_INPUT_BYTES', MAX_INPUT_BYTES)}",
        "-print_final_stats=1",
    ]
    # Numbers from outside that overflow are to be refused, not computed with.
    warnings.simplefilter("error", RuntimeWarning)
    atheris.Setup([sys.argv[0], *options], target.one_input)
    atheris.Fuzz()


def main() -> None:
    """Fuzz the target that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=target_names())
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1, help="end after so many inputs")
    parser.add_argument("--corpus", type=Path, help="kept between runs; a new folder by default")
    arguments = parser.parse_args()
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{arguments.target}-"))
    target = load_target(arguments.target)
    with tempfile.TemporaryDirectory(prefix="usdk-fuzz-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        child = os.fork()
        if child == 0:
            fuzz(target, corpus, seconds=arguments.seconds, runs=arguments.runs)
        status = os.waitpid(child, 0)[1]
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
