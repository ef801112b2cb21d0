"""The firmware of a simulated front-end: the device's side of the wire protocol."""

from __future__ import annotations

import time
from typing import NoReturn

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import Nak, Stall
from usdk_drivers.simulator.engine import Engine, RefusedError
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.packet_source import Pace, PacketSource
from usdk_drivers.wire import (
    MESSAGE_HEADER_BYTES,
    PAGE_BYTES,
    PROTOCOL_VERSION,
    DeviceError,
    DeviceState,
    DeviceStatus,
    ErrorCode,
    MessageType,
    Request,
    SequenceSettings,
    VersionRange,
    message_length,
)

__all__ = ["Firmware"]

_ROOM_CELSIUS = 31.5
_RAILS = (("3V3", 3.31), ("HV+", 35.2), ("HV-", -35.1))


class Firmware:
    """State machine of the device; `usdk_drivers.simulator.device_model.UsbFunction`.

    Parameters
    ----------
    engine : Engine
        Makes the samples.
    faults : FaultPlan
        What goes wrong.
    pace : Pace
        When frames are made.
    versions : VersionRange
        Protocol versions to claim.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        faults: FaultPlan | None = None,
        pace: Pace | None = None,
        versions: VersionRange | None = None,
    ) -> None:
        self._engine = engine
        self._faults = faults or FaultPlan()
        self._pace = pace or Pace()
        self._versions = versions or VersionRange(PROTOCOL_VERSION, PROTOCOL_VERSION)
        self._state = DeviceState.IDLE if engine.settings is None else DeviceState.CONFIGURED
        self._error = DeviceError(ErrorCode.NONE)
        # Packed once: the host reads them page by page.
        self._description = engine.description.pack()
        self._sequence = engine.settings.pack() if engine.settings else b""
        self._upload = bytearray()
        self._configuration_id = 0
        self._result = ErrorCode.NONE
        self._run = 0
        self._packets: PacketSource | None = None
        self._time_computing_s = 0.0

    @property
    def time_computing_s(self) -> float:
        """Time spent on making frames, which a real device would not take, s."""
        current_s = self._packets.time_computing_s if self._packets else 0.0
        return self._time_computing_s + current_s

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        """Answer a vendor request."""
        match incoming, request:
            case True, Request.GET_VERSION:
                return self._versions.pack()
            case False, Request.SELECT_VERSION:
                if value != PROTOCOL_VERSION:
                    self._refuse(ErrorCode.UNSUPPORTED_VERSION, f"version {value} is not spoken")
            case True, Request.READ_MESSAGE:
                message = self._message(value)
                return message[index * PAGE_BYTES : (index + 1) * PAGE_BYTES]
            case False, Request.START:
                self._start(value)
            case False, Request.STOP:
                self._stop()
            case True, Request.GET_STATUS:
                return self._status().pack()
            case True, Request.GET_ERROR:
                return self._error.pack()
            case _:
                self._refuse(ErrorCode.UNKNOWN_REQUEST, f"request {request:#04x} is unknown")
        return b""

    def bulk_out(self, data: bytes) -> None:
        """Take a piece of an upload; the last one sets the sequence."""
        self._upload += data
        try:
            if len(self._upload) < MESSAGE_HEADER_BYTES:
                return
            if len(self._upload) < message_length(bytes(self._upload[:MESSAGE_HEADER_BYTES])):
                return
            message, self._upload = bytes(self._upload), bytearray()
            request = SequenceSettings.unpack(message)
        except DataDamagedError as error:
            self._upload.clear()
            self._refuse(ErrorCode.BAD_MESSAGE, str(error))
        self._configure(request)

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        """Send data."""
        if self._packets is None:
            time.sleep(timeout_s)
            raise Nak
        try:
            return self._packets.fill(buffer, timeout_s)
        finally:
            if self._packets.has_ended and self._state is DeviceState.RUNNING:
                self._state = DeviceState.ENDED

    def _configure(self, request: SequenceSettings) -> None:
        self._configuration_id = request.configuration_id
        try:
            if self._state is DeviceState.RUNNING:
                raise RefusedError(ErrorCode.WRONG_STATE, "stop before setting a sequence")
            self._sequence = self._engine.configure(request).pack()
        except RefusedError as error:
            self._result = error.code
            self._error = DeviceError(error.code, str(error))
        else:
            self._result = ErrorCode.NONE
            self._state = DeviceState.CONFIGURED

    def _start(self, run: int) -> None:
        if self._engine.settings is None:
            self._refuse(ErrorCode.WRONG_STATE, "no sequence is set")
        self._run = run
        self._time_computing_s = self.time_computing_s
        self._packets = PacketSource(self._engine, run, self._faults, self._pace)
        self._state = DeviceState.RUNNING

    def _stop(self) -> None:
        self._upload.clear()
        if self._packets is not None:
            self._packets.stop()
        if self._engine.settings is not None:
            self._state = DeviceState.CONFIGURED

    def _status(self) -> DeviceStatus:
        packets = self._packets
        return DeviceStatus(
            state=self._state,
            configuration_id=self._configuration_id,
            result=self._result,
            run=self._run,
            n_frames_made=packets.n_frames_made if packets else 0,
            n_overruns=packets.n_overruns if packets else 0,
            temperature_celsius=_ROOM_CELSIUS,
            voltages_v=_RAILS,
        )

    def _message(self, kind: int) -> bytes:
        if kind == MessageType.DESCRIPTION:
            return self._description
        if kind == MessageType.SEQUENCE and self._sequence:
            return self._sequence
        return self._refuse(ErrorCode.WRONG_STATE, f"there is no message of type {kind}")

    def _refuse(self, code: ErrorCode, text: str) -> NoReturn:
        self._error = DeviceError(code, text)
        raise Stall
