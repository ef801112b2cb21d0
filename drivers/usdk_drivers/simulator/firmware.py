"""The firmware of a simulated front-end: the device's side of the wire protocol."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NoReturn

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.device_model import Nak, Stall
from usdk_drivers.simulator.engine import Engine, RefusedError
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.packet_source import FIFO_BYTES, Pace, PacketSource
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
MAX_CELSIUS = 60.0
"""Temperature at which the device freezes itself."""

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
    drift_ppm, fifo_bytes : float and int
        As `PacketSource` takes them.
    firmware_after : str, optional
        Version that the device reports after it was away.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        faults: FaultPlan | None = None,
        pace: Pace | None = None,
        versions: VersionRange | None = None,
        drift_ppm: float = 0.0,
        fifo_bytes: int = FIFO_BYTES,
        firmware_after: str | None = None,
    ) -> None:
        self._engine = engine
        self._drift_ppm, self._fifo_bytes = drift_ppm, fifo_bytes
        self._firmware_after = firmware_after
        self._faults = faults or FaultPlan()
        self.pace = pace or Pace()
        """When frames of the runs to come are made."""
        self._versions = versions or VersionRange(PROTOCOL_VERSION, PROTOCOL_VERSION)
        # Packed once: the host reads them page by page.
        self._description = engine.description.pack()
        self._time_computing_s = 0.0
        self._packets: PacketSource | None = None
        self._switch_on()

    def come_back(self) -> None:
        """Start as after the power was off, with the other firmware if there is one."""
        if self._firmware_after is not None:
            description = self._engine.description
            info = replace(description.info, firmware_version=self._firmware_after)
            self._description = replace(description, info=info).pack()
        if not self._engine.description.capabilities.sequence_is_fixed:
            self._engine.settings = None
        self._time_computing_s = self.time_computing_s
        self._switch_on()

    def _switch_on(self) -> None:
        settings = self._engine.settings
        self._state = DeviceState.IDLE if settings is None else DeviceState.CONFIGURED
        self._error = DeviceError(ErrorCode.NONE)
        self._sequence = settings.pack() if settings else b""
        self._upload = bytearray()
        self._configuration_id = 0
        self._result = ErrorCode.NONE
        self._run = 0
        self._packets = None

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
        packets = self._packets
        if packets is None:
            time.sleep(timeout_s)
            raise Nak
        try:
            return packets.fill(buffer, timeout_s)
        finally:
            self._look_after(packets)

    def _look_after(self, packets: PacketSource) -> None:
        if self._state is not DeviceState.RUNNING:
            return
        if packets.is_overheated:
            self._state = DeviceState.FAILED
            text = f"too hot ({MAX_CELSIUS:g} °C): frozen until it is started again"
            self._error = DeviceError(ErrorCode.HARDWARE, text)
        elif packets.has_ended:
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
        self._packets = PacketSource(
            self._engine,
            run,
            self._faults,
            self.pace,
            drift_ppm=self._drift_ppm,
            fifo_bytes=self._fifo_bytes,
        )
        self._state = DeviceState.RUNNING

    def _stop(self) -> None:
        self._upload.clear()
        if self._packets is not None:
            self._packets.stop()
        if self._engine.settings is not None:
            self._state = DeviceState.CONFIGURED

    def _status(self) -> DeviceStatus:
        packets = self._packets
        heat = packets.heat if packets else 0.0
        return DeviceStatus(
            state=self._state,
            configuration_id=self._configuration_id,
            result=self._result,
            run=self._run,
            n_frames_made=packets.n_frames_made if packets else 0,
            n_overruns=packets.n_overruns if packets else 0,
            temperature_celsius=_ROOM_CELSIUS + (MAX_CELSIUS - _ROOM_CELSIUS) * heat,
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
