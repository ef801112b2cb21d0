"""Packets taken apart: the decoder with every CRC-32, beside the checksum and a copy alone."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from usdk_drivers.wire import DataType, Packet, PacketDecoder, PacketHeader, encode_packet

N_TRANSMITS, N_ELEMENTS, N_SAMPLES = 11, 128, 2112
CHUNK_BYTES = 2**20


@pytest.fixture(scope="module")
def stream() -> bytes:
    """One frame of W1 as it comes over the wire."""
    shape = (N_TRANSMITS, N_ELEMENTS, N_SAMPLES)
    samples = np.random.default_rng(0).integers(-2000, 2000, shape, dtype=np.int16)
    return b"".join(
        encode_packet(
            PacketHeader(
                configuration_id=1,
                run=1,
                packet_number=transmit,
                frame_number=0,
                transmit_index=transmit,
                data_type=DataType.of(samples.dtype),
                n_elements=N_ELEMENTS,
                n_samples=N_SAMPLES,
                device_timestamp_ns=0,
            ),
            samples[transmit],
        )
        for transmit in range(N_TRANSMITS)
    )


def test_packets_with_their_checksums(benchmark: Any, stream: bytes) -> None:
    room = memoryview(bytearray(N_ELEMENTS * N_SAMPLES * 2))
    view = memoryview(stream)

    def decode() -> int:
        decoder, n_packets = PacketDecoder(lambda _: room), 0
        for place in range(0, len(view), CHUNK_BYTES):
            decoder.receive(view[place : place + CHUNK_BYTES])
            while (event := decoder.next_event()) is not None:
                n_packets += isinstance(event, Packet)
        return n_packets

    assert benchmark(decode) == N_TRANSMITS
    benchmark.extra_info["GB/s"] = len(stream) / benchmark.stats["median"] / 1e9


def test_a_checksum_and_a_copy_alone(benchmark: Any, stream: bytes) -> None:
    room = memoryview(bytearray(len(stream)))

    def check_and_copy() -> int:
        room[:] = stream
        return zlib.crc32(room)

    assert benchmark(check_and_copy) == zlib.crc32(stream)
    benchmark.extra_info["GB/s"] = len(stream) / benchmark.stats["median"] / 1e9
