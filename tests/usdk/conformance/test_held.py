from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from usdk.conformance import held
from usdk.conformance.held import n_file_descriptors, n_threads, settled


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_an_open_file_is_counted() -> None:
    before = n_file_descriptors()
    assert before is not None
    descriptor = os.open(os.devnull, os.O_RDONLY)
    assert n_file_descriptors() == before + 1
    os.close(descriptor)
    assert n_file_descriptors() == before


def test_a_thread_is_counted_until_it_has_ended() -> None:
    before, event = n_threads(), threading.Event()
    # Several, as threads of other tests may end meanwhile.
    threads = [threading.Thread(target=event.wait, args=(5.0,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert n_threads() > before
    event.set()
    for thread in threads:
        thread.join()
    count = settled(n_threads, before)
    assert count is not None
    assert count <= before


def test_where_nothing_can_be_told_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_DESCRIPTORS", Path("/absent"))
    monkeypatch.setattr(held, "_TASKS", Path("/absent"))
    assert n_file_descriptors() is None
    assert n_threads() == threading.active_count()


def test_what_stays_too_many_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_SETTLING_S", 0.05)
    assert settled(lambda: 9, 3) == 9
