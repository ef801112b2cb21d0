"""``usdk warm-up``: compile every kernel now rather than at the first frame."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from usdk.cli.exit_codes import DONE, exit_code
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import StorageError
from usdk.kernel_cache import WarmUpReport, warm_up

__all__ = ["VERB"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    report = warm_up()
    if arguments.json:
        plain = {
            "is_cached": report.is_cached,
            "time_s": report.time_s,
            "directories": [str(place) for place in report.directories],
            "kernels": [asdict(kernel) for kernel in report.kernels],
        }
        say(json.dumps(plain, indent=2))
    else:
        say(_text(report))
    if report.is_cached:
        return DONE
    remark(
        "the cache cannot be written, so each process compiles for itself; usdk still works. "
        "Set NUMBA_CACHE_DIR to a folder that can be written"
    )
    return exit_code(StorageError())


def _text(report: WarmUpReport) -> str:
    lines = [
        f"{kernel.name:<36} {kernel.n_variants:>2} variants  "
        + (f"{kernel.compile_time_s:6.2f} s" if kernel.compile_time_s else "  cached")
        + ("" if kernel.is_cached else "  not cached")
        for kernel in report.kernels
    ]
    lines.append(f"{'all':<36} {report.time_s:19.2f} s")
    lines += [f"cache: {place}" for place in report.directories] or ["cache: none"]
    return "\n".join(lines)


VERB = Verb(
    name="warm-up",
    summary="compile every kernel now rather than at the first frame",
    description="Compiles every kernel and keeps the result in numba's cache, so that the first "
    "frame of a new\ndevice or image is quick. Where the cache cannot be written the status is "
    "not 0, and usdk\nstill works.",
    examples=("usdk warm-up", "NUMBA_CACHE_DIR=/var/cache/usdk usdk warm-up"),
    add_arguments=_add_arguments,
    run=_run,
)
