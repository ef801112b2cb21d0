"""The SELF_TEST message: what the device found of each element and of its cable."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from usdk.errors import DataDamagedError
from usdk.front_end import ElementCondition, ElementTest, SelfTest
from usdk.probe import MAX_ELEMENTS
from usdk_drivers.wire.fields import FieldReader, pack_string
from usdk_drivers.wire.message import MessageType, frame_message, unframe_message

__all__ = ["ElementTests"]

_HEAD = "I12x"
_ELEMENT = struct.Struct("<B3xff")
# The order is the wire's: append, never insert.
_CONDITIONS = (
    ElementCondition.GOOD,
    ElementCondition.OPEN,
    ElementCondition.SHORT,
    ElementCondition.WEAK,
)


@dataclass(frozen=True)
class ElementTests:
    """The message of a self-test that is done."""

    found: SelfTest

    def pack(self) -> bytes:
        """Return the whole message."""
        elements = self.found.elements
        body = struct.pack("<" + _HEAD, len(elements)) + pack_string(self.found.cable_id)
        body += b"".join(
            _ELEMENT.pack(_CONDITIONS.index(one.condition), one.impedance_ohm, one.sensitivity_db)
            for one in elements
        )
        return frame_message(MessageType.SELF_TEST, body)

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> ElementTests:
        """Return what was found; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.SELF_TEST, message))
        (n_elements,) = reader.unpack(_HEAD)
        if not 1 <= n_elements <= MAX_ELEMENTS:
            raise DataDamagedError(f"a self-test of {n_elements} elements")
        cable_id = reader.string()
        elements = tuple(_element(*reader.unpack("B3xff")) for _ in range(n_elements))
        reader.finish()
        return cls(SelfTest(elements=elements, cable_id=cable_id))


def _element(condition: int, impedance_ohm: float, sensitivity_db: float) -> ElementTest:
    if condition >= len(_CONDITIONS):
        raise DataDamagedError(f"an element in condition {condition}, which is unknown")
    if impedance_ohm < 0:
        raise DataDamagedError("an element's impedance is negative")
    return ElementTest(
        condition=_CONDITIONS[condition],
        impedance_ohm=impedance_ohm,
        sensitivity_db=sensitivity_db,
    )
