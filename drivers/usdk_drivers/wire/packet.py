"""Data packets: the echoes of one transmit of one frame, all elements."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError, DataDamagedError
from usdk.probe import MAX_ELEMENTS
from usdk.transmit import MAX_TRANSMITS
from usdk_drivers.wire.protocol import MAX_PAYLOAD_BYTES, MAX_SAMPLES, PROTOCOL_VERSION

__all__ = [
    "PACKET_HEADER_BYTES",
    "PACKET_MAGIC",
    "DataType",
    "PacketFlag",
    "PacketHeader",
    "encode_packet",
]

PACKET_MAGIC = b"USDP"
_FIELDS = struct.Struct("<4sHHIHHQQIBxHIIQI")
_CHECKSUM = struct.Struct("<I")
MAX_FRAME_NUMBER = 2**63 - 1
PACKET_HEADER_BYTES = _FIELDS.size + _CHECKSUM.size


class DataType(IntEnum):
    """Type of one sample."""

    INT16 = 1
    FLOAT32 = 2
    COMPLEX64 = 3

    @property
    def dtype(self) -> np.dtype[Any]:
        """The little-endian numpy dtype."""
        return _DTYPES[self]

    @classmethod
    def of(cls, dtype: np.dtype[Any]) -> DataType:
        """Return the code of a channel-data dtype."""
        for code, known in _DTYPES.items():
            if known == dtype:
                return code
        raise ArgumentError(f"{dtype} cannot be sent: use int16, float32 or complex64")


_DTYPES: dict[DataType, np.dtype[Any]] = {
    DataType.INT16: np.dtype("<i2"),
    DataType.FLOAT32: np.dtype("<f4"),
    DataType.COMPLEX64: np.dtype("<c8"),
}


class PacketFlag(IntFlag):
    """Bits of a packet's flags."""

    NONE = 0
    END_OF_DATA = 1
    AFTER_OVERRUN = 2
    NO_TIMESTAMP = 4


@dataclass(frozen=True, kw_only=True)
class PacketHeader:
    """The header of one data packet.

    Parameters
    ----------
    configuration_id, run : int
        Which upload and which start the data belong to.
    packet_number : int
        Count of packets made since the start, those that the device dropped included.
    frame_number : int
        Count of frames since the start; for END_OF_DATA, how many frames were made.
    transmit_index : int
        Which transmit of the frame.
    n_elements, n_samples : int
        Shape of the payload; both 0 with END_OF_DATA.
    device_timestamp_ns : int
        Start of the transmit on the device's clock, ns; without meaning with NO_TIMESTAMP.
    """

    configuration_id: int
    run: int
    packet_number: int
    frame_number: int
    transmit_index: int
    data_type: DataType
    n_elements: int
    n_samples: int
    device_timestamp_ns: int
    flags: PacketFlag = PacketFlag.NONE
    payload_crc: int = 0

    @property
    def payload_bytes(self) -> int:
        """Length of the payload, bytes."""
        return self.n_elements * self.n_samples * self.data_type.dtype.itemsize

    def pack(self) -> bytes:
        """Return the 64 bytes of the header."""
        fields = _FIELDS.pack(
            PACKET_MAGIC,
            PROTOCOL_VERSION,
            PACKET_HEADER_BYTES,
            self.configuration_id,
            self.run,
            self.flags,
            self.packet_number,
            self.frame_number,
            self.transmit_index,
            self.data_type,
            self.n_elements,
            self.n_samples,
            self.payload_bytes,
            self.device_timestamp_ns,
            self.payload_crc,
        )
        return fields + _CHECKSUM.pack(zlib.crc32(fields))

    @classmethod
    def unpack(cls, header: bytes | memoryview) -> PacketHeader:
        """Return the header of 64 bytes; `DataDamagedError` if any field cannot be right."""
        (checksum,) = _CHECKSUM.unpack_from(header, _FIELDS.size)
        if zlib.crc32(header[: _FIELDS.size]) != checksum:
            raise DataDamagedError("the header's CRC-32 is wrong")
        (
            magic,
            version,
            header_bytes,
            configuration_id,
            run,
            flags,
            packet_number,
            frame_number,
            transmit_index,
            data_type,
            n_elements,
            n_samples,
            payload_bytes,
            device_timestamp_ns,
            payload_crc,
        ) = _FIELDS.unpack_from(header)
        if (magic, version, header_bytes) != (PACKET_MAGIC, PROTOCOL_VERSION, PACKET_HEADER_BYTES):
            raise DataDamagedError("magic, version or header length are not those of version 1")
        if data_type not in _DTYPES:
            raise DataDamagedError(f"sample type {data_type} is unknown")
        if n_elements > MAX_ELEMENTS or n_samples > MAX_SAMPLES or transmit_index >= MAX_TRANSMITS:
            raise DataDamagedError("a count exceeds its limit")
        if frame_number > MAX_FRAME_NUMBER:
            raise DataDamagedError(f"frame number {frame_number} exceeds a signed 64-bit integer")
        parsed = cls(
            configuration_id=configuration_id,
            run=run,
            packet_number=packet_number,
            frame_number=frame_number,
            transmit_index=transmit_index,
            data_type=DataType(data_type),
            n_elements=n_elements,
            n_samples=n_samples,
            device_timestamp_ns=device_timestamp_ns,
            flags=PacketFlag(flags),
            payload_crc=payload_crc,
        )
        if parsed.payload_bytes != payload_bytes or payload_bytes > MAX_PAYLOAD_BYTES:
            raise DataDamagedError(f"a payload of {payload_bytes} bytes does not fit its shape")
        return parsed


def encode_packet(header: PacketHeader, samples: NDArray[Any] | None = None) -> bytes:
    """Return a whole packet, its payload's CRC-32 filled in.

    ``samples`` has shape (n_elements, n_samples); they are absent with END_OF_DATA.
    """
    shape = (0, 0) if samples is None else samples.shape
    if shape != (header.n_elements, header.n_samples):
        raise ArgumentError(f"samples of shape {shape} do not fit the header")
    payload = b""
    if samples is not None:
        payload = np.ascontiguousarray(samples, dtype=header.data_type.dtype).tobytes()
    fields = {**header.__dict__, "payload_crc": zlib.crc32(payload)}
    return PacketHeader(**fields).pack() + payload
