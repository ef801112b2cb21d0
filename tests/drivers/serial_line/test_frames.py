"""Frames of a serial line: the reference page byte for byte, and any bytes at all."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError, DataDamagedError
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
from usdk_drivers.wire import Request, VersionRange

PAGE = Path(__file__).parents[3] / "docs/reference/wire-protocol.md"
SECTION = PAGE.read_text(encoding="utf-8").split("\n## On a serial line\n")[1].split("\n## ")[0]
FORMATS = {"char[4]": "4s", "u8": "B", "u8[3]": "3s", "u16": "H", "u32": "I"}


def table(heading: str, column: str) -> list[list[str]]:
    part = SECTION.split(f"\n### {heading}\n")[1].split("\n### ")[0]
    lines = part[part.index(f"| {column} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def by_offset(heading: str, data: bytes) -> dict[str, Any]:
    return {
        name: struct.unpack_from("<" + FORMATS[kind], data, int(offset))[0]
        if kind in FORMATS
        else data[int(offset) :]
        for offset, kind, name, _ in table(heading, "Offset")
    }


def all_frames(*chunks: bytes) -> list[Frame]:
    decoder, frames = FrameDecoder(), []
    for chunk in chunks:
        decoder.receive(chunk)
        while (frame := decoder.next_frame()) is not None:
            frames.append(frame)
    return frames


def test_the_page_s_tables_are_the_driver_s() -> None:
    data = encode_frame(FrameKind.REQUEST, 9, b"body")
    assert by_offset("Frames", data) == {
        "magic": b"USDS",
        "kind": 2,
        "tag": 9,
        "n_bytes": 4,
        "body_crc": zlib.crc32(b"body"),
        "header_crc": zlib.crc32(data[:12]),
    }
    assert data[FRAME_HEADER_BYTES:] == b"body"
    kinds = {name: int(code, 0) for code, name, *_ in table("Frames", "Kind")}
    assert kinds == {kind.name: kind.value for kind in FrameKind}
    greeting = by_offset("Greeting", Greeting(7, 1, 4096).pack())
    assert greeting == {"nonce": 7, "version": 1, "max_upload_bytes": 4096}
    setup = Setup(0x40, 4, 0x102, 0x304, 5)
    fields = by_offset("Request", setup.pack(b"seven"))
    assert list(fields.values()) == [0x40, 4, 0x102, 0x304, 5, b"seven"]
    answer = by_offset("Answer", Answer(True, b"why").pack())
    assert answer == {"result": 1, "reserved": bytes(3), "data": b"why"}
    assert f"at most {MAX_BODY_BYTES} |" in SECTION


def test_the_page_s_bytes_are_read_as_it_says() -> None:
    rows = table("Byte for byte", "From")
    frames = all_frames(*(bytes.fromhex(row[2].strip("`").replace(" ", "")) for row in rows))
    assert len(frames) == len(rows) == 9
    hello, welcome, ask, version, start, done, data, halted, lift = frames
    assert (hello.kind, Greeting.unpack(hello.body)) == (FrameKind.HELLO, Greeting(0x12345678))
    assert welcome.kind == FrameKind.WELCOME
    assert Greeting.unpack(welcome.body) == Greeting(0x12345678, 1, 4096)
    assert Setup.unpack(ask.body) == (Setup(0xC0, Request.GET_VERSION, 0, 0, 8), b"")
    assert (ask.tag, ask.kind) == (version.tag, FrameKind.REQUEST)
    assert VersionRange.unpack(Answer.unpack(version.body).data) == VersionRange(1, 1)
    assert Setup.unpack(start.body) == (Setup(0x40, Request.START, 7), b"")
    assert Answer.unpack(done.body) == Answer(False)
    assert (data.kind, data.body) == (FrameKind.DATA, b"USDP")
    assert (halted.kind, halted.body) == (FrameKind.HALTED, b"")
    assert Setup.unpack(lift.body) == (Setup(0x02, 1, 0, 0x81), b"")


FRAMES = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60)), max_size=8
)


@given(FRAMES, st.integers(1, 50))
def test_frames_come_whole_whatever_the_chunks(parts: list[Any], n_bytes: int) -> None:
    stream = b"".join(encode_frame(*part) for part in parts)
    chunks = [stream[k : k + n_bytes] for k in range(0, len(stream), n_bytes)]
    assert [(f.kind, f.tag, f.body) for f in all_frames(*chunks)] == parts


@given(FRAMES, st.lists(st.binary(max_size=40), min_size=9, max_size=9))
def test_garbage_between_frames_costs_none(parts: list[Any], garbage: list[bytes]) -> None:
    # A magic with too short a header would hold back what follows until more comes.
    clean = [piece.replace(b"U", b"x") for piece in garbage]
    stream = b"".join(g + encode_frame(*part) for g, part in zip(clean, parts, strict=False))
    assert [(f.kind, f.tag, f.body) for f in all_frames(stream)] == parts


@given(st.data())
def test_a_byte_lost_or_changed_costs_one_frame(data: st.DataObject) -> None:
    bodies = [bytes([k]) * 50 for k in range(6)]
    frames = [encode_frame(FrameKind.DATA, 0, body) for body in bodies]
    spoilt = data.draw(st.integers(0, 5))
    place = data.draw(st.integers(0, len(frames[0]) - 1))
    frame = bytearray(frames[spoilt])
    if data.draw(st.booleans()):
        del frame[place]
    else:
        frame[place] ^= 1 << data.draw(st.integers(0, 7))
    # What ends in the middle of a frame shows when the next ones come.
    after = [encode_frame(FrameKind.HALTED, 0)] * 600
    stream = b"".join([*frames[:spoilt], bytes(frame), *frames[spoilt + 1 :], *after])
    got = [f.body for f in all_frames(stream) if f.kind == FrameKind.DATA]
    assert got == bodies[:spoilt] + bodies[spoilt + 1 :]


@given(st.lists(st.one_of(st.binary(max_size=300), st.just(b"USDS")), max_size=20))
def test_any_bytes_end_and_are_bounded(chunks: list[bytes]) -> None:
    decoder = FrameDecoder()
    for chunk in chunks:
        decoder.receive(chunk)
        while decoder.next_frame() is not None:
            pass
    decoder.give_up()
    assert decoder.n_bytes_discarded <= sum(map(len, chunks))


def test_a_stream_without_end_is_not_kept() -> None:
    decoder = FrameDecoder()
    frame = encode_frame(FrameKind.DATA, 0, bytes(MAX_BODY_BYTES))
    for _ in range(300):
        decoder.receive(frame[:5000] + b"USDS")
        while decoder.next_frame() is not None:
            pass
    # What was used up is given back now and then.
    assert len(decoder._bytes) < 2**19


def test_a_frame_that_does_not_go_on_can_be_given_up() -> None:
    decoder = FrameDecoder()
    decoder.receive(encode_frame(FrameKind.DATA, 0, bytes(100))[:50])
    assert decoder.next_frame() is None
    assert decoder.is_within_frame
    decoder.give_up()
    decoder.receive(encode_frame(FrameKind.HELLO, 0, b"12345678"))
    frame = decoder.next_frame()
    assert frame is not None
    assert frame.kind == FrameKind.HELLO
    assert not decoder.is_within_frame


def test_what_no_frame_can_hold_is_refused() -> None:
    with pytest.raises(ArgumentError, match="8192"):
        encode_frame(FrameKind.DATA, 0, bytes(MAX_BODY_BYTES + 1))
    header = struct.pack("<4sBBHI", b"USDS", 0x83, 0, MAX_BODY_BYTES + 1, 0)
    whole = header + struct.pack("<I", zlib.crc32(header))
    assert [f.kind for f in all_frames(whole, encode_frame(1, 0))] == [1]


@pytest.mark.parametrize(
    ("unpack", "body"),
    [
        (Greeting.unpack, bytes(7)),
        (Setup.unpack, bytes(7)),
        (Answer.unpack, bytes(3)),
        (Answer.unpack, b"\x02\0\0\0"),
    ],
)
def test_bodies_that_cannot_be_are_damaged(unpack: Any, body: bytes) -> None:
    with pytest.raises(DataDamagedError):
        unpack(body)
