"""The SETTINGS message: trigger lines and watchdog, as asked for and as really set."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum

from usdk.errors import DataDamagedError
from usdk_drivers.wire.fields import FieldReader
from usdk_drivers.wire.message import MessageType, frame_message, unframe_message

__all__ = [
    "DeviceSettings",
    "TriggerEdge",
    "TriggerOutput",
    "TriggerSource",
    "TriggerStarts",
]

_SETTINGS = "IBBBBdddd24x"


class TriggerSource(IntEnum):
    """What starts a frame or a transmit."""

    INTERNAL = 0
    EXTERNAL = 1


class TriggerEdge(IntEnum):
    """Which edge of the input counts."""

    RISING = 0
    FALLING = 1


class TriggerStarts(IntEnum):
    """What one external trigger starts."""

    FRAME = 0
    TRANSMIT = 1


class TriggerOutput(IntEnum):
    """When the output gives a pulse."""

    OFF = 0
    FRAME = 1
    TRANSMIT = 2


@dataclass(frozen=True, kw_only=True)
class DeviceSettings:
    """What is set beside the sequence.

    Parameters
    ----------
    settings_id : int
        Chosen by the host for each upload, not 0; 0 for what holds since power on.
    source, edge, starts
        Of the external trigger.
    delay_s : float
        From the edge of a trigger to the transmit that it starts, s.
    timeout_s : float
        How long the device waits for a trigger before it freezes, s; 0 for any time.
    output : TriggerOutput
        When the output gives a pulse.
    output_width_s : float
        Length of that pulse, s.
    watchdog_s : float
        For how long the host may be silent while the device runs, s; 0 for any time.
    """

    settings_id: int = 0
    source: TriggerSource = TriggerSource.INTERNAL
    edge: TriggerEdge = TriggerEdge.RISING
    starts: TriggerStarts = TriggerStarts.FRAME
    delay_s: float = 0.0
    timeout_s: float = 0.0
    output: TriggerOutput = TriggerOutput.OFF
    output_width_s: float = 0.0
    watchdog_s: float = 0.0

    def pack(self) -> bytes:
        """Return the whole message."""
        body = struct.pack(
            "<" + _SETTINGS,
            self.settings_id,
            self.source,
            self.edge,
            self.starts,
            self.output,
            self.delay_s,
            self.timeout_s,
            self.output_width_s,
            self.watchdog_s,
        )
        return frame_message(MessageType.SETTINGS, body)

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> DeviceSettings:
        """Return the settings; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.SETTINGS, message))
        identifier, source, edge, starts, output, *times_s = reader.unpack(_SETTINGS)
        reader.finish()
        if not all(math.isfinite(time_s) and time_s >= 0 for time_s in times_s):
            raise DataDamagedError("a time of the settings is negative or no number")
        delay_s, timeout_s, width_s, watchdog_s = times_s
        try:
            return cls(
                settings_id=identifier,
                source=TriggerSource(source),
                edge=TriggerEdge(edge),
                starts=TriggerStarts(starts),
                delay_s=delay_s,
                timeout_s=timeout_s,
                output=TriggerOutput(output),
                output_width_s=width_s,
                watchdog_s=watchdog_s,
            )
        except ValueError as error:
            raise DataDamagedError(f"settings of the trigger that cannot be: {error}") from error
