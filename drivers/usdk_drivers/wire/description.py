"""The DESCRIPTION message: who the device is, what it can do, and which probe it carries."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from usdk.acquisition import DeviceInfo
from usdk.errors import ArgumentError, DataDamagedError
from usdk.front_end import Capabilities, TgcLimits, TriggerLimits, WatchdogLimits
from usdk.probe import MAX_ELEMENTS, ArrayKind, Probe
from usdk_drivers.wire.fields import FieldReader, pack_array, pack_string
from usdk_drivers.wire.message import MessageType, frame_message, unframe_message
from usdk_drivers.wire.protocol import MAX_GAIN_POINTS, MAX_SAMPLING_FREQUENCIES
from usdk_drivers.wire.sequence import MAX_SAMPLING_FREQUENCY_HZ, MAX_TIME_S

__all__ = ["DeviceDescription"]

MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 1.0, 1e10
"""Of a probe's centre; acoustic microscopes end below."""

MAX_FRACTIONAL_BANDWIDTH = 100.0
MAX_LENGTH_M = 1e3
"""Of pitch, element and position: a greater one was meant in another unit."""

MAX_RADIUS_M = 1e6
"""Of curvature; a flat array has an infinite one."""

MAX_PRF_HZ = 1e9
"""Far past the time that an echo takes."""

_CAPABILITIES = "IIIIdHH"
# Duty cycle, cycles; gain: 4 and points; trigger: 5; watchdog: 2; temperature; reserved.
_LIMITS = "ddddddI4xdddddddf60x"
_PROBE = "B3xIddddddd"
# The order is the wire's: append, never insert.
_KINDS = (
    ArrayKind.OTHER,
    ArrayKind.LINEAR,
    ArrayKind.CURVED,
    ArrayKind.PHASED,
    ArrayKind.MATRIX,
)


class _Flag(IntFlag):
    FIXED_SEQUENCE = 1
    GAIN = 2
    TRIGGER_INPUT = 4
    TRIGGER_OUTPUT = 8
    WATCHDOG = 16
    SELF_TEST = 32
    POWER_STATES = 64


@dataclass(frozen=True, eq=False)
class DeviceDescription:
    """What a device says of itself; it does not change while the device is open."""

    info: DeviceInfo
    capabilities: Capabilities
    probe: Probe

    def pack(self) -> bytes:
        """Return the whole message."""
        can = self.capabilities
        rates_hz = can.sampling_frequencies_hz
        if len(rates_hz) > MAX_SAMPLING_FREQUENCIES:
            raise ArgumentError(f"at most {MAX_SAMPLING_FREQUENCIES} sampling frequencies")
        info = self.info
        strings = (info.manufacturer, info.model, info.serial_number, info.firmware_version)
        body = b"".join(map(pack_string, strings))
        body += struct.pack(
            "<" + _CAPABILITIES,
            can.n_transmit_channels,
            can.n_receive_channels,
            can.max_samples,
            can.max_transmits,
            can.max_prf_hz,
            _flags(can),
            len(rates_hz),
        )
        body += struct.pack(f"<{len(rates_hz)}d", *rates_hz)
        body += _pack_limits(can) + _pack_probe(self.probe)
        return frame_message(MessageType.DESCRIPTION, body)

    @classmethod
    def unpack(cls, message: bytes | memoryview) -> DeviceDescription:
        """Return the description; `DataDamagedError` if the message is none."""
        reader = FieldReader(unframe_message(MessageType.DESCRIPTION, message))
        try:
            manufacturer, model, serial, firmware = (reader.string() for _ in range(4))
            transmit, receive, samples, transmits, prf_hz, flags, n_rates = reader.unpack(
                _CAPABILITIES
            )
            if n_rates > MAX_SAMPLING_FREQUENCIES:
                raise DataDamagedError(f"{n_rates} sampling frequencies are too many")
            rates_hz = reader.unpack(f"{n_rates}d")
            capabilities = Capabilities(
                n_transmit_channels=transmit,
                n_receive_channels=receive,
                sampling_frequencies_hz=rates_hz,
                max_samples=samples,
                max_transmits=transmits,
                max_prf_hz=prf_hz,
                sequence_is_fixed=bool(flags & _Flag.FIXED_SEQUENCE),
                has_self_test=bool(flags & _Flag.SELF_TEST),
                has_power_states=bool(flags & _Flag.POWER_STATES),
                **_read_limits(reader, _Flag(flags)),
            )
            _check(capabilities)
            probe = _read_probe(reader)
        except ArgumentError as error:
            raise DataDamagedError(f"the device describes an impossible probe: {error}") from error
        reader.finish()
        info = DeviceInfo(
            manufacturer=manufacturer, model=model, serial_number=serial, firmware_version=firmware
        )
        return cls(info, capabilities, probe)


