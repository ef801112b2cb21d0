"""SerialTransport: control requests, uploads and data over the one line of a serial port."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from usdk.errors import (
    DataDamagedError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    StateError,
    UsdkError,
)
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.serial_line.frames import (
    FRAME_HEADER_BYTES,
    MAX_BODY_BYTES,
    SERIAL_VERSION,
    Answer,
    Frame,
    FrameDecoder,
    FrameKind,
    Greeting,
    Setup,
    encode_frame,
)
from usdk_drivers.serial_line.port import open_port, translated
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.wire import Request

__all__ = ["MAX_WAITING_BYTES", "OPEN_TIMEOUT_S", "SerialTransport"]

OPEN_TIMEOUT_S = 3.0
"""Some boards restart when their port is opened, and are not there before."""

HELLO_AGAIN_S = 0.25
ANSWER_TIMEOUT_S = 1.0
ASK_AGAIN_S = 0.3
"""A request whose answer does not come was damaged, or its answer was: it is sent again."""

FORGET_S = 0.25
"""A frame that was begun and does not go on for so long is given up."""

MAX_WAITING_BYTES = 16 * 2**20
"""Data that may gather while a request is answered; what is more is dropped, and missed."""

_BITS_PER_BYTE = 10
_READ_BYTES = 2**16
_UPLOAD_BYTES = 4096
_VENDOR_IN, _VENDOR_OUT, _TO_ENDPOINT = 0xC0, 0x40, 0x02
_CLEAR_FEATURE, _BULK_IN = 1, 0x81
_MAX_TAG = 255
# What came before the answer to one of these belongs to a run that is over.
_ENDS_RUN = frozenset({int(Request.START), int(Request.STOP)})


class SerialTransport:
    """`usdk_drivers.usb_link.Transport` over a serial port.

    One thread may read while another sends requests or closes. There is no thread of its own:
    whoever waits reads the port, and hands to the others what is theirs.

    Parameters
    ----------
    port : serial.Serial
        Open, and closed by this.
    address : SerialAddress
        What it was opened by.

    Raises
    ------
    DeviceFailedError
        If what answers does not speak the wire protocol.
    DeviceTimeoutError
        If nothing answers.
    DeviceAbsentError
        If the device goes away.
    """

    def __init__(self, port: Any, address: SerialAddress) -> None:
        self._port, self._name = port, address.port
        # Two of the longest frames stand before an answer at most.
        self._line_s = (
            2 * (FRAME_HEADER_BYTES + MAX_BODY_BYTES) * _BITS_PER_BYTE / max(address.baud, 1)
        )
        self._decoder = FrameDecoder()
        self._requesting = threading.Lock()
        self._changed = threading.Condition()
        self._is_reading = False
        self._heard_s = time.monotonic()
        self._is_closed = False
        self._gone: DeviceAbsentError | None = None
        # None stands for a halt between the data before it and after.
        self._data: deque[bytes | None] = deque()
        self._n_waiting_bytes = 0
        self._tag = 0
        self._ends_run = False
        self._answer: Answer | None = None
        self._welcome: Greeting | None = None
        self._nonce: int | None = None
        self._max_upload_bytes = _UPLOAD_BYTES
        self.n_bytes_received = 0
        self.n_asked_again = 0
        """Requests that were sent again because no answer came."""
        self.n_bytes_dropped = 0
        """Data for which there was no room while a request was answered."""
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, address: SerialAddress) -> Self:
        """Open a port and greet the device; raises as `open_port` and this class do."""
        return cls(open_port(address), address)

    @property
    def n_frames_damaged(self) -> int:
        """Frames of the line that came with a wrong body."""
        return self._decoder.n_damaged

    def control_in(self, request: int, *, value: int = 0, index: int = 0, length: int) -> bytes:
        """Return the answer to a vendor request, at most ``length`` bytes."""
        setup = Setup(_VENDOR_IN, int(request), int(value), index, length)
        return self._ask(setup, f"answering request {int(request):#04x}")[:length]

    def control_out(
        self, request: int, *, value: int = 0, index: int = 0, data: bytes = b""
    ) -> None:
        """Send a vendor request, with data if there are any."""
        setup = Setup(_VENDOR_OUT, int(request), int(value), index, len(data))
        self._ask(setup, f"obeying request {int(request):#04x}", data)

    def upload(self, data: bytes, deadline_s: float) -> None:
        """Send ``data`` as bulk OUT does before ``deadline_s`` on `time.monotonic`'s clock."""
        n_bytes = self._max_upload_bytes
        for place in range(0, len(data), n_bytes):
            if time.monotonic() >= deadline_s:
                raise DeviceTimeoutError("the device did not take the upload in time")
            piece = data[place : place + n_bytes]
            self._send_and_wait(FrameKind.UPLOAD, piece, "taking an upload", deadline_s)

    def read(self, timeout_s: float) -> memoryview:
        """Return the data that came, at most after ``timeout_s``; empty if there are none.

        Raises
        ------
        EndpointStalledError
            If the device halted its data: `clear_halt` and go on.
        """
        self._wait(lambda: bool(self._data), time.monotonic() + timeout_s)
        with self._changed:
            if self._data and self._data[0] is None:
                self._data.popleft()
                self._n_waiting_bytes -= _room_for(None)
                raise EndpointStalledError("the device halted its data")
            pieces: list[bytes] = []
            while self._data and (piece := self._data[0]) is not None:
                pieces.append(piece)
                self._data.popleft()
            self._n_waiting_bytes -= sum(map(_room_for, pieces))
        return memoryview(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def clear_halt(self) -> None:
        """Let the device send data again after a halt."""
        self._ask(Setup(_TO_ENDPOINT, _CLEAR_FEATURE, 0, _BULK_IN), "going on after a halt")

    def close(self) -> None:
        """Release the port; works on one that is gone, and twice."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
            # A wait for bytes ends by itself within a slice.
            self._changed.wait_for(lambda: not self._is_reading)
        # So does a request, and a write at the latest after its own time: until then the port must
        # stay, since its number may be another file's afterwards.
        with self._requesting, suppress(OSError):
            self._port.close()

    def _greet(self) -> None:
        """Agree with the device on where the stream of frames begins."""
        self._nonce = secrets.randbits(32)
        hello = encode_frame(FrameKind.HELLO, 0, Greeting(self._nonce).pack())
        end_s = time.monotonic() + OPEN_TIMEOUT_S
        self._send(hello, "greeting")
        while not self._wait(self._is_welcome, time.monotonic() + HELLO_AGAIN_S):
            if time.monotonic() >= end_s:
                raise self._stranger()
            self._send(hello, "greeting")
        welcome = self._welcome
        assert welcome is not None
        if welcome.version != SERIAL_VERSION:
            raise DeviceFailedError(
                f"the device on {self._name} speaks version {welcome.version} of the serial "
                f"line's frames, this driver {SERIAL_VERSION}: update the older of both"
            )
        self._max_upload_bytes = min(welcome.max_upload_bytes, MAX_BODY_BYTES)
        if self._max_upload_bytes < 1:
            raise DeviceFailedError(f"the device on {self._name} takes no uploads: update it")

    def _is_welcome(self) -> bool:
        return self._welcome is not None

    def _stranger(self) -> UsdkError:
        if self.n_bytes_received:
            return DeviceFailedError(
                f"what sends on {self._name} does not speak the wire protocol "
                f"({self.n_bytes_received} bytes came, no greeting): check the port, and the baud"
            )
        return DeviceTimeoutError(
            f"nothing answers on {self._name}: check that it is the right port, that the device "
            "is on, and the baud"
        )

    def _ask(self, setup: Setup, doing: str, data: bytes = b"") -> bytes:
        end_s = time.monotonic() + ANSWER_TIMEOUT_S + self._line_s
        is_end = setup.request_type == _VENDOR_OUT and setup.request in _ENDS_RUN
        return self._send_and_wait(
            FrameKind.REQUEST, setup.pack(data), doing, end_s, ends_run=is_end
        )

    def _send_and_wait(
        self, kind: FrameKind, body: bytes, doing: str, end_s: float, *, ends_run: bool = False
    ) -> bytes:
        """Send what the device answers, again if it does not, and return the answer's data."""
        with self._requesting:
            with self._changed:
                self._tag = self._tag % _MAX_TAG + 1
                self._answer, self._ends_run = None, ends_run
            frame = encode_frame(kind, self._tag, body)
            self._send(frame, doing)
            while not self._wait(
                lambda: self._answer is not None,
                min(end_s, time.monotonic() + ASK_AGAIN_S + self._line_s),
            ):
                if time.monotonic() >= end_s:
                    raise DeviceTimeoutError(f"the device did not answer in time while {doing}")
                # By its tag the device knows what it did already.
                self.n_asked_again += 1
                self._send(frame, doing)
            answer = self._take_over()
        if answer.is_refused:
            raise EndpointStalledError(f"the device refused while {doing}")
        return answer.data

    def _take_over(self) -> Answer:
        with self._changed:
            answer, self._answer = self._answer, None
        assert answer is not None
        return answer

    def _send(self, frame: bytes, doing: str) -> None:
        self._require_usable()
        with translated(self._name, doing):
            self._port.write(frame)

    def _wait(self, is_done: Callable[[], bool], end_s: float) -> bool:
        """Wait until a condition holds, reading the port unless another thread does."""
        with self._changed:
            while not is_done():
                self._require_usable()
                remaining_s = end_s - time.monotonic()
                if remaining_s <= 0:
                    return False
                if self._is_reading:
                    self._changed.wait(remaining_s)
                    continue
                self._read_port()
            return True

    def _read_port(self) -> None:
        """Take what came on the port; waits for a slice at most, the condition not held."""
        self._is_reading = True
        self._changed.release()
        chunk, gone = b"", None
        try:
            with translated(self._name, "sending"):
                chunk = self._port.read(min(self._port.in_waiting, _READ_BYTES) or 1)
        except DeviceAbsentError as error:
            gone = error
        finally:
            self._changed.acquire()
            self._is_reading = False
            self._changed.notify_all()
        if gone is not None:
            self._gone = gone
            return
        now_s = time.monotonic()
        if chunk:
            self._heard_s = now_s
        elif self._decoder.is_within_frame and now_s - self._heard_s > FORGET_S:
            self._decoder.give_up()
        self.n_bytes_received += len(chunk)
        self._decoder.receive(chunk)
        while (frame := self._decoder.next_frame()) is not None:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        try:
            if frame.kind == FrameKind.WELCOME:
                self._take_welcome(Greeting.unpack(frame.body))
            elif frame.kind == FrameKind.ANSWER and frame.tag == self._tag:
                self._take_answer(Answer.unpack(frame.body))
            elif frame.kind in (FrameKind.DATA, FrameKind.HALTED):
                self._take_data(None if frame.kind == FrameKind.HALTED else frame.body)
        except DataDamagedError:
            # Whole and yet senseless: as good as never sent.
            return

    def _take_welcome(self, greeting: Greeting) -> None:
        if greeting.nonce == self._nonce:
            self._welcome = greeting

    def _take_answer(self, answer: Answer) -> None:
        self._answer = answer
        if self._ends_run:
            self._data.clear()
            self._n_waiting_bytes = 0
            self._ends_run = False

    def _take_data(self, data: bytes | None) -> None:
        if self._welcome is None:
            # Of whoever had the port before.
            return
        if self._n_waiting_bytes + _room_for(data) > MAX_WAITING_BYTES:
            self.n_bytes_dropped += len(data or b"")
            return
        self._data.append(data)
        self._n_waiting_bytes += _room_for(data)

    def _require_usable(self) -> None:
        if self._is_closed:
            raise StateError("the front-end is closed: open it again")
        if self._gone is not None:
            raise DeviceAbsentError(str(self._gone))


def _room_for(data: bytes | None) -> int:
    # Frames without a body take room, too.
    return FRAME_HEADER_BYTES + len(data or b"")
