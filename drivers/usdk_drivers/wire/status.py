"""Short answers on the control endpoint: versions, status, last error."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from usdk.errors import DataDamagedError
from usdk_drivers.wire.fields import printable
from usdk_drivers.wire.protocol import (
    MAX_RAILS,
    PROTOCOL_VERSION,
    DeviceState,
    ErrorCode,
    FrozenBecause,
    PowerCode,
    SelfTestState,
)

__all__ = ["DeviceError", "DeviceStatus", "VersionRange"]

_VERSIONS = struct.Struct("<4sHH")
_VERSIONS_MAGIC = b"USDK"
_STATUS = struct.Struct("<HBBIHHfQQBBBxIIfQQ")
_RAIL = struct.Struct("<8sf")
# Rails end at byte 160; the rest is reserved.
_STATUS_BYTES = 192
_ERROR = struct.Struct("<HH")
_RAIL_NAME_BYTES = 8
MAX_ERROR_TEXT_BYTES = 252


@dataclass(frozen=True)
class VersionRange:
    """Protocol versions that a device speaks."""

    oldest: int
    newest: int

    def pack(self) -> bytes:
        """Return the answer to GET_VERSION, 8 bytes."""
        return _VERSIONS.pack(_VERSIONS_MAGIC, self.oldest, self.newest)

    @classmethod
    def unpack(cls, answer: bytes) -> VersionRange:
        """Return the range; `DataDamagedError` if the answer is none."""
        if len(answer) != _VERSIONS.size or not answer.startswith(_VERSIONS_MAGIC):
            raise DataDamagedError("the answer to GET_VERSION is not one of this protocol")
        _, oldest, newest = _VERSIONS.unpack(answer)
        return cls(oldest, newest)

    def common(self) -> int | None:
        """Return the newest version that this side speaks too, or None."""
        return PROTOCOL_VERSION if self.oldest <= PROTOCOL_VERSION <= self.newest else None


@dataclass(frozen=True, kw_only=True)
class DeviceStatus:
    """The answer to GET_STATUS.

    Parameters
    ----------
    configuration_id, result
        The last upload dealt with, and how it went.
    run : int
        The last start.
    n_frames_made, n_overruns : int
        Frames made and packets dropped by the device since then.
    temperature_celsius : float
        NaN without a sensor.
    voltages_v : tuple of (name, V)
        Supply rails; names of up to 8 ASCII characters.
    power : PowerCode
        How much of the device is awake.
    frozen : FrozenBecause
        Why it stopped sending by itself.
    self_test : SelfTestState
        How far the last self-test is.
    settings_id : int
        The last SETTINGS dealt with.
    self_test_id : int
        Counts self-tests since power on.
    watchdog_s : float
        For how long the host may be silent, s; 0 for any time.
    n_triggers, n_triggers_missed : int
        External triggers since the start, and those that came while the device was busy.
    """

    state: DeviceState
    configuration_id: int = 0
    result: ErrorCode = ErrorCode.NONE
    run: int = 0
    n_frames_made: int = 0
    n_overruns: int = 0
    temperature_celsius: float = math.nan
    voltages_v: tuple[tuple[str, float], ...] = ()
    power: PowerCode = PowerCode.ACTIVE
    frozen: FrozenBecause = FrozenBecause.NOT_FROZEN
    self_test: SelfTestState = SelfTestState.NONE
    settings_id: int = 0
    self_test_id: int = 0
    watchdog_s: float = 0.0
    n_triggers: int = 0
    n_triggers_missed: int = 0

    N_BYTES = _STATUS_BYTES

    def pack(self) -> bytes:
        """Return the answer, 192 bytes."""
        rails = self.voltages_v[:MAX_RAILS]
        head = _STATUS.pack(
            PROTOCOL_VERSION,
            self.state,
            len(rails),
            self.configuration_id,
            self.result,
            self.run,
            self.temperature_celsius,
            self.n_frames_made,
            self.n_overruns,
            self.power,
            self.frozen,
            self.self_test,
            self.settings_id,
            self.self_test_id,
            self.watchdog_s,
            self.n_triggers,
            self.n_triggers_missed,
        )
        body = b"".join(_RAIL.pack(name.encode("ascii", "replace"), volt) for name, volt in rails)
        return (head + body).ljust(self.N_BYTES, b"\0")

    @classmethod
    def unpack(cls, answer: bytes) -> DeviceStatus:
        """Return the status; `DataDamagedError` if the answer is none."""
        if len(answer) != cls.N_BYTES:
            raise DataDamagedError(f"a status has {cls.N_BYTES} bytes, got {len(answer)}")
        fields = _STATUS.unpack_from(answer)
        version, state, n_rails, configuration_id, result, run, temperature, *counts = fields
        made, dropped, power, frozen, self_test, settings_id, self_test_id, *more = counts
        watchdog_s, n_triggers, n_triggers_missed = more
        if version != PROTOCOL_VERSION or n_rails > MAX_RAILS:
            raise DataDamagedError("a status of another protocol version")
        if state not in set(DeviceState) or result not in set(ErrorCode):
            raise DataDamagedError(f"a status with unknown state {state} or result {result}")
        known = (power in set(PowerCode), frozen in set(FrozenBecause))
        if not all(known) or self_test not in set(SelfTestState):
            raise DataDamagedError(f"a status with unknown {power=}, {frozen=} or {self_test=}")
        if not (math.isfinite(watchdog_s) and watchdog_s >= 0):
            raise DataDamagedError("a status with a watchdog's time that cannot be")
        rails = (
            _RAIL.unpack_from(answer, _STATUS.size + index * _RAIL.size) for index in range(n_rails)
        )
        return cls(
            state=DeviceState(state),
            configuration_id=configuration_id,
            result=ErrorCode(result),
            run=run,
            n_frames_made=made,
            n_overruns=dropped,
            temperature_celsius=temperature,
            voltages_v=tuple(
                (printable(name.rstrip(b"\0").decode("ascii", "replace")), volt)
                for name, volt in rails
            ),
            power=PowerCode(power),
            frozen=FrozenBecause(frozen),
            self_test=SelfTestState(self_test),
            settings_id=settings_id,
            self_test_id=self_test_id,
            watchdog_s=watchdog_s,
            n_triggers=n_triggers,
            n_triggers_missed=n_triggers_missed,
        )


@dataclass(frozen=True)
class DeviceError:
    """The answer to GET_ERROR: the last error and the device's own words for it."""

    code: ErrorCode
    text: str = ""

    N_BYTES_MAX = _ERROR.size + MAX_ERROR_TEXT_BYTES

    def pack(self) -> bytes:
        """Return the answer, 4 to 256 bytes; a text too long is cut between characters."""
        text = self.text.encode("utf-8")[:MAX_ERROR_TEXT_BYTES].decode("utf-8", "ignore").encode()
        return _ERROR.pack(self.code, len(text)) + text

    @classmethod
    def unpack(cls, answer: bytes) -> DeviceError:
        """Return the error; `DataDamagedError` if the answer is none."""
        if len(answer) < _ERROR.size:
            raise DataDamagedError("an error report is shorter than its header")
        code, n_bytes = _ERROR.unpack_from(answer)
        text = answer[_ERROR.size :]
        if len(text) != n_bytes or code not in set(ErrorCode):
            raise DataDamagedError("an error report has an unknown code or a wrong length")
        return cls(ErrorCode(code), printable(text.decode("utf-8", "replace")))
