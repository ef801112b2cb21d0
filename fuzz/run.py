"""Fuzz one target: ``python fuzz/run.py TARGET [--seconds N] [--corpus FOLDER]``.

A target is a module of ``fuzz/targets`` with ``seeds() -> list[bytes]``, inputs to start from, and
``one_input(data: bytes) -> None``, which returns where the code answers as it should and raises
where it does not. Needs ``pip install atheris``. Whatever an input breaks is stored beside the
corpus; the last line of libFuzzer's output, ``Done N runs``, is the count.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import atheris

TARGETS = Path(__file__).parent / "targets"
HANG_S = 20
"""An input that takes longer is a finding."""

MAX_INPUT_BYTES = 1 << 14
MEMORY_MB = 2048


def target_names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in TARGETS.glob("*.py"))


def load_target(name: str) -> ModuleType:
    """Import a target; its imports from usdk are instrumented for coverage."""
    specification = importlib.util.spec_from_file_location(f"fuzz_{name}", TARGETS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with atheris.instrument_imports(include=["usdk", "usdk_drivers"]):
        specification.loader.exec_module(module)
    return module


def main() -> None:
    """Fuzz the target that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=target_names())
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=-1, help="end after so many inputs")
    parser.add_argument("--corpus", type=Path, help="kept between runs; a new folder by default")
    arguments = parser.parse_args()
    corpus = arguments.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{arguments.target}-"))
    corpus.mkdir(parents=True, exist_ok=True)
    target = load_target(arguments.target)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    options = [
        str(corpus),
        f"-artifact_prefix={corpus}-finding-",
        f"-max_total_time={arguments.seconds}",
        f"-runs={arguments.runs}",
        f"-timeout={HANG_S}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-max_len={MAX_INPUT_BYTES}",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options], target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
