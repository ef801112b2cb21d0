"""WireFrontEnd: a front-end that speaks the wire protocol, whatever carries the bytes."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from usdk.acquisition import Acquisition, DeviceInfo
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceFrozenError,
    DeviceTimeoutError,
    EndOfRecordingError,
    StateError,
    TriggerTimeoutError,
    UsdkError,
)
from usdk.front_end import (
    Capabilities,
    Configuration,
    FrontEnd,
    FrontEndState,
    FrontEndStatus,
    FrozenReason,
    GainCurve,
    PowerState,
    ReceiveRequest,
    SelfTest,
    Setting,
)
from usdk.probe import Probe
from usdk.transmit import TransmitSequence
from usdk_drivers.fixed_sequence import agree_on_fixed
from usdk_drivers.frame_assembly import FrameAssembler, require_readable
from usdk_drivers.keep_alive import KeepAlive
from usdk_drivers.sequence_mapping import (
    LEAST_SAMPLE_BYTES,
    configuration_of,
    require_on_offer,
    settings_for,
)
from usdk_drivers.setting_tree import (
    device_settings,
    gain_setting,
    level_gain,
    power_setting,
    with_device_setting,
)
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usb_link import DeviceLink, Transport
from usdk_drivers.wire import (
    DeviceSettings,
    DeviceState,
    FrozenBecause,
    PacketDecoder,
    PowerCode,
    SequenceSettings,
    TriggerOutput,
    TriggerSource,
)

__all__ = ["WireFrontEnd"]

# Between transfers that bring nothing, the device is asked whether it still runs.
IDLE_TIMEOUT_S = 0.25
LATE_DATA_S = 0.02
MAX_STALLS_IN_A_ROW = 3
# What arithmetic may add to a limit that is met exactly.
_TOLERANCE = 1 + 1e-9
_MAX_RUN = 2**16 - 1
_MAX_CONFIGURATION = 2**32 - 1
_POWER = {
    PowerCode.ACTIVE: PowerState.ACTIVE,
    PowerCode.FREEZE: PowerState.FREEZE,
    PowerCode.STANDBY: PowerState.STANDBY,
}
_FROZEN = {
    FrozenBecause.HOST_SILENT: FrozenReason.HOST_SILENT,
    FrozenBecause.OVER_TEMPERATURE: FrozenReason.OVER_TEMPERATURE,
    FrozenBecause.TRIGGER_TIMEOUT: FrozenReason.TRIGGER_TIMEOUT,
}


class WireFrontEnd(FrontEnd):
    """The state machine of a front-end that speaks the wire protocol.

    A driver adds its scheme, `open` and `discover`.

    Parameters
    ----------
    transport : Transport
        An open transport, which the front-end closes.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport
        self._link = DeviceLink(transport)
        try:
            self._link.negotiate()
            self._description = self._link.description()
            # A device that sends its own sequence knows it from the beginning.
            is_fixed = self.capabilities.sequence_is_fixed
            self._settings = self._link.settings() if is_fixed else None
            can = self.capabilities
            has_more = can.trigger.has_input or can.trigger.has_output or can.watchdog is not None
            self._device = self._link.device_settings() if has_more else DeviceSettings()
        except BaseException:
            transport.close()
            raise
        self._configuration_id = 0
        self._run = 0
        self._assembler: FrameAssembler | None = None
        self._decoder = PacketDecoder(lambda header: None)
        self._n_overruns = 0
        self._keep_alive = KeepAlive(self._link.keep_alive)
        self._tgc: GainCurve | None = None
        self._request: SequenceSettings | None = None
        self._is_own_tgc = False

    @property
    def info(self) -> DeviceInfo:
        """Who the device is."""
        return self._description.info

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        return self._description.capabilities

    @property
    def probe(self) -> Probe:
        """The probe that it carries."""
        return self._description.probe

    @property
    def n_packets_ignored(self) -> int:
        """Packets since the start that came twice, too late, or from another run."""
        return self._assembler.n_packets_ignored if self._assembler else 0

    def _configure(
        self, sequence: TransmitSequence | None, receive: ReceiveRequest | None
    ) -> Configuration:
        if self.capabilities.sequence_is_fixed:
            assert self._settings is not None
            configuration = configuration_of(self._settings, self.probe)
            self._require_readable(self._settings)
            return agree_on_fixed(configuration, sequence, receive)
        if sequence is None:
            raise ArgumentError("this front-end has no sequence of its own: give configure one")
        if receive is None:
            raise ArgumentError("say how deep to listen: configure(sequence, depth_m=0.04)")
        request = settings_for(
            sequence,
            replace(receive, tgc=receive.tgc or self._tgc),
            self.probe,
            self.capabilities,
            self._next_configuration_id(),
        )
        # Which type comes is the device's choice; what is too long for the smallest is for all.
        require_readable((*request.delays_s.shape, request.n_samples), LEAST_SAMPLE_BYTES)
        # As fast as the samples and the device's own limit allow, where no PRF is asked for.
        fastest_hz = min(
            self.capabilities.max_prf_hz, request.sampling_frequency_hz / request.n_samples
        )
        self._require_pulses(self._device, sequence.prf_hz or fastest_hz, len(sequence))
        configuration = self._upload(request)
        self._is_own_tgc = receive.tgc is not None
        return configuration

    def _upload(self, request: SequenceSettings) -> Configuration:
        self._configuration_id = request.configuration_id
        settings = self._link.configure(request)
        try:
            require_on_offer(settings.sampling_frequency_hz, self.capabilities)
            configuration = configuration_of(settings, self.probe)
            self._require_readable(settings)
        except DeviceFailedError:
            # The device has what must not be started, and no longer what was set before.
            self._configuration, self._state = None, FrontEndState.OPEN
            raise
        self._settings, self._request = settings, request
        return configuration

    @staticmethod
    def _require_readable(settings: SequenceSettings) -> None:
        assert settings.data_type is not None
        sample_bytes = settings.data_type.dtype.itemsize
        try:
            require_readable((*settings.delays_s.shape, settings.n_samples), sample_bytes)
        except ArgumentError as error:
            raise DeviceFailedError(f"the device set what cannot be read: {error}") from error

    def _next_configuration_id(self) -> int:
        return self._configuration_id % _MAX_CONFIGURATION + 1

    def _require_pulses(self, wanted: DeviceSettings, prf_hz: float, n_transmits: int) -> None:
        """Refuse pulses of the trigger output that would come too fast, or never end."""
        limits = self.capabilities.trigger
        if wanted.output is TriggerOutput.OFF:
            return
        is_each = wanted.output is TriggerOutput.TRANSMIT
        rate_hz = prf_hz if is_each else prf_hz / n_transmits
        if rate_hz > limits.max_rate_hz * _TOLERANCE or rate_hz * wanted.output_width_s >= 1:
            raise ArgumentError(
                f"{rate_hz:g} pulses of {wanted.output_width_s:g} s a second are too many for the "
                f"trigger output, which follows up to {limits.max_rate_hz:g} Hz: ask for a lower "
                "PRF, or set trigger.output or trigger.output_width_s to less"
            )

    def settings(self) -> tuple[Setting, ...]:
        """Return what the device lets be set, as it really is."""
        self._require_open()
        can = self.capabilities
        found = list(device_settings(self._device, can))
        if can.tgc is not None and not can.sequence_is_fixed:
            found.append(gain_setting(self._tgc or level_gain(can), can))
        if can.has_power_states:
            found.append(power_setting(self.power_state))
        return tuple(found)

    def set_setting(self, name: str, value: Any) -> None:
        """Set one; name and value were checked. What is really set, `settings` tells."""
        self._require_open()
        if name == "tgc.curve":
            self._set_gain(value)
        elif name == "power.state":
            self.set_power_state(PowerState(value))
        else:
            wanted = with_device_setting(self._device, name, value)
            if self._configuration is not None:
                n_transmits = len(self._configuration.sequence)
                prf_hz = self._configuration.frame_rate_hz * n_transmits
                self._require_pulses(wanted, prf_hz, n_transmits)
            identifier = self._device.settings_id % _MAX_CONFIGURATION + 1
            self._device = self._link.set_up(replace(wanted, settings_id=identifier))

    def _set_gain(self, curve: GainCurve) -> None:
        can = self.capabilities
        assert can.tgc is not None
        can.tgc.require(curve, self.info.model)
        tgc = None if curve == level_gain(can) else can.tgc.quantised(curve)
        # What is configured follows, but where it was given a curve of its own.
        if self._request is not None and self._configuration is not None and not self._is_own_tgc:
            identifier = self._next_configuration_id()
            request = replace(self._request, tgc=tgc, configuration_id=identifier)
            configuration = self._accept(self._upload(request))
            if tgc is not None:
                tgc = configuration.receive.tgc
        self._tgc = tgc

    @property
    def power_state(self) -> PowerState:
        """How much of the device is awake, as it tells."""
        return _POWER[self._link.status().power]

    def set_power_state(self, state: PowerState) -> None:
        """Freeze the device, put it into standby, or make it active."""
        self._link.set_power(next(code for code, known in _POWER.items() if known is state))

    def self_test(self, timeout_s: float) -> SelfTest:
        """Let the device test its elements and cable."""
        found = self._link.self_test(timeout_s)
        if len(found.elements) != self.probe.n_elements:
            raise DeviceFailedError(
                f"the device tested {len(found.elements)} elements of {self.probe.n_elements}: "
                "update its firmware"
            )
        return found

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Send nothing of its own accord for a while, as a host that hangs."""
        with self._keep_alive.muted():
            yield

    def _start(self) -> None:
        assert self._settings is not None
        self._run = self._run % _MAX_RUN + 1
        self._assembler = FrameAssembler(self._settings, self._run)
        self._decoder = PacketDecoder(
            self._assembler.slot, max_payload_bytes=self._assembler.payload_bytes
        )
        self._n_overruns = 0
        self._link.start(self._run)
        self._keep_alive.start(self._device.watchdog_s)

    def _read(self, n_frames: int, deadline_s: float) -> Acquisition:
        assembler = self._running()
        assembler.begin(n_frames)
        # Devices that keep a time of their own stretch the wait, see `_clock_s`.
        end_s = self._clock_s() + deadline_s - time.monotonic()
        try:
            self._fill(assembler, n_frames, end_s)
        except UsdkError:
            if not assembler.n_whole:
                raise
            # What came is delivered; the next read meets what is wrong again.
        if assembler.n_whole:
            return self._acquisition(assembler)
        if assembler.has_ended:
            raise EndOfRecordingError("the device has no more frames: stop and start it again")
        if self._device.source is TriggerSource.EXTERNAL:
            raise TriggerTimeoutError(
                "no frame came in time, and the device waits for its trigger input: check its "
                "cable and trigger.edge, allow a longer timeout_s, or set trigger.source to "
                "internal"
            )
        raise DeviceTimeoutError(
            f"no whole frame came in time ({assembler.n_frames_lost} lost since the start): check "
            "the cable, or allow a longer timeout_s"
        )

    def _fill(self, assembler: FrameAssembler, n_frames: int, end_s: float) -> None:
        n_stalls = 0
        while True:
            while assembler.n_whole < n_frames and (event := self._decoder.next_event()):
                assembler.take(event)
                # A stream of nothing but damage must not outlast the time allowed either.
                if self._clock_s() > end_s:
                    break
            if self.state is not FrontEndState.RUNNING:
                raise StateError("the front-end was stopped while it was read")
            remaining_s = end_s - self._clock_s()
            if assembler.n_whole == n_frames or assembler.has_ended or remaining_s <= 0:
                return
            try:
                chunk = self._transport.read(min(remaining_s, IDLE_TIMEOUT_S))
            except EndpointStalledError as error:
                n_stalls += 1
                if n_stalls > MAX_STALLS_IN_A_ROW:
                    raise DeviceFailedError(
                        "the device keeps halting its data endpoint (its last error: "
                        f"{self._link.last_error()}): stop and start it, or plug it in anew"
                    ) from error
                # What the transfer held is lost; the packets' numbers will tell which.
                self._transport.clear_halt()
                continue
            if len(chunk):
                n_stalls = 0
                self._decoder.receive(chunk)
            else:
                self._ask_why_silent(assembler)

    def _ask_why_silent(self, assembler: FrameAssembler) -> None:
        try:
            status = self._link.status()
        except DeviceAbsentError:
            if self._has_late_data():
                return
            raise
        if status.state is DeviceState.RUNNING or self._has_late_data():
            return
        if status.state is DeviceState.FAILED:
            raise DeviceFailedError(f"the device failed: {self._link.last_error()}")
        if status.state is DeviceState.FROZEN:
            raise self._frozen(status.frozen)
        if status.state is DeviceState.ENDED and status.run == self._run:
            assembler.finish(status.n_frames_made)

    def _has_late_data(self) -> bool:
        """Take what came while the device was asked why it sends nothing more."""
        try:
            chunk = self._transport.read(LATE_DATA_S)
        except EndpointStalledError:
            # The next read meets the halt again, and lifts it.
            return True
        if len(chunk):
            self._decoder.receive(chunk)
        return len(chunk) > 0

    def _frozen(self, because: FrozenBecause) -> UsdkError:
        words = self._link.last_error()
        match because:
            case FrozenBecause.TRIGGER_TIMEOUT:
                return TriggerTimeoutError(
                    f"the device gave up waiting for its trigger ({words}): check the cable and "
                    "trigger.edge, or set trigger.timeout_s higher; then stop and start"
                )
            case FrozenBecause.HOST_SILENT if self._keep_alive.failure is not None:
                return DeviceFrozenError(
                    f"the device stopped sending ({words}), since it did not hear that its host is "
                    f"there ({self._keep_alive.failure}): stop and start it again, and update its "
                    "firmware if that does not help"
                )
            case FrozenBecause.HOST_SILENT:
                return DeviceFrozenError(
                    f"the device stopped sending ({words}): stop and start it again, and set "
                    "watchdog.timeout_s higher where this computer is too busy"
                )
            case FrozenBecause.OVER_TEMPERATURE:
                return DeviceFrozenError(
                    f"the device stopped sending ({words}): let it cool, then stop and start it"
                )
            case _:
                return DeviceFrozenError(
                    f"the device is frozen ({words}): make it active, then stop and start it"
                )

    def _acquisition(self, assembler: FrameAssembler) -> Acquisition:
        data, numbers, device_s, host_s = assembler.frames()
        gaps, assembler.gaps = tuple(assembler.gaps), []
        configuration = self.configuration
        return Acquisition(
            data=data,
            probe=self.probe,
            sequence=configuration.sequence,
            receive=configuration.receive,
            sequence_numbers=numbers,
            device_timestamps_s=device_s,
            host_timestamps_s=host_s,
            gaps=gaps,
            device=self.info,
        )

    def _stop(self) -> None:
        self._keep_alive.stop()
        try:
            self._link.stop()
            self._n_overruns = self._link.status().n_overruns
        except DeviceAbsentError:
            # What is gone has stopped.
            pass

    def _close(self) -> None:
        self._keep_alive.stop()
        self._transport.close()

    def _status(self) -> FrontEndStatus:
        status = self._link.status()
        assembler = self._assembler
        is_current = assembler is not None and status.run == self._run
        return FrontEndStatus(
            state=self.state,
            n_frames_received=assembler.n_frames_received if assembler else 0,
            n_frames_lost=assembler.n_frames_lost if assembler else 0,
            n_packets_lost=assembler.n_packets_lost if assembler else 0,
            n_packets_damaged=assembler.n_packets_damaged if assembler else 0,
            n_overruns=status.n_overruns if is_current else self._n_overruns,
            temperature_celsius=(
                None if math.isnan(status.temperature_celsius) else status.temperature_celsius
            ),
            voltages_v=status.voltages_v,
            power=_POWER[status.power],
            frozen=_FROZEN.get(status.frozen, ""),
            watchdog_s=status.watchdog_s or None,
            n_triggers=status.n_triggers,
            n_triggers_missed=status.n_triggers_missed,
        )

    def _running(self) -> FrameAssembler:
        if self._assembler is None:
            raise StateError("the front-end has not been started")
        return self._assembler

    def _clock_s(self) -> float:
        """Return the clock on which a read waits, s."""
        return time.monotonic()
