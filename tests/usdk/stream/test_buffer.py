"""A bounded queue whose counts add up."""

from __future__ import annotations

import threading
import time

import pytest

from usdk.errors import StateError
from usdk.stream.buffer import Buffer, Item
from usdk.stream.when_full import WhenFull


def put(buffer: Buffer, *values: int) -> None:
    for value in values:
        buffer.put(Item(value, 0.0))


def taken(buffer: Buffer) -> list[int]:
    values = []
    while (item := buffer.get(timeout_s=0.0)) is not None:
        values.append(item.value)
    return values


def test_items_come_out_in_their_order() -> None:
    buffer = Buffer("b", 3, WhenFull.DROP_OLDEST)
    put(buffer, 1, 2, 3)
    assert taken(buffer) == [1, 2, 3]


def test_the_oldest_makes_room() -> None:
    buffer = Buffer("b", 2, WhenFull.DROP_OLDEST)
    put(buffer, 1, 2, 3)
    assert taken(buffer) == [2, 3]
    counts = buffer.counts()
    assert (counts.n_given, counts.n_dropped, counts.n_taken) == (3, 1, 2)


def test_a_full_buffer_that_must_not_drop_raises_and_keeps_what_it_has() -> None:
    buffer = Buffer("record", 1, WhenFull.STOP)
    put(buffer, 1)
    with pytest.raises(StateError, match="record"):
        put(buffer, 2)
    assert taken(buffer) == [1]
    assert buffer.counts().n_dropped == 1


def test_a_blocking_buffer_waits_for_room() -> None:
    buffer = Buffer("b", 1, WhenFull.BLOCK)
    put(buffer, 1)
    thread = threading.Thread(target=put, args=(buffer, 2))
    thread.start()
    time.sleep(0.02)
    assert buffer.counts().n_given == 1
    assert buffer.get() == Item(1, 0.0)
    thread.join(5)
    assert taken(buffer) == [2]


def test_closing_frees_who_waits_to_put_and_who_waits_to_get() -> None:
    full, empty = Buffer("b", 1, WhenFull.BLOCK), Buffer("b", 1, WhenFull.BLOCK)
    put(full, 1)
    threads = [
        threading.Thread(target=put, args=(full, 2)),
        threading.Thread(target=empty.get),
    ]
    for thread in threads:
        thread.start()
    full.close()
    empty.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert taken(full) == [1]
    assert full.counts().n_dropped == 1
    assert full.is_at_end
    assert empty.is_at_end


def test_what_is_discarded_is_counted() -> None:
    buffer = Buffer("b", 4, WhenFull.BLOCK)
    put(buffer, 1, 2, 3)
    buffer.close(discard=True)
    assert taken(buffer) == []
    assert buffer.counts().n_dropped == 3
