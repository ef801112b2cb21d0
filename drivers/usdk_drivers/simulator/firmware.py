"""The firmware of a simulated front-end: the device's side of the wire protocol."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from usdk.errors import DataDamagedError
from usdk_drivers.simulator.cooling import Cooling
from usdk_drivers.simulator.device_model import Nak, Stall
from usdk_drivers.simulator.device_settings import pulses_fault, really
from usdk_drivers.simulator.electronics import MAX_CELSIUS
from usdk_drivers.simulator.engine import Engine, RefusedError
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.packet_source import FIFO_BYTES, Pace, PacketSource
from usdk_drivers.simulator.triggering import TriggeredEngine, TriggerTiming
from usdk_drivers.wire import (
    MESSAGE_HEADER_BYTES,
    PAGE_BYTES,
    PROTOCOL_VERSION,
    DeviceError,
    DeviceSettings,
    DeviceState,
    DeviceStatus,
    ElementTests,
    ErrorCode,
    FrozenBecause,
    MessageType,
    PowerCode,
    Request,
    SelfTestState,
    SequenceSettings,
    TriggerSource,
    TriggerStarts,
    VersionRange,
    message_length,
    message_type,
)

__all__ = ["Firmware"]

_ROOM_CELSIUS = 31.5
_RAILS = (("3V3", 3.31), ("HV+", 35.2), ("HV-", -35.1))
_STANDBY_RAILS = (("3V3", 3.31), ("HV+", 0.0), ("HV-", 0.0))
_SELF_TEST_S_PER_ELEMENT = 2e-4
_FROZEN_CODES = {
    FrozenBecause.HOST_SILENT: ErrorCode.HOST_SILENT,
    FrozenBecause.OVER_TEMPERATURE: ErrorCode.OVER_TEMPERATURE,
    FrozenBecause.TRIGGER_TIMEOUT: ErrorCode.TRIGGER_TIMEOUT,
}


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
    trigger_hz : float
        Rate of the generator at the trigger input, Hz; 0 for none.
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
        trigger_hz: float = 0.0,
    ) -> None:
        self._engine = engine
        self._drift_ppm, self._fifo_bytes = drift_ppm, fifo_bytes
        self._firmware_after = firmware_after
        self._faults = faults or FaultPlan()
        self._cooling = Cooling(self._faults.cool_s)
        self.trigger_hz = trigger_hz
        """Rate of the generator at the trigger input, Hz; 0 for none."""
        self.pace = pace or Pace()
        """When frames of the runs to come are made."""
        self._versions = versions or VersionRange(PROTOCOL_VERSION, PROTOCOL_VERSION)
        # Packed once: the host reads them page by page.
        self._description = engine.description.pack()
        self._time_computing_s = 0.0
        self._packets: PacketSource | None = None
        self._fetching = threading.Lock()
        self._switch_on()

    def come_back(self) -> None:
        """Start as after the power was off, with the other firmware if there is one."""
        if self._firmware_after is not None:
            description = self._engine.description
            info = replace(description.info, firmware_version=self._firmware_after)
            self._description = replace(description, info=info).pack()
        with self._changing_data():
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
        # A device without a watchdog lets its host be silent for any time.
        self._device = DeviceSettings(watchdog_s=getattr(self._engine, "watchdog_s", 0.0))
        self._power = PowerCode.ACTIVE
        self._frozen = FrozenBecause.NOT_FROZEN
        self._timing: TriggerTiming | None = None
        self._started_s = self._heard_s = self._now_s()
        self._self_test, self._self_test_id = b"", 0
        self._tested_s = -math.inf

    @property
    def time_computing_s(self) -> float:
        """Time spent on making frames, which a real device would not take, s."""
        current_s = self._packets.time_computing_s if self._packets else 0.0
        return self._time_computing_s + current_s

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        """Answer a vendor request."""
        self._watch()
        self._heard_s = self._now_s()
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
            case False, Request.SET_POWER:
                self._set_power(value)
            case False, Request.KEEP_ALIVE:
                pass
            case False, Request.START_SELF_TEST:
                self._start_self_test()
            case True, Request.GET_STATUS:
                return self._status().pack()
            case True, Request.GET_ERROR:
                return self._error.pack()
            case _:
                self._refuse(ErrorCode.UNKNOWN_REQUEST, f"request {request:#04x} is unknown")
        return b""

    def bulk_out(self, data: bytes) -> None:
        """Take a piece of an upload; the last one sets the sequence."""
        self._watch()
        self._heard_s = self._now_s()
        self._upload += data
        try:
            if len(self._upload) < MESSAGE_HEADER_BYTES:
                return
            if len(self._upload) < message_length(bytes(self._upload[:MESSAGE_HEADER_BYTES])):
                return
            message, self._upload = bytes(self._upload), bytearray()
            if message_type(message) == MessageType.SETTINGS:
                self._set_up(DeviceSettings.unpack(message))
            else:
                self._configure(SequenceSettings.unpack(message))
        except DataDamagedError as error:
            self._upload.clear()
            self._refuse(ErrorCode.BAD_MESSAGE, str(error))

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        """Send data."""
        self._watch()
        packets = self._packets
        if packets is None or packets.is_silent:
            time.sleep(timeout_s)
            raise Nak
        try:
            with self._fetching:
                return packets.fill(buffer, timeout_s)
        finally:
            self._look_after(packets)

    @contextmanager
    def _changing_data(self) -> Iterator[None]:
        """Let no thread fetch data while what they are made from changes."""
        with self._fetching:
            if self._packets is not None:
                self._packets.stop()
            yield

    def _watch(self) -> None:
        """Freeze if the host was silent for too long, or no trigger came in time."""
        if self._state is not DeviceState.RUNNING:
            return
        now_s, device = self._now_s(), self._device
        if 0 < device.watchdog_s < now_s - self._heard_s:
            text = f"the host was silent for {device.watchdog_s:g} s"
            self._freeze(FrozenBecause.HOST_SILENT, text)
        elif device.source is TriggerSource.EXTERNAL and device.timeout_s:
            elapsed_s = now_s - self._started_s
            silent_s = self._timing.silent_s(elapsed_s) if self._timing else elapsed_s
            if silent_s > device.timeout_s:
                text = f"no trigger came for {device.timeout_s:g} s"
                self._freeze(FrozenBecause.TRIGGER_TIMEOUT, text)

    def _freeze(self, because: FrozenBecause, text: str) -> None:
        self._state, self._frozen = DeviceState.FROZEN, because
        self._error = DeviceError(_FROZEN_CODES[because], text)
        if self._packets is not None:
            self._packets.stop()

    def _look_after(self, packets: PacketSource) -> None:
        if self._state is not DeviceState.RUNNING:
            return
        if packets.is_overheated:
            text = f"too hot ({MAX_CELSIUS:g} °C): frozen until it is started again"
            self._cooling.froze(self._now_s())
            self._freeze(FrozenBecause.OVER_TEMPERATURE, text)
        elif packets.has_ended:
            self._state = DeviceState.ENDED

    def _configure(self, request: SequenceSettings) -> None:
        self._configuration_id = request.configuration_id
        try:
            if self._state is DeviceState.RUNNING:
                raise RefusedError(ErrorCode.WRONG_STATE, "stop before setting a sequence")
            with self._changing_data():
                self._sequence = self._engine.configure(request).pack()
        except RefusedError as error:
            self._result = error.code
            self._error = DeviceError(error.code, str(error))
        else:
            self._result = ErrorCode.NONE
            self._state = DeviceState.CONFIGURED

    def _set_up(self, request: DeviceSettings) -> None:
        try:
            if self._state is DeviceState.RUNNING:
                raise RefusedError(ErrorCode.WRONG_STATE, "stop before changing settings")
            self._device = really(request, self._engine.description.capabilities)
        except RefusedError as error:
            self._result = error.code
            self._error = DeviceError(error.code, str(error))
            self._device = replace(self._device, settings_id=request.settings_id)
        else:
            self._result = ErrorCode.NONE

    def _set_power(self, value: int) -> None:
        if not self._engine.description.capabilities.has_power_states:
            self._refuse(ErrorCode.UNSUPPORTED, "it has no power states")
        if value not in set(PowerCode):
            self._refuse(ErrorCode.OUT_OF_LIMITS, f"power state {value} is unknown")
        self._power = PowerCode(value)
        if self._power is not PowerCode.ACTIVE and self._state is DeviceState.RUNNING:
            self._stop()

    def _require_active(self, verb: str) -> None:
        if self._power is not PowerCode.ACTIVE:
            state = self._power.name.lower()
            text = f"it is in {state} and cannot {verb}: make it active"
            self._refuse(ErrorCode.NOT_ACTIVE, text)

    def _start_self_test(self) -> None:
        if self._state is DeviceState.RUNNING:
            self._refuse(ErrorCode.WRONG_STATE, "stop before testing")
        self._require_active("test itself")
        found = self._engine.self_test()
        if found is None:
            self._refuse(ErrorCode.UNSUPPORTED, "it cannot test itself")
        self._self_test = ElementTests(found).pack()
        self._self_test_id += 1
        self._tested_s = self._now_s() + _SELF_TEST_S_PER_ELEMENT * len(found.elements)

    def _now_s(self) -> float:
        """Return a clock that stands still while frames are computed, s."""
        return time.monotonic() - self.time_computing_s

    def _start(self, run: int) -> None:
        settings = self._engine.settings
        if settings is None:
            self._refuse(ErrorCode.WRONG_STATE, "no sequence is set")
        self._require_active("send")
        if self._cooling.is_too_hot(self._now_s()):
            self._refuse(
                ErrorCode.OVER_TEMPERATURE, f"still {self._celsius():.0f} °C: let it cool down"
            )
        limits = self._engine.description.capabilities.trigger
        if (fault := pulses_fault(self._device, settings, limits)) is not None:
            self._refuse(ErrorCode.OUT_OF_LIMITS, fault)
        self._run = run
        self._frozen = FrozenBecause.NOT_FROZEN
        self._time_computing_s = self.time_computing_s
        engine, pace = self._engine, self.pace
        self._packets = self._timing = None
        self._started_s = self._now_s()
        self._state = DeviceState.RUNNING
        if self._device.source is TriggerSource.EXTERNAL:
            if self.trigger_hz <= 0:
                return
            is_each = self._device.starts is TriggerStarts.TRANSMIT
            n_per_frame = len(settings.sequence) if is_each else 1
            self._timing = TriggerTiming(
                trigger_hz=self.trigger_hz,
                ready_hz=min(
                    settings.frame_rate_hz * n_per_frame,
                    engine.description.capabilities.trigger.max_rate_hz,
                ),
                n_per_frame=n_per_frame,
            )
            pace = self._timing.pace(pace, settings.frame_rate_hz)
            engine = TriggeredEngine(engine, self._timing, self._device)
        self._packets = PacketSource(
            engine,
            run,
            self._faults,
            pace,
            drift_ppm=self._drift_ppm,
            fifo_bytes=self._fifo_bytes,
        )

    def _stop(self) -> None:
        self._upload.clear()
        if self._packets is not None:
            self._packets.stop()
        self._frozen = FrozenBecause.NOT_FROZEN
        if self._engine.settings is not None:
            self._state = DeviceState.CONFIGURED

    def _self_test_state(self) -> SelfTestState:
        if not self._self_test_id:
            return SelfTestState.NONE
        is_done = self._now_s() >= self._tested_s
        return SelfTestState.DONE if is_done else SelfTestState.RUNNING

    def _status(self) -> DeviceStatus:
        packets = self._packets
        n_triggers = n_missed = 0
        if self._timing is not None:
            n_triggers, n_missed = self._timing.counts(self._now_s() - self._started_s)
        return DeviceStatus(
            state=self._state,
            configuration_id=self._configuration_id,
            result=self._result,
            run=self._run,
            n_frames_made=packets.n_frames_made if packets else 0,
            n_overruns=packets.n_overruns if packets else 0,
            temperature_celsius=self._celsius(),
            voltages_v=_STANDBY_RAILS if self._power is PowerCode.STANDBY else _RAILS,
            power=self._power,
            frozen=self._frozen,
            self_test=self._self_test_state(),
            settings_id=self._device.settings_id,
            self_test_id=self._self_test_id,
            watchdog_s=self._device.watchdog_s,
            n_triggers=n_triggers,
            n_triggers_missed=n_missed,
        )

    def _celsius(self) -> float:
        heat = self._cooling.heat(self._now_s())
        if self._packets is not None and not (self._packets.is_overheated and heat):
            heat = max(heat, self._packets.heat)
        return _ROOM_CELSIUS + (MAX_CELSIUS - _ROOM_CELSIUS) * heat

    def _message(self, kind: int) -> bytes:
        if kind == MessageType.DESCRIPTION:
            return self._description
        if kind == MessageType.SEQUENCE and self._sequence:
            return self._sequence
        if kind == MessageType.SETTINGS:
            return self._device.pack()
        if kind == MessageType.SELF_TEST and self._self_test_state() is SelfTestState.DONE:
            return self._self_test
        return self._refuse(ErrorCode.WRONG_STATE, f"there is no message of type {kind}")

    def _refuse(self, code: ErrorCode, text: str) -> NoReturn:
        self._error = DeviceError(code, text)
        raise Stall
