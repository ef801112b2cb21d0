"""It is started and opened again and again, and nothing is left behind."""

from __future__ import annotations

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import require
from usdk.conformance.held import n_file_descriptors, n_threads, settled

__all__ = ["CHECKS"]

N_CYCLES = 20
_READ_EVERY = 5

_RESOURCES = "Resources"
_TIMEOUT_S = 120.0


def _require_no_more(
    when: str, held: tuple[int, int | None], *, advice: str
) -> tuple[int | None, int | None]:
    threads, descriptors = settled(n_threads, held[0]), settled(n_file_descriptors, held[1])
    for name, before, after in (
        ("threads", held[0], threads),
        ("file descriptors", held[1], descriptors),
    ):
        # What is left once may be a library's; what is left each time is a leak.
        require(
            before is None or after is None or after < before + N_CYCLES // 2,
            f"after {N_CYCLES} {when} there are {after} {name}, {before} before",
            expected="as many as before",
            advice=advice,
        )
    return threads, descriptors


@check(
    "resources.start-stop",
    f"{N_CYCLES} starts and stops leave nothing behind",
    requires=_RESOURCES,
    timeout_s=_TIMEOUT_S,
)
def start_stop(bench: Bench) -> str | None:
    """Expect a frame of each run, and threads and descriptors that do not grow."""
    front_end, _ = bench.ready()
    bench.read(front_end)
    front_end.stop()
    held = n_threads(), n_file_descriptors()
    for _ in range(N_CYCLES):
        front_end.start()
        bench.read(front_end)
        front_end.stop()
    threads, descriptors = _require_no_more(
        "starts and stops", held, advice="end in _stop what _start began"
    )
    return f"{threads} threads, {descriptors} file descriptors"


@check(
    "resources.open-close",
    f"{N_CYCLES} openings and closings leave nothing behind",
    requires=_RESOURCES,
    timeout_s=_TIMEOUT_S,
)
def open_close(bench: Bench) -> str | None:
    """Expect threads and descriptors that do not grow; read a frame every few times."""
    front_end, _ = bench.ready()
    bench.read(front_end)
    front_end.close()
    held = n_threads(), n_file_descriptors()
    for cycle in range(N_CYCLES):
        if cycle % _READ_EVERY:
            front_end = bench.open()
        else:
            front_end, _ = bench.ready()
            bench.read(front_end)
        front_end.close()
    threads, descriptors = _require_no_more(
        "openings and closings", held, advice="release in _close everything that open took"
    )
    return f"{threads} threads, {descriptors} file descriptors"


CHECKS = (start_stop, open_close)
