"""Data packets: any bytes, in any chunks, end; a packet that is whole stands in the stream."""

from __future__ import annotations

import numpy as np
from wire_seals import seal_packets

from usdk_drivers.wire import (
    PACKET_HEADER_BYTES,
    Damage,
    DataType,
    Packet,
    PacketDecoder,
    PacketFlag,
    PacketHeader,
    encode_packet,
)

_SEALED = 0x80
_MAX_PAYLOAD_BYTES = 1 << 12

WEIGHT = 4
"""Share of a campaign's time, where others have 1."""

MAX_INPUT_BYTES = 2048
"""Cut into chunks of a byte, longer ones take long and tell no more."""


def seeds() -> list[bytes]:
    """Return a run of packets whole, cut, and doubled, each behind its chunk size."""
    shape = {"n_elements": 2, "n_samples": 3}
    common = {"configuration_id": 7, "run": 3, "transmit_index": 1, "device_timestamp_ns": 5}
    run = b""
    for number, kind in enumerate(DataType):
        header = PacketHeader(
            packet_number=number, frame_number=number, data_type=kind, **shape, **common
        )
        run += encode_packet(header, np.full((2, 3), number, kind.dtype))
    end = PacketHeader(
        packet_number=4,
        frame_number=3,
        data_type=DataType.INT16,
        n_elements=0,
        n_samples=0,
        flags=PacketFlag.END_OF_DATA,
        **common,
    )
    run += encode_packet(end)
    return [b"\x05" + run, b"\xff" + run, b"\x8f" + run[:90] + run, b"\x81USD" + run[10:]]


def _events(stream: bytes, n_bytes: int) -> tuple[list[tuple[object, bytes | None]], int]:
    decoder = PacketDecoder(
        lambda header: memoryview(bytearray(header.payload_bytes)),
        max_payload_bytes=_MAX_PAYLOAD_BYTES,
    )
    found: list[tuple[object, bytes | None]] = []
    n_whole = 0
    for place in range(0, len(stream), n_bytes):
        decoder.receive(stream[place : place + n_bytes])
        while (event := decoder.next_event()) is not None:
            if isinstance(event, Packet):
                assert event.payload is not None
                found.append((event.header, bytes(event.payload)))
                n_whole += PACKET_HEADER_BYTES + event.header.payload_bytes
            else:
                assert isinstance(event, Damage)
                found.append((event.header, None))
    assert n_whole + decoder.n_bytes_discarded <= len(stream)
    return [one for one in found if one[1] is not None], len(found)


def one_input(data: bytes) -> None:
    """Decode in chunks of the first byte's size and at once; both find the same packets."""
    if not data:
        return
    stream = seal_packets(data[1:]) if data[0] & _SEALED else data[1:]
    packets, n_events = _events(stream, (data[0] & ~_SEALED) + 1)
    assert (packets, n_events) == _events(stream, max(1, len(stream)))
    # No event without a byte that was used up.
    assert n_events <= len(stream)
    for header, payload in packets:
        assert isinstance(header, PacketHeader)
        assert payload is not None
        # Reserved bytes are not kept; all else is.
        assert PacketHeader.unpack(header.pack()) == header
        assert len(payload) == header.payload_bytes
        assert payload in stream
