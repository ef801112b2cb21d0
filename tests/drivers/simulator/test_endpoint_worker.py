from __future__ import annotations

import errno
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from usdk_drivers.simulator import endpoint_worker
from usdk_drivers.simulator.device_model import BULK_IN, BULK_OUT, Nak, UsbDevice
from usdk_drivers.simulator.endpoint_worker import EndpointWorker, TransferRequest

WAIT_S = 10.0


class Function:
    """Gives what the test says, and takes as long."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.error: Exception | None = None
        self.taken: list[bytes] = []

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        return b"answer"

    def bulk_out(self, data: bytes) -> None:
        assert self.may_go_on.wait(WAIT_S)
        if self.error is not None:
            raise self.error
        self.taken.append(data)

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        time.sleep(timeout_s)
        raise Nak


Made = tuple[EndpointWorker, Function, "queue.Queue[tuple[int, int]]"]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Made]]:
    workers: list[EndpointWorker] = []
    strange: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", strange.append)

    def made(answer: Callable[..., None] | None = None) -> Made:
        function, answers = Function(), queue.Queue[tuple[int, int]]()
        device = UsbDevice(
            function,
            vendor_id=1,
            product_id=2,
            interface_triple=(255, 0, 0),
            strings=("maker", "product", "serial"),
        )
        note = answer or (lambda request, status, data: answers.put((request.number, status)))
        workers.append(EndpointWorker(device, 0, note, "worker of a test"))
        return workers[-1], function, answers

    yield made
    for worker in workers:
        worker.close()
    assert strange == []


def outgoing(number: int, n_bytes: int = 1) -> tuple[TransferRequest, bytes]:
    request = TransferRequest(
        number=number, endpoint=BULK_OUT & 0xF, is_incoming=False, n_bytes=n_bytes
    )
    return request, bytes(n_bytes)


def test_no_more_transfers_wait_than_there_is_room_for(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_worker, "MAX_WAITING", 5)
    worker, function, answers = make()
    function.may_go_on.clear()
    n_taken = 0
    while worker.submit(*outgoing(n_taken)):
        n_taken += 1
        assert n_taken < 20
    assert n_taken >= 5
    # One that is taken back makes room for another.
    assert worker.take_back(n_taken - 1)
    assert worker.submit(*outgoing(n_taken - 1))
    function.may_go_on.set()
    assert [answers.get(timeout=WAIT_S) for _ in range(n_taken)] == [(k, 0) for k in range(n_taken)]


def test_no_more_bytes_wait_than_there_is_room_for(
    make: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_worker, "MAX_WAITING_BYTES", 1000)
    worker, function, answers = make()
    function.may_go_on.clear()
    n_taken = 0
    while worker.submit(*outgoing(n_taken, 600)):
        n_taken += 1
        assert n_taken < 20
    assert n_taken in (2, 3)
    function.may_go_on.set()
    for _ in range(n_taken):
        answers.get(timeout=WAIT_S)
    assert worker.submit(*outgoing(99, 5000))
    assert answers.get(timeout=WAIT_S) == (99, 0)


def test_a_device_that_fails_is_answered_for_and_the_next_transfer_is_made(
    make: Callable[..., Made], caplog: pytest.LogCaptureFixture
) -> None:
    worker, function, answers = make()
    function.error = RuntimeError("a fault of the simulation")
    with caplog.at_level(logging.ERROR):
        worker.submit(*outgoing(1))
        assert answers.get(timeout=WAIT_S) == (1, -errno.EPROTO)
    assert "a fault of the simulation" in caplog.text
    function.error = None
    worker.submit(*outgoing(2))
    assert answers.get(timeout=WAIT_S) == (2, 0)


def test_an_answer_that_cannot_be_given_ends_nothing(
    make: Callable[..., Made], caplog: pytest.LogCaptureFixture
) -> None:
    answered: list[int] = []

    def answer(request: TransferRequest, status: int, data: object) -> None:
        answered.append(request.number)
        if request.number == 1:
            raise RuntimeError("nobody is there")

    worker, _, _ = make(answer)
    worker.submit(*outgoing(1))
    worker.submit(*outgoing(2))
    end_s = time.monotonic() + WAIT_S
    while answered != [1, 2]:
        assert time.monotonic() < end_s
        time.sleep(1e-3)
    assert not worker.take_back(1)
    assert "could not be answered" in caplog.text


def test_a_transfer_that_waits_is_taken_back_and_not_answered(make: Callable[..., Made]) -> None:
    worker, _, answers = make()
    request = TransferRequest(number=7, endpoint=BULK_IN & 0xF, is_incoming=True, n_bytes=64)
    worker.submit(request, b"")
    time.sleep(0.01)
    assert worker.take_back(7)
    assert not worker.take_back(7)
    assert answers.empty()
