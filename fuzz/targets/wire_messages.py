"""Messages of the wire protocol: refused by type, or such that they encode to what they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

from wire_seals import seal_message

from usdk.errors import ArgumentError, DataDamagedError
from usdk_drivers.wire import (
    MESSAGE_HEADER_BYTES,
    DeviceDescription,
    DeviceError,
    DeviceSettings,
    DeviceStatus,
    ElementTests,
    MessageType,
    SequenceSettings,
    VersionRange,
    message_length,
    message_type,
)

_VECTORS = Path(__file__).parents[2] / "tests" / "data" / "wire" / "vectors.json"


class _Readable(Protocol):
    def pack(self) -> bytes: ...

    @classmethod
    def unpack(cls, message: bytes) -> _Readable: ...


_FRAMED: dict[MessageType, type[_Readable]] = {
    MessageType.DESCRIPTION: DeviceDescription,
    MessageType.SEQUENCE: SequenceSettings,
    MessageType.SETTINGS: DeviceSettings,
    MessageType.SELF_TEST: ElementTests,
}
_BARE: tuple[type[_Readable], ...] = (VersionRange, DeviceStatus, DeviceError)
_RAW = 0x40
"""Of the first byte: what follows is a whole message, whose checksum stays as it is."""

WEIGHT = 2
"""Share of a campaign's time, where others have 1."""


def seeds() -> list[bytes]:
    """Return the protocol's test vectors, as messages and as bodies."""
    vectors = {name: bytes.fromhex(text) for name, text in json.loads(_VECTORS.read_text()).items()}
    bare = ("version range", "status", "error")
    found = [bytes((0x80 | index,)) + vectors[name] for index, name in enumerate(bare)]
    for kind, name in (
        (MessageType.DESCRIPTION, "description"),
        (MessageType.SEQUENCE, "sequence"),
        (MessageType.SETTINGS, "settings"),
        (MessageType.SELF_TEST, "self-test"),
    ):
        found.append(bytes((kind,)) + vectors[name][MESSAGE_HEADER_BYTES:])
        found.append(bytes((_RAW | kind,)) + vectors[name])
    return found


def _reader(first: int) -> type[_Readable]:
    if first & 0x80:
        return _BARE[(first & 0x3F) % len(_BARE)]
    return _FRAMED[MessageType((first - 1) % len(_FRAMED) + 1)]


def one_input(data: bytes) -> None:
    """Read, encode, read again: the second encoding is the first."""
    if not data:
        return
    first, message = data[0], bytes(data[1:])
    if not first & (0x80 | _RAW):
        message = seal_message((first - 1) % len(_FRAMED) + 1, message)
    reader = _reader(first)
    try:
        if not first & 0x80:
            assert message_length(message) >= MESSAGE_HEADER_BYTES
            message_type(message)
        found = reader.unpack(message)
    except DataDamagedError:
        return
    try:
        encoded = found.pack()
    except ArgumentError:
        return
    assert reader.unpack(encoded).pack() == encoded
