"""Wire protocol version 1: bytes ↔ messages, without I/O.

`docs/reference/wire-protocol.md` states every byte; the tests hold vectors that both must match.
"""

from usdk_drivers.wire.decoder import Damage, DamageReason, Packet, PacketDecoder
from usdk_drivers.wire.description import DeviceDescription
from usdk_drivers.wire.element_tests import ElementTests
from usdk_drivers.wire.message import (
    MESSAGE_HEADER_BYTES,
    MessageType,
    frame_message,
    message_length,
    message_type,
    unframe_message,
)
from usdk_drivers.wire.packet import (
    PACKET_HEADER_BYTES,
    DataType,
    PacketFlag,
    PacketHeader,
    encode_packet,
)
from usdk_drivers.wire.protocol import (
    MAX_MESSAGE_BYTES,
    MAX_PAYLOAD_BYTES,
    MAX_SAMPLES,
    PAGE_BYTES,
    PROTOCOL_VERSION,
    DeviceState,
    ErrorCode,
    FrozenBecause,
    PowerCode,
    Request,
    SelfTestState,
)
from usdk_drivers.wire.sequence import SequenceSettings, sequence_bytes
from usdk_drivers.wire.settings import (
    DeviceSettings,
    TriggerEdge,
    TriggerOutput,
    TriggerSource,
    TriggerStarts,
)
from usdk_drivers.wire.status import DeviceError, DeviceStatus, VersionRange

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_PAYLOAD_BYTES",
    "MAX_SAMPLES",
    "MESSAGE_HEADER_BYTES",
    "PACKET_HEADER_BYTES",
    "PAGE_BYTES",
    "PROTOCOL_VERSION",
    "Damage",
    "DamageReason",
    "DataType",
    "DeviceDescription",
    "DeviceError",
    "DeviceSettings",
    "DeviceState",
    "DeviceStatus",
    "ElementTests",
    "ErrorCode",
    "FrozenBecause",
    "MessageType",
    "Packet",
    "PacketDecoder",
    "PacketFlag",
    "PacketHeader",
    "PowerCode",
    "Request",
    "SelfTestState",
    "SequenceSettings",
    "TriggerEdge",
    "TriggerOutput",
    "TriggerSource",
    "TriggerStarts",
    "VersionRange",
    "encode_packet",
    "frame_message",
    "message_length",
    "message_type",
    "sequence_bytes",
    "unframe_message",
]
