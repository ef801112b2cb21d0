from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from usdk.errors import ArgumentError, DataDamagedError
from usdk_drivers.wire import (
    PACKET_HEADER_BYTES,
    DataType,
    PacketFlag,
    PacketHeader,
    encode_packet,
)

HEADER = PacketHeader(
    configuration_id=5,
    run=2,
    packet_number=77,
    frame_number=25,
    transmit_index=2,
    data_type=DataType.INT16,
    n_elements=2,
    n_samples=3,
    device_timestamp_ns=123_456_789,
    flags=PacketFlag.AFTER_OVERRUN,
)


@pytest.mark.parametrize("data_type", DataType)
def test_a_packet_comes_back_as_it_was_sent(data_type: DataType) -> None:
    samples = np.arange(6).reshape(2, 3).astype(data_type.dtype)
    packet = encode_packet(replace(HEADER, data_type=data_type), samples)
    header = PacketHeader.unpack(packet[:PACKET_HEADER_BYTES])
    payload = packet[PACKET_HEADER_BYTES:]
    assert header == replace(HEADER, data_type=data_type, payload_crc=zlib.crc32(payload))
    assert len(payload) == header.payload_bytes
    assert np.array_equal(np.frombuffer(payload, data_type.dtype).reshape(2, 3), samples)


def test_every_flipped_bit_of_a_header_is_refused() -> None:
    header = HEADER.pack()
    for bit in range(8 * len(header)):
        spoilt = bytearray(header)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DataDamagedError):
            PacketHeader.unpack(bytes(spoilt))


def forged(offset: int, layout: str, value: int) -> bytes:
    """Return a header whose field is changed and whose checksum is right again."""
    header = bytearray(HEADER.pack())
    struct.pack_into(layout, header, offset, value)
    struct.pack_into("<I", header, 60, zlib.crc32(header[:60]))
    return bytes(header)


@pytest.mark.parametrize(
    ("offset", "layout", "value"),
    [
        (4, "<H", 2),
        (6, "<H", 128),
        (24, "<Q", 2**63),
        (32, "<I", 4096),
        (36, "<B", 9),
        (38, "<H", 16_385),
        (40, "<I", 2**20 + 1),
        (44, "<I", 13),
    ],
)
def test_a_field_beyond_its_limit_is_refused(offset: int, layout: str, value: int) -> None:
    with pytest.raises(DataDamagedError):
        PacketHeader.unpack(forged(offset, layout, value))


def test_a_payload_beyond_the_limit_is_refused() -> None:
    huge = replace(HEADER, n_elements=16_384, n_samples=2**20 // 8, data_type=DataType.COMPLEX64)
    header = bytearray(replace(huge, n_samples=1).pack())
    struct.pack_into("<I", header, 40, 2**13)  # 16384 · 8192 · 8 bytes = 1 GiB
    struct.pack_into("<I", header, 44, 2**30)
    struct.pack_into("<I", header, 60, zlib.crc32(header[:60]))
    with pytest.raises(DataDamagedError, match="payload"):
        PacketHeader.unpack(bytes(header))


def test_samples_of_another_shape_are_not_sent() -> None:
    with pytest.raises(ArgumentError, match="shape"):
        encode_packet(HEADER, np.zeros((3, 3), np.int16))


def test_a_dtype_without_a_code_is_refused() -> None:
    with pytest.raises(ArgumentError, match="float64"):
        DataType.of(np.dtype(np.float64))
