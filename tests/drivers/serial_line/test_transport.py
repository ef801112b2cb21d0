"""The transport, against a port whose other end is written out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from usdk.errors import (
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
)
from usdk_drivers.serial_line import transport
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.serial_line.frames import (
    Answer,
    Frame,
    FrameDecoder,
    FrameKind,
    Greeting,
    Setup,
    encode_frame,
)
from usdk_drivers.serial_line.transport import SerialTransport
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.wire import Request

ADDRESS = SerialAddress("COM9", 12_000_000)
Script = Callable[[Frame], Iterator[bytes]]


def obedient(frame: Frame) -> Iterator[bytes]:
    """Welcome, and answer every request with its own body."""
    if frame.kind == FrameKind.HELLO:
        yield welcome(frame)
    else:
        yield answer(frame, frame.body)


def welcome(frame: Frame, **more: int) -> bytes:
    nonce = Greeting.unpack(frame.body).nonce
    fields = {"max_upload_bytes": 100} | more
    return encode_frame(FrameKind.WELCOME, 0, Greeting(nonce, **fields).pack())


def answer(frame: Frame, data: bytes = b"", *, is_refused: bool = False) -> bytes:
    return encode_frame(FrameKind.ANSWER, frame.tag, Answer(is_refused, data).pack())


def data(body: bytes) -> bytes:
    return encode_frame(FrameKind.DATA, 0, body)


class Port:
    """As much of ``serial.Serial`` as is used; ``script`` says what comes back for a frame."""

    def __init__(self, script: Script = obedient) -> None:
        self.script = script
        self.asked: list[Frame] = []
        self.is_gone = False
        self.is_closed = False
        self._decoder = FrameDecoder()
        self._bytes = bytearray()
        self._arrived = threading.Condition()

    def put(self, chunk: bytes) -> None:
        with self._arrived:
            self._bytes += chunk
            self._arrived.notify_all()

    @property
    def in_waiting(self) -> int:
        if self.is_gone:
            raise OSError(5, "Input/output error")
        return len(self._bytes)

    def read(self, size: int) -> bytes:
        with self._arrived:
            self._arrived.wait_for(lambda: self._bytes, timeout=0.01)
            chunk = bytes(self._bytes[:size])
            del self._bytes[:size]
        return chunk

    def write(self, chunk: bytes) -> None:
        if self.is_gone:
            raise OSError(5, "Input/output error")
        self._decoder.receive(chunk)
        while (frame := self._decoder.next_frame()) is not None:
            self.asked.append(frame)
            for reply in self.script(frame):
                self.put(reply)

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "OPEN_TIMEOUT_S", 0.3)
    monkeypatch.setattr(transport, "HELLO_AGAIN_S", 0.05)


def opened(script: Script = obedient) -> tuple[SerialTransport, Port]:
    port = Port(script)
    return SerialTransport(port, ADDRESS), port


def test_a_request_is_a_setup_packet_and_its_answer_comes_back() -> None:
    line, port = opened()
    setup = Setup(0xC0, 3, 2, 5, 4096)
    assert line.control_in(3, value=2, index=5, length=4096) == setup.pack()
    line.control_out(0x55, value=1, index=2, data=b"later versions")
    assert Setup.unpack(port.asked[-1].body) == (Setup(0x40, 0x55, 1, 2, 14), b"later versions")
    assert [frame.tag for frame in port.asked] == [0, 1, 2]
    line.close()
    assert port.is_closed


def test_tags_go_round_and_are_never_those_of_the_request_before() -> None:
    line, port = opened()
    for _ in range(300):
        line.control_out(1)
    tags = [frame.tag for frame in port.asked[1:]]
    assert set(tags) == set(range(1, 256))
    assert all(a != b for a, b in pairwise(tags))


def test_an_upload_goes_in_pieces_that_the_device_can_take() -> None:
    line, port = opened()
    line.upload(bytes(range(250)), time.monotonic() + 5)
    pieces = [frame.body for frame in port.asked if frame.kind == FrameKind.UPLOAD]
    assert [len(piece) for piece in pieces] == [100, 100, 50]
    assert b"".join(pieces) == bytes(range(250))
    with pytest.raises(DeviceTimeoutError):
        line.upload(b"late", time.monotonic() - 1)


def test_a_refusal_is_a_stall() -> None:
    def refusing(frame: Frame) -> Iterator[bytes]:
        is_hello = frame.kind == FrameKind.HELLO
        yield welcome(frame) if is_hello else answer(frame, is_refused=True)

    line, _ = opened(refusing)
    with pytest.raises(EndpointStalledError):
        line.control_out(Request.START)
    with pytest.raises(EndpointStalledError):
        line.upload(b"sequence", time.monotonic() + 5)


def test_a_request_is_sent_again_with_its_tag_when_no_answer_comes() -> None:
    seen: list[int] = []

    def forgetful(frame: Frame) -> Iterator[bytes]:
        if frame.kind == FrameKind.HELLO:
            yield welcome(frame)
            return
        seen.append(frame.tag)
        if len(seen) == 2:
            spoilt = bytearray(answer(frame, b"spoilt"))
            spoilt[-1] ^= 1
            yield bytes(spoilt)
        if len(seen) == 3:
            yield answer(frame, b"at last")

    line, _ = opened(forgetful)
    assert line.control_in(1, length=8) == b"at last"
    assert seen == [1, 1, 1]
    assert (line.n_asked_again, line.n_frames_damaged) == (2, 1)


def test_a_device_that_never_answers_is_a_timeout() -> None:
    def mute(frame: Frame) -> Iterator[bytes]:
        if frame.kind == FrameKind.HELLO:
            yield welcome(frame)

    line, _ = opened(mute)
    started_s = time.monotonic()
    with pytest.raises(DeviceTimeoutError, match="in time"):
        line.control_in(1, length=8)
    assert time.monotonic() - started_s < 10


def test_answers_to_other_requests_and_senseless_frames_are_ignored() -> None:
    def confused(frame: Frame) -> Iterator[bytes]:
        if frame.kind == FrameKind.HELLO:
            yield encode_frame(FrameKind.WELCOME, 0, b"short")
            yield encode_frame(FrameKind.WELCOME, 0, Greeting(1, 1, 9).pack())
            yield welcome(frame)
            return
        yield encode_frame(FrameKind.ANSWER, frame.tag + 1, Answer(False, b"other").pack())
        yield encode_frame(FrameKind.ANSWER, frame.tag, b"")
        yield encode_frame(0x99, frame.tag, b"a kind of a later version")
        yield answer(frame, b"right")

    line, _ = opened(confused)
    assert line.control_in(1, length=8) == b"right"


def test_data_keep_their_order_around_answers_and_halts() -> None:
    line, port = opened()
    port.put(data(b"one"))
    line.control_out(0x55)
    port.put(data(b"two") + encode_frame(FrameKind.HALTED, 0) + data(b"three"))
    line.control_out(0x55)
    assert bytes(line.read(1)) == b"onetwo"
    with pytest.raises(EndpointStalledError):
        line.read(1)
    assert bytes(line.read(1)) == b"three"
    line.clear_halt()
    assert Setup.unpack(port.asked[-1].body) == (Setup(0x02, 1, 0, 0x81), b"")
    assert bytes(line.read(0.02)) == b""


@pytest.mark.parametrize("request_", [Request.START, Request.STOP])
def test_data_before_the_answer_to_start_and_stop_are_of_a_run_that_is_over(
    request_: Request,
) -> None:
    def running(frame: Frame) -> Iterator[bytes]:
        if frame.kind == FrameKind.HELLO:
            yield data(b"of whoever had the port before") + welcome(frame)
            return
        yield data(b"old") + encode_frame(FrameKind.HALTED, 0) + answer(frame) + data(b"new")

    line, _ = opened(running)
    line.control_out(request_)
    assert bytes(line.read(1)) == b"new"
    # With any other request the data go on.
    line.control_out(0x55)
    assert bytes(line.read(1)) == b"old"


def test_data_that_nobody_fetches_are_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_WAITING_BYTES", 1000)

    def flooding(frame: Frame) -> Iterator[bytes]:
        if frame.kind == FrameKind.HELLO:
            yield welcome(frame)
            return
        yield data(bytes(84)) * 30 + encode_frame(FrameKind.HALTED, 0) * 1000 + answer(frame)

    line, _ = opened(flooding)
    line.control_out(0x55)
    assert len(line.read(1)) == 10 * 84
    assert line.n_bytes_dropped == 20 * 84
    line.control_out(0x55)
    assert len(line.read(1)) == 10 * 84


def test_what_does_not_greet_is_no_front_end() -> None:
    def chatty(frame: Frame) -> Iterator[bytes]:
        yield b"ERROR\r\n"

    def echo(frame: Frame) -> Iterator[bytes]:
        yield encode_frame(frame.kind, frame.tag, frame.body)

    for script in (chatty, echo):
        port = Port(script)
        with pytest.raises(DeviceFailedError, match=r"does not speak the wire protocol .* bytes"):
            SerialTransport(port, ADDRESS)
        assert port.is_closed
    port = Port(lambda frame: iter(()))
    with pytest.raises(DeviceTimeoutError, match="nothing answers on COM9"):
        SerialTransport(port, ADDRESS)
    assert port.is_closed
    # A board that restarts when it is opened is greeted until it is there.
    assert len(port.asked) >= 3


@pytest.mark.parametrize(
    ("fields", "message"), [({"version": 2}, "version 2"), ({"max_upload_bytes": 0}, "no uploads")]
)
def test_a_device_of_another_version_is_refused(fields: dict[str, int], message: str) -> None:
    def other(frame: Frame) -> Iterator[bytes]:
        yield welcome(frame, **fields)

    with pytest.raises(DeviceFailedError, match=message):
        opened(other)


def test_a_device_that_went_away_stays_away() -> None:
    line, port = opened()
    port.put(data(b"last words"))
    line.control_out(0x55)
    port.is_gone = True
    assert bytes(line.read(1)) == b"last words"
    for call in (lambda: line.read(1), lambda: line.control_out(1), lambda: line.read(1)):
        with pytest.raises(DeviceAbsentError, match="plug it in again"):
            call()
    line.close()
    line.close()
    with pytest.raises(StateError, match="open it again"):
        line.control_out(1)


def test_closing_ends_a_read_of_another_thread() -> None:
    line, port = opened()
    met: list[BaseException] = []

    def read() -> None:
        try:
            line.read(30)
        except BaseException as error:
            met.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.05)
    # A request is answered although another thread holds the port.
    assert line.control_in(1, length=8) == Setup(0xC0, 1, 0, 0, 8).pack()
    line.close()
    reader.join(10)
    assert not reader.is_alive()
    assert isinstance(met[0], StateError)
    assert port.is_closed


def half(frame: bytes) -> bytes:
    return frame[: len(frame) // 2]


def test_a_frame_that_never_ends_does_not_hide_the_answer_behind_it() -> None:
    def cut_off(frame: Frame) -> Iterator[bytes]:
        if frame.kind != FrameKind.HELLO:
            yield half(data(bytes(8000)))
        yield from obedient(frame)

    line, port = opened(cut_off)
    assert line.control_in(3, length=4096) == Setup(0xC0, 3, 0, 0, 4096).pack()
    assert len(port.asked) <= 3
    port.put(half(data(bytes(8000))) + data(b"behind it"))
    deadline_s = time.monotonic() + 5
    while not (came := line.read(0.1)):
        assert time.monotonic() < deadline_s
    assert bytes(came) == b"behind it"


def test_a_slow_frame_is_waited_for() -> None:
    line, port = opened()
    whole = data(bytes(range(200)) * 20)

    def trickle() -> None:
        for place in range(0, len(whole), 400):
            port.put(whole[place : place + 400])
            time.sleep(transport.FORGET_S / 4)

    sender = threading.Thread(target=trickle)
    sender.start()
    came = line.read(30.0)
    sender.join()
    assert bytes(came) == bytes(range(200)) * 20


def test_a_port_is_not_closed_under_the_hands_of_one_who_writes() -> None:
    line, port = opened()
    is_writing, may_end = threading.Event(), threading.Event()

    def slow_write(chunk: bytes) -> None:
        is_writing.set()
        may_end.wait(10)
        assert not port.is_closed

    port.write = slow_write  # type: ignore[method-assign]
    errors: list[Exception] = []

    def ask() -> None:
        try:
            line.control_out(1)
        except StateError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert is_writing.wait(10)
    closing = threading.Thread(target=line.close)
    closing.start()
    time.sleep(0.05)
    assert not port.is_closed
    may_end.set()
    for thread in (asking, closing):
        thread.join(10)
        assert not thread.is_alive()
    assert port.is_closed
    assert len(errors) == 1
