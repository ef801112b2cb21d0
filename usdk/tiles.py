"""Tiles: independent pieces of one computation, spread over the SDK's own threads.

Kernels are serial and release the interpreter lock; the caller cuts the work so that no two tiles
write the same place, and the result does not depend on how many threads ran.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from usdk.arguments import count
from usdk.errors import ArgumentError

__all__ = ["MAX_THREADS", "N_THREADS_VARIABLE", "cut", "map_in_order", "n_threads", "run_tiles"]

N_THREADS_VARIABLE = "USDK_N_THREADS"
MAX_THREADS = 256

_AHEAD = 2
"""Pieces of work for each thread that `map_in_order` has begun or waiting at once."""

T = TypeVar("T")
R = TypeVar("R")

_lock = threading.Lock()
_pool: ThreadPoolExecutor | None = None


def n_threads() -> int:
    """Return how many threads are used: ``USDK_N_THREADS``, or the processors of this process."""
    wanted = os.environ.get(N_THREADS_VARIABLE)
    if wanted is None:
        # Only Linux tells which processors this process may use.
        allowed = getattr(os, "sched_getaffinity", None)
        n_cores = len(allowed(0)) if allowed is not None else os.cpu_count() or 1
        return min(n_cores, MAX_THREADS)
    if not wanted.isdecimal() or not 1 <= int(wanted) <= MAX_THREADS:
        raise ArgumentError(f"{N_THREADS_VARIABLE} must be 1 to {MAX_THREADS}, got {wanted!r}")
    return int(wanted)


def cut(n: int, size: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each run of ``size`` places, the last one shorter, of n."""
    return [(start, min(start + size, n)) for start in range(0, n, size)]


def run_tiles(work: Callable[[T], None], tiles: Iterable[T], *, threads: int | None = None) -> None:
    """Call ``work`` once for each tile and return when all are done.

    The calling thread works too, so that a tile may itself call `run_tiles`.

    Parameters
    ----------
    work : callable
        Called with one tile; writes its result to a place of its own.
    tiles : iterable
        What to work on; an empty one does nothing.
    threads : int, optional
        Threads that work, the calling one included; `n_threads` when absent.

    Raises
    ------
    ArgumentError
        If ``threads`` is not 1 to `MAX_THREADS`.
    Exception
        What a tile raised, once no other tile writes any more; tiles not begun are left out.
    """
    n_working = n_threads() if threads is None else count(threads, "threads", most=MAX_THREADS)
    waiting = deque(tiles)

    def drain() -> None:
        while True:
            try:
                tile = waiting.popleft()
            except IndexError:
                return
            try:
                work(tile)
            except BaseException:
                waiting.clear()
                raise

    helpers = [_submit(drain) for _ in range(min(n_working, len(waiting)) - 1)]
    try:
        drain()
    finally:
        # A helper that has not begun has nothing left to do.
        begun = [helper for helper in helpers if not helper.cancel()]
        wait(begun)
    for helper in begun:
        helper.result()


def map_in_order(
    work: Callable[[T], R], pieces: Iterable[T], *, threads: int | None = None
) -> Iterator[R]:
    """Yield what ``work`` makes of each piece, in their order, while the next ones are under way.

    Pieces are taken only a few ahead of what is yielded, so that a stream of any length passes
    through little memory. The calling thread takes the pieces; the work is done by others.

    Parameters
    ----------
    work : callable
        Called with one piece, in several threads at once.
    pieces : iterable
        What to work on; it may make each piece when it is asked for.
    threads : int, optional
        Threads that work; `n_threads` when absent. With one, all is done in the calling thread.

    Raises
    ------
    ArgumentError
        If ``threads`` is not 1 to `MAX_THREADS`.
    Exception
        What a piece or the iterable raised, once no work is under way any more.
    """
    n_working = n_threads() if threads is None else count(threads, "threads", most=MAX_THREADS)
    if n_working == 1:
        yield from map(work, pieces)
        return
    # The pool is shared and larger than what may work here: the window is what limits it.
    turn = threading.Semaphore(n_working)

    def in_turn(piece: T) -> R:
        with turn:
            return work(piece)

    under_way: deque[Future[R]] = deque()
    try:
        for piece in pieces:
            under_way.append(_submit(partial(in_turn, piece)))
            if len(under_way) >= _AHEAD * n_working:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        wait([future for future in under_way if not future.cancel()])


def _submit(work: Callable[[], R]) -> Future[R]:
    global _pool
    with _lock:
        if _pool is None:
            # It starts threads as they are needed, and keeps them.
            _pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="usdk-tile")
        return _pool.submit(work)


def _forget_pool() -> None:
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


# A forked child inherits the pool's bookkeeping but none of its threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)
