"""The numbers that both sides must agree on: versions, requests, states, error codes, limits."""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "MAX_GAIN_POINTS",
    "MAX_MESSAGE_BYTES",
    "MAX_PAYLOAD_BYTES",
    "MAX_RAILS",
    "MAX_SAMPLES",
    "MAX_SAMPLING_FREQUENCIES",
    "MAX_STRING_BYTES",
    "PAGE_BYTES",
    "PROTOCOL_VERSION",
    "DeviceState",
    "ErrorCode",
    "FrozenBecause",
    "PowerCode",
    "Request",
    "SelfTestState",
]

PROTOCOL_VERSION = 1

# Linux' usbfs moves at most one page of 4096 bytes in a control transfer.
PAGE_BYTES = 4096
MAX_MESSAGE_BYTES = 64 * 2**20
MAX_PAYLOAD_BYTES = 64 * 2**20
MAX_SAMPLES = 2**20
MAX_STRING_BYTES = 255
MAX_SAMPLING_FREQUENCIES = 64
MAX_RAILS = 8
MAX_GAIN_POINTS = 1024


class Request(IntEnum):
    """``bRequest`` of the vendor control requests."""

    GET_VERSION = 0x01
    SELECT_VERSION = 0x02
    READ_MESSAGE = 0x03
    START = 0x04
    STOP = 0x05
    GET_STATUS = 0x06
    GET_ERROR = 0x07
    SET_POWER = 0x08
    KEEP_ALIVE = 0x09
    START_SELF_TEST = 0x0A


class DeviceState(IntEnum):
    """What the device is doing."""

    IDLE = 0
    CONFIGURING = 1
    CONFIGURED = 2
    RUNNING = 3
    ENDED = 4
    FAILED = 5
    FROZEN = 6


class PowerCode(IntEnum):
    """How much of the device is awake."""

    ACTIVE = 0
    FREEZE = 1
    STANDBY = 2


class FrozenBecause(IntEnum):
    """Why the device stopped sending by itself."""

    NOT_FROZEN = 0
    HOST_SILENT = 1
    OVER_TEMPERATURE = 2
    TRIGGER_TIMEOUT = 3


class SelfTestState(IntEnum):
    """How far the last self-test is."""

    NONE = 0
    RUNNING = 1
    DONE = 2
    FAILED = 3


class ErrorCode(IntEnum):
    """Why the device refused or failed."""

    NONE = 0
    BAD_MESSAGE = 1
    UNSUPPORTED_VERSION = 2
    OUT_OF_LIMITS = 3
    WRONG_STATE = 4
    SEQUENCE_IS_FIXED = 5
    HARDWARE = 6
    BUSY = 7
    UNKNOWN_REQUEST = 8
    NOT_ACTIVE = 9
    OVER_TEMPERATURE = 10
    HOST_SILENT = 11
    TRIGGER_TIMEOUT = 12
    UNSUPPORTED = 13
