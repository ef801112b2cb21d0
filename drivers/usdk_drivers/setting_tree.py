"""The settings of a device that speaks the wire protocol, as a tree with units and ranges."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Any

from usdk.front_end import Capabilities, GainCurve, PowerState, Setting
from usdk_drivers.wire import (
    DeviceSettings,
    TriggerEdge,
    TriggerOutput,
    TriggerSource,
    TriggerStarts,
)

__all__ = ["device_settings", "gain_setting", "level_gain", "power_setting", "with_device_setting"]

# Name in the tree: field, words.
_WORDS: dict[str, tuple[str, type[IntEnum]]] = {
    "trigger.source": ("source", TriggerSource),
    "trigger.edge": ("edge", TriggerEdge),
    "trigger.starts": ("starts", TriggerStarts),
    "trigger.output": ("output", TriggerOutput),
}
_TIMES = {
    "trigger.delay_s": "delay_s",
    "trigger.timeout_s": "timeout_s",
    "trigger.output_width_s": "output_width_s",
    "watchdog.timeout_s": "watchdog_s",
}
_MEANINGS = {
    "trigger.source": "what starts a frame: the device's own clock, or its trigger input",
    "trigger.edge": "edge of the input that counts",
    "trigger.starts": "what one external trigger starts",
    "trigger.delay_s": "from the edge to the transmit that it starts",
    "trigger.timeout_s": "wait for a trigger before the device freezes; 0 for any time",
    "trigger.output": "when the output gives a pulse",
    "trigger.output_width_s": "length of that pulse",
    "watchdog.timeout_s": "how long the host may be silent before the device stops sending",
}


def device_settings(now: DeviceSettings, can: Capabilities) -> tuple[Setting, ...]:
    """Return what a device lets be set of its trigger lines and watchdog, as it stands."""
    trigger, names = can.trigger, []
    if trigger.has_input:
        names += ["trigger.source", "trigger.edge", "trigger.starts"]
        names += ["trigger.delay_s", "trigger.timeout_s"]
    if trigger.has_output:
        names += ["trigger.output", "trigger.output_width_s"]
    if can.watchdog is not None:
        names.append("watchdog.timeout_s")
    greatest_s = {
        "trigger.delay_s": trigger.max_delay_s,
        "trigger.timeout_s": trigger.max_timeout_s,
        "trigger.output_width_s": trigger.max_output_width_s,
    }
    settings = []
    for name in names:
        if name in _WORDS:
            field, words = _WORDS[name]
            value = _word(words(getattr(now, field)))
            choices = tuple(map(_word, words))
            settings.append(
                Setting(name=name, value=value, choices=choices, meaning=_MEANINGS[name])
            )
            continue
        least, greatest = 0.0, greatest_s.get(name)
        if name == "watchdog.timeout_s":
            assert can.watchdog is not None
            least, greatest = can.watchdog.least_s, can.watchdog.greatest_s
        settings.append(
            Setting(
                name=name,
                value=float(getattr(now, _TIMES[name])),
                unit="s",
                least=least,
                greatest=greatest,
                meaning=_MEANINGS[name],
            )
        )
    return tuple(settings)


def with_device_setting(now: DeviceSettings, name: str, value: Any) -> DeviceSettings:
    """Return the settings with one changed, which was checked."""
    change: dict[str, Any] = {}
    if name in _WORDS:
        field, words = _WORDS[name]
        change[field] = next(word for word in words if _word(word) == value)
    else:
        change[_TIMES[name]] = float(value)
    return replace(now, **change)


def level_gain(can: Capabilities) -> GainCurve:
    """Return the curve that stands when none was set: 0 dB, or what is nearest to it."""
    assert can.tgc is not None
    return GainCurve.constant(min(max(0.0, can.tgc.least_db), can.tgc.greatest_db))


def gain_setting(curve: GainCurve, can: Capabilities) -> Setting:
    """Return the gain over time as a setting."""
    assert can.tgc is not None
    return Setting(
        name="tgc.curve",
        value=curve,
        unit="dB",
        least=can.tgc.least_db,
        greatest=can.tgc.greatest_db,
        meaning="gain over time of what is configured without one of its own",
    )


def power_setting(state: PowerState) -> Setting:
    """Return the power state as a setting."""
    return Setting(
        name="power.state",
        value=str(state),
        choices=tuple(map(str, PowerState)),
        meaning="whether the device may send, and whether its transmit supply is on",
    )


def _word(value: IntEnum) -> str:
    return value.name.lower()
