"""Frames of a serial line: any bytes, in any chunks, end; what is whole is what was sent."""

from __future__ import annotations

from collections.abc import Callable

from usdk.errors import DataDamagedError
from usdk_drivers.serial_line.frames import (
    FRAME_HEADER_BYTES,
    MAX_BODY_BYTES,
    Answer,
    Frame,
    FrameDecoder,
    FrameKind,
    Greeting,
    Setup,
    encode_frame,
)

_READERS: dict[int, Callable[[bytes], object]] = {
    FrameKind.HELLO: Greeting.unpack,
    FrameKind.WELCOME: Greeting.unpack,
    FrameKind.REQUEST: Setup.unpack,
    FrameKind.ANSWER: Answer.unpack,
}

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return a chunk size and a conversation, whole and cut."""
    talk = b"".join(
        (
            encode_frame(FrameKind.HELLO, 0, Greeting(7).pack()),
            encode_frame(FrameKind.WELCOME, 0, Greeting(7, 1, 4096).pack()),
            encode_frame(FrameKind.REQUEST, 1, Setup(0xC0, 3, 1, 0, 4096).pack()),
            encode_frame(FrameKind.ANSWER, 1, Answer(False, b"USDM").pack()),
            encode_frame(FrameKind.UPLOAD, 2, b"a piece"),
            encode_frame(FrameKind.DATA, 0, b"USDPUSDS"),
            encode_frame(FrameKind.HALTED, 0),
        )
    )
    return [b"\x05" + talk, b"\xff" + talk, b"\x01" + talk[:50], b"\x40USDS" + talk[3:]]


def _frames(data: bytes, n_bytes: int) -> list[Frame]:
    decoder, frames = FrameDecoder(), []
    for place in range(0, len(data), n_bytes):
        decoder.receive(data[place : place + n_bytes])
        while (frame := decoder.next_frame()) is not None:
            assert len(frame.body) <= MAX_BODY_BYTES
            frames.append(frame)
    n_used = sum(FRAME_HEADER_BYTES + len(frame.body) for frame in frames)
    assert n_used + decoder.n_bytes_discarded <= len(data)
    return frames


def one_input(data: bytes) -> None:
    """Decode in chunks of the first byte's size and at once, and read what the bodies hold."""
    if not data:
        return
    stream = data[1:]
    frames = _frames(stream, data[0] + 1)
    assert frames == _frames(stream, max(1, len(stream)))
    for frame in frames:
        # Whole frames stand in the stream as they would be sent.
        assert encode_frame(frame.kind, frame.tag, frame.body) in stream
        reader = _READERS.get(frame.kind)
        if reader is not None:
            try:
                reader(frame.body)
            except DataDamagedError:
                continue