def _check(can: Capabilities) -> None:
    counts = (
        can.n_transmit_channels,
        can.n_receive_channels,
        can.max_samples,
        can.max_transmits,
        len(can.sampling_frequencies_hz),
    )
    # A recording need not know how fast it was made.
    rates_hz = can.sampling_frequencies_hz + (() if can.sequence_is_fixed else (can.max_prf_hz,))
    if min(counts) < 1 or not all(math.isfinite(rate) and rate > 0 for rate in rates_hz):
        raise DataDamagedError("a capability is zero, negative or not a number")
    if max(can.sampling_frequencies_hz) > MAX_SAMPLING_FREQUENCY_HZ:
        raise DataDamagedError(
            f"a sampling frequency beyond {MAX_SAMPLING_FREQUENCY_HZ:g} Hz cannot be"
        )
    if not can.sequence_is_fixed and can.max_prf_hz > MAX_PRF_HZ:
        raise DataDamagedError(f"a PRF beyond {MAX_PRF_HZ:g} Hz cannot be")


def _flags(can: Capabilities) -> int:
    return sum(
        flag
        for flag, is_set in (
            (_Flag.FIXED_SEQUENCE, can.sequence_is_fixed),
            (_Flag.GAIN, can.tgc is not None),
            (_Flag.TRIGGER_INPUT, can.trigger.has_input),
            (_Flag.TRIGGER_OUTPUT, can.trigger.has_output),
            (_Flag.WATCHDOG, can.watchdog is not None),
            (_Flag.SELF_TEST, can.has_self_test),
            (_Flag.POWER_STATES, can.has_power_states),
        )
        if is_set
    )


def _pack_limits(can: Capabilities) -> bytes:
    tgc = can.tgc or TgcLimits(least_db=0.0, greatest_db=0.0, max_points=0)
    trigger = can.trigger
    watchdog = can.watchdog or WatchdogLimits(least_s=0.0, greatest_s=0.0)
    return struct.pack(
        "<" + _LIMITS,
        _or_nan(can.max_duty_cycle),
        _or_nan(can.max_cycles),
        *(tgc.least_db, tgc.greatest_db, tgc.step_db, tgc.step_s, tgc.max_points),
        *(trigger.max_rate_hz, trigger.max_delay_s, trigger.delay_step_s),
        *(trigger.max_timeout_s, trigger.max_output_width_s),
        *(watchdog.least_s, watchdog.greatest_s),
        _or_nan(can.max_temperature_celsius),
    )


