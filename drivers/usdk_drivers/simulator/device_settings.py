"""What a simulated device makes of settings: refused beyond its limits, rounded to its steps."""

from __future__ import annotations

from dataclasses import replace

from usdk.front_end import Capabilities, TriggerLimits
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.wire import (
    DeviceSettings,
    ErrorCode,
    SequenceSettings,
    TriggerOutput,
    TriggerSource,
)

__all__ = ["pulses_fault", "really"]


def really(request: DeviceSettings, can: Capabilities) -> DeviceSettings:
    """Return what is really set; `RefusedError` if the device cannot."""
    trigger, watchdog = can.trigger, can.watchdog
    has = {
        "trigger input": trigger.has_input or request.source is TriggerSource.INTERNAL,
        "trigger output": trigger.has_output or request.output is TriggerOutput.OFF,
        "watchdog": watchdog is not None or not request.watchdog_s,
    }
    for what, is_there in has.items():
        if not is_there:
            raise RefusedError(ErrorCode.UNSUPPORTED, f"it has no {what}")
    checks = {
        f"a delay above {trigger.max_delay_s} s": request.delay_s <= trigger.max_delay_s,
        f"a wait above {trigger.max_timeout_s} s": request.timeout_s <= trigger.max_timeout_s,
        f"a pulse above {trigger.max_output_width_s} s": (
            request.output_width_s <= trigger.max_output_width_s
        ),
        "a watchdog's time out of range": (
            watchdog is None or watchdog.least_s <= request.watchdog_s <= watchdog.greatest_s
        ),
    }
    for fault, is_right in checks.items():
        if not is_right:
            raise RefusedError(ErrorCode.OUT_OF_LIMITS, fault)
    step_s = trigger.delay_step_s
    # Divided by a whole number of steps per second: a multiple of 10 ns is then told as such.
    delay_s = round(request.delay_s / step_s) / round(1 / step_s) if step_s else request.delay_s
    return replace(request, delay_s=delay_s)


def pulses_fault(
    device: DeviceSettings, sequence: SequenceSettings, limits: TriggerLimits
) -> str | None:
    """Return what is wrong with the output's pulses at a sequence's rate, None if nothing is."""
    if device.output is TriggerOutput.OFF:
        return None
    is_each = device.output is TriggerOutput.TRANSMIT
    rate_hz = sequence.frame_rate_hz * (len(sequence.sequence) if is_each else 1)
    if rate_hz > limits.max_rate_hz:
        return f"pulses at {rate_hz:g} Hz are above {limits.max_rate_hz:g} Hz"
    if rate_hz * device.output_width_s < 1:
        return None
    return f"pulses of {device.output_width_s} s at {rate_hz:g} Hz run into each other"
