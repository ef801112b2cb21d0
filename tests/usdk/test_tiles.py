from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from usdk.errors import ArgumentError
from usdk.tiles import MAX_THREADS, N_THREADS_VARIABLE, cut, map_in_order, n_threads, run_tiles


def test_pieces_hold_every_place_once_and_only_the_last_is_short() -> None:
    assert cut(7, 3) == [(0, 3), (3, 6), (6, 7)]
    assert cut(6, 3) == [(0, 3), (3, 6)]
    assert cut(2, 3) == [(0, 2)]
    assert cut(0, 3) == []


@pytest.mark.parametrize("threads", [1, 2, 7, MAX_THREADS])
@pytest.mark.parametrize("n_tiles", [0, 1, 2, 100])
def test_every_tile_runs_once(threads: int, n_tiles: int) -> None:
    counts = [0] * n_tiles

    def work(tile: int) -> None:
        counts[tile] += 1

    run_tiles(work, iter(range(n_tiles)), threads=threads)
    assert counts == [1] * n_tiles


def test_tiles_run_at_once_and_in_no_more_threads_than_asked() -> None:
    together = threading.Barrier(3)
    names: set[str] = set()

    def work(tile: int) -> None:
        names.add(threading.current_thread().name)
        together.wait(timeout=10)

    run_tiles(work, range(9), threads=3)
    assert len(names) == 3
    assert threading.current_thread().name in names


def test_an_error_of_a_tile_reaches_the_caller_after_the_others_ended() -> None:
    running = threading.Event()
    ended: list[int] = []

    def work(tile: int) -> None:
        if tile == 0:
            assert running.wait(10)
            raise ArgumentError("this tile")
        running.set()
        time.sleep(0.05)
        ended.append(tile)

    with pytest.raises(ArgumentError, match="this tile"):
        run_tiles(work, range(1000), threads=2)
    written = len(ended)
    assert 1 <= written < 999
    time.sleep(0.1)
    assert len(ended) == written
    run_tiles(ended.append, [1], threads=2)


@pytest.mark.parametrize("threads", [1, 2])
def test_an_index_error_of_a_tile_is_not_taken_for_the_end(threads: int) -> None:
    def work(tile: int) -> None:
        raise IndexError("mine")

    with pytest.raises(IndexError, match="mine"):
        run_tiles(work, range(4), threads=threads)


def test_an_error_of_the_tiles_themselves_reaches_the_caller() -> None:
    def tiles() -> Iterator[int]:
        yield 1
        raise ArgumentError("no more")

    with pytest.raises(ArgumentError, match="no more"):
        run_tiles(lambda tile: None, tiles())


def test_tiles_within_tiles_do_not_wait_for_each_other() -> None:
    done: list[tuple[int, int]] = []

    def outer(i: int) -> None:
        run_tiles(lambda j: done.append((i, j)), range(8), threads=4)

    thread = threading.Thread(target=lambda: run_tiles(outer, range(8), threads=4), daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert sorted(done) == [(i, j) for i in range(8) for j in range(8)]


def test_many_threads_may_call_at_once() -> None:
    counts = [0] * 16

    def call(k: int) -> None:
        for _ in range(20):
            seen: list[int] = []
            run_tiles(seen.append, range(5), threads=3)
            counts[k] += sorted(seen) == [0, 1, 2, 3, 4]

    callers = [threading.Thread(target=call, args=(k,)) for k in range(16)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=20)
    assert counts == [20] * 16


FORK = """
import os, threading
from usdk.tiles import run_tiles
together = threading.Barrier(2)
run_tiles(lambda tile: together.wait(10), range(2), threads=2)
child = os.fork()
if child == 0:
    threading.Timer(20, os._exit, [3]).start()
    run_tiles(lambda tile: together.wait(10), range(2), threads=2)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_has_threads_of_its_own() -> None:
    # -W: Python warns of any fork of a process that has threads, which is the point here.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.strip() == "0"


def test_the_environment_says_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(N_THREADS_VARIABLE, raising=False)
    assert 1 <= n_threads() <= (os.cpu_count() or 1)
    monkeypatch.setenv(N_THREADS_VARIABLE, "3")
    assert n_threads() == 3


@pytest.mark.parametrize("wanted", ["", "0", "-1", "2.5", "many", str(MAX_THREADS + 1)])
def test_a_senseless_environment_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setenv(N_THREADS_VARIABLE, wanted)
    with pytest.raises(ArgumentError, match=N_THREADS_VARIABLE):
        run_tiles(lambda tile: None, range(3))


@pytest.mark.parametrize("threads", [0, -1, MAX_THREADS + 1, "many", 1.5])
def test_a_senseless_number_of_threads_is_refused(threads: Any) -> None:
    with pytest.raises(ArgumentError, match="threads must be"):
        run_tiles(lambda tile: None, range(3), threads=threads)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_of_a_stream_keep_the_order_of_their_pieces(threads):
    def slow_first(piece):
        time.sleep(0.002 if piece % 3 == 0 else 0)
        return piece * piece

    squares = map_in_order(slow_first, iter(range(40)), threads=threads)
    assert list(squares) == [n * n for n in range(40)]


def test_a_stream_is_taken_only_a_few_pieces_ahead():
    taken = []

    def pieces():
        for n in range(1000):
            taken.append(n)
            yield n

    stream = map_in_order(lambda n: n, pieces(), threads=2)
    assert next(stream) == 0
    assert len(taken) <= 4
    stream.close()
    assert len(taken) <= 4


def test_no_more_pieces_of_a_stream_are_worked_on_at_once_than_there_are_threads():
    lock, now, most = threading.Lock(), [0], [0]

    def work(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.001)
        with lock:
            now[0] -= 1

    for _ in map_in_order(work, range(50), threads=3):
        pass
    assert 1 <= most[0] <= 3


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_a_piece_or_of_the_stream_reaches_the_caller(threads):
    def fail_at_five(n):
        if n == 5:
            raise ValueError("five")
        return n

    got = []
    with pytest.raises(ValueError, match="five"):
        got.extend(map_in_order(fail_at_five, range(50), threads=threads))
    assert got == [0, 1, 2, 3, 4]

    def broken():
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(map_in_order(fail_at_five, broken(), threads=threads))
