"""A simulated device's side: requests and uploads of any host are answered or stalled."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from wire_seals import seal_message

from usdk_drivers.serial_line.frames import MAX_BODY_BYTES, Frame, FrameKind, Greeting, Setup
from usdk_drivers.simulator.serial_requests import SerialRequests
from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.wire import MESSAGE_HEADER_BYTES, MessageType, Request

_VECTORS = Path(__file__).parents[2] / "tests" / "data" / "wire" / "vectors.json"
_STEP = struct.Struct("<BH")
_SIMULATED = simulated_device("linear-l11-5v?frames=2")
_UPLOADS = (MessageType.SEQUENCE, MessageType.SETTINGS, MessageType.SELF_TEST)
_IN, _OUT = 0xC0, 0x40


def _step(kind: int, body: bytes) -> bytes:
    return _STEP.pack(kind, len(body)) + body


def seeds() -> list[bytes]:
    """Return what a host does: it greets, asks, sets a sequence, and starts."""
    vectors = {name: bytes.fromhex(text) for name, text in json.loads(_VECTORS.read_text()).items()}
    greet = _step(0, Greeting(7).pack())
    asks = b"".join(
        _step(1, Setup(_IN, request, value, 0, 4096).pack())
        for request, value in (
            (Request.GET_VERSION, 0),
            (Request.READ_MESSAGE, MessageType.DESCRIPTION),
            (Request.GET_STATUS, 0),
            (Request.GET_ERROR, 0),
        )
    )
    orders = b"".join(
        _step(1, Setup(_OUT, request, value, 0, 0).pack())
        for request, value in (
            (Request.SELECT_VERSION, 1),
            (Request.START_SELF_TEST, 0),
            (Request.SET_POWER, 1),
            (Request.START, 3),
            (Request.STOP, 0),
        )
    )
    uploads = b"".join(
        _step(3 + place, vectors[name][MESSAGE_HEADER_BYTES:])
        for place, name in enumerate(("sequence", "settings"))
    )
    return [greet + asks, greet + orders, greet + uploads + orders, _step(2, b"USDM") + greet]


def one_input(data: bytes) -> None:
    """Carry out step after step: greetings, requests, raw uploads, sealed uploads."""
    firmware = _SIMULATED.firmware()
    requests = SerialRequests(_SIMULATED.on_usb(firmware))
    requests.carry_out(Frame(FrameKind.HELLO, 0, Greeting(1).pack()))
    place, tag = 0, 0
    while place + _STEP.size <= len(data):
        kind, n_bytes = _STEP.unpack_from(data, place)
        body = data[place + _STEP.size : place + _STEP.size + n_bytes]
        place, tag = place + _STEP.size + n_bytes, (tag + 1) & 0xFF
        match kind % 6:
            case 0:
                frame = Frame(FrameKind.HELLO, tag, body)
            case 1:
                frame = Frame(FrameKind.REQUEST, tag, body)
            case 2:
                frame = Frame(FrameKind.UPLOAD, tag, body)
            case other:
                frame = Frame(FrameKind.UPLOAD, tag, seal_message(_UPLOADS[other - 3], body))
        assert len(requests.carry_out(frame)) <= MAX_BODY_BYTES + 64
