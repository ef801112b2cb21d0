"""Tiles: independent pieces of one computation, spread over the SDK's own threads.

Kernels are serial and release the interpreter lock; the caller cuts the work so that no two tiles
write the same place, and the result does not depend on how many threads ran.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

from usdk.errors import ArgumentError

__all__ = ["N_THREADS_VARIABLE", "n_threads", "run_tiles"]

N_THREADS_VARIABLE = "USDK_N_THREADS"
MAX_THREADS = 256

T = TypeVar("T")

_lock = threading.Lock()
_pools: dict[int, ThreadPoolExecutor] = {}


def n_threads() -> int:
    """Return how many threads are used: ``USDK_N_THREADS``, or the processors of this process."""
    wanted = os.environ.get(N_THREADS_VARIABLE)
    if wanted is None:
        # Only Linux tells which processors this process may use.
        allowed = getattr(os, "sched_getaffinity", None)
        count = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
        return min(count, MAX_THREADS)
    if not wanted.isdecimal() or not 1 <= int(wanted) <= MAX_THREADS:
        raise ArgumentError(f"{N_THREADS_VARIABLE} must be 1 to {MAX_THREADS}, got {wanted!r}")
    return int(wanted)


def run_tiles(work: Callable[[T], None], tiles: Iterable[T], *, threads: int | None = None) -> None:
    """Call ``work`` once for each tile and return when all are done.

    An error of a tile is raised after every tile has ended, so that none still writes.
    """
    tiles = list(tiles)
    count = min(threads or n_threads(), len(tiles))
    if count <= 1:
        for tile in tiles:
            work(tile)
        return
    futures = [_pool(count).submit(work, tile) for tile in tiles]
    wait(futures)
    for future in futures:
        future.result()


def _pool(count: int) -> ThreadPoolExecutor:
    with _lock:
        if count not in _pools:
            _pools[count] = ThreadPoolExecutor(count, thread_name_prefix="usdk-tile")
        return _pools[count]


def _forget_pools() -> None:
    global _lock
    _lock = threading.Lock()
    _pools.clear()


# A forked child inherits the pools' bookkeeping but none of their threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pools)
