"""WhenFull: what happens when a consumer is slower than what comes."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["WhenFull"]


class WhenFull(StrEnum):
    """What a full buffer does with one more item.

    ``DROP_OLDEST`` makes room: right for a display, which wants the newest. ``BLOCK`` waits: the
    stages before it, and in the end the device, are held up, and what the device then drops is
    counted by the device. ``STOP`` ends the stream with an error: right for a recording that must
    be whole.
    """

    DROP_OLDEST = "drop oldest"
    BLOCK = "block"
    STOP = "stop"
