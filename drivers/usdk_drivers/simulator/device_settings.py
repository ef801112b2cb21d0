"""What a simulated device makes of settings: refused beyond its limits, rounded to its steps."""

from __future__ import annotations

from dataclasses import replace

from usdk.front_end import Capabilities
from usdk_drivers.simulator.engine import RefusedError
from usdk_drivers.wire import DeviceSettings, ErrorCode, TriggerOutput, TriggerSource

__all__ = ["really"]


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