def _read_limits(reader: FieldReader, flags: _Flag) -> dict[str, Any]:
    duty, cycles, *numbers, temperature = reader.unpack(_LIMITS)
    least_db, greatest_db, step_db, step_s, n_points, *numbers = numbers
    rate_hz, delay_s, delay_step_s, timeout_s, width_s, least_s, greatest_s = numbers
    if not all(math.isfinite(value) and value >= 0 for value in (step_db, step_s, *numbers)):
        raise DataDamagedError("a limit of gain, trigger or watchdog is negative or no number")
    is_gain = _Flag.GAIN in flags
    if is_gain and not (
        -math.inf < least_db <= greatest_db < math.inf and 1 <= n_points <= MAX_GAIN_POINTS
    ):
        raise DataDamagedError("the limits of the gain cannot be")
    if _Flag.WATCHDOG in flags and not 0 < least_s <= greatest_s:
        raise DataDamagedError("the limits of the watchdog cannot be")
    limits = {"max_duty_cycle": duty, "max_cycles": cycles, "max_temperature_celsius": temperature}
    if any(math.isinf(value) or value <= 0 for value in (duty, cycles)) or math.isinf(temperature):
        raise DataDamagedError("a limit of the pulse or of the temperature cannot be")
    return {
        **{name: None if math.isnan(value) else value for name, value in limits.items()},
        "tgc": TgcLimits(
            least_db=least_db,
            greatest_db=greatest_db,
            step_db=step_db,
            step_s=step_s,
            max_points=n_points,
        )
        if is_gain
        else None,
        "trigger": TriggerLimits(
            has_input=_Flag.TRIGGER_INPUT in flags,
            has_output=_Flag.TRIGGER_OUTPUT in flags,
            max_rate_hz=rate_hz,
            max_delay_s=delay_s,
            delay_step_s=delay_step_s,
            max_timeout_s=timeout_s,
            max_output_width_s=width_s,
        ),
        "watchdog": WatchdogLimits(least_s=least_s, greatest_s=greatest_s)
        if _Flag.WATCHDOG in flags
        else None,
    }


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _pack_probe(probe: Probe) -> bytes:
    numbers = struct.pack(
        "<" + _PROBE,
        _KINDS.index(probe.kind),
        probe.n_elements,
        probe.centre_frequency_hz,
        probe.fractional_bandwidth,
        probe.pitch_m,
        probe.element_width_m,
        probe.element_height_m,
        probe.radius_m,
        probe.lens_delay_s,
    )
    arrays = pack_array(probe.element_positions_m) + pack_array(probe.element_normals)
    return pack_string(probe.name) + numbers + arrays


def _read_probe(reader: FieldReader) -> Probe:
    name = reader.string()
    kind, n_elements, *numbers = reader.unpack(_PROBE)
    if kind >= len(_KINDS) or not 1 <= n_elements <= MAX_ELEMENTS:
        raise DataDamagedError(f"a probe of kind {kind} with {n_elements} elements")
    frequency_hz, bandwidth, pitch_m, width_m, height_m, radius_m, lens_s = numbers
    _require_plausible(
        centre_frequency_hz=(frequency_hz, MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ),
        fractional_bandwidth=(bandwidth, 0.0, MAX_FRACTIONAL_BANDWIDTH),
        pitch_m=(pitch_m, 0.0, MAX_LENGTH_M),
        element_width_m=(width_m, 0.0, MAX_LENGTH_M),
        element_height_m=(height_m, 0.0, MAX_LENGTH_M),
        radius_m=(0.0 if math.isinf(radius_m) else radius_m, 0.0, MAX_RADIUS_M),
        lens_delay_s=(lens_s, 0.0, MAX_TIME_S),
    )
    return Probe(
        name=name,
        kind=_KINDS[kind],
        element_positions_m=reader.array(n_elements, 3),
        element_normals=reader.array(n_elements, 3),
        centre_frequency_hz=frequency_hz,
        fractional_bandwidth=bandwidth,
        pitch_m=pitch_m,
        element_width_m=width_m,
        element_height_m=height_m,
        radius_m=radius_m,
        lens_delay_s=lens_s,
    )


def _require_plausible(**fields: tuple[float, float, float]) -> None:
    """Refuse finite numbers with which arithmetic would overflow; `Probe` looks at the rest."""
    for name, (value, least, greatest) in fields.items():
        if not least <= value <= greatest:
            raise DataDamagedError(
                f"a probe's {name} is {value:g}, it can be {least:g} to {greatest:g}"
            )
