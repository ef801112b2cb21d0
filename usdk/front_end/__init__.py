"""Front-ends: the contract of a driver, and how a front-end is found and opened."""

from usdk.front_end.capability import TgcLimits, TriggerLimits, WatchdogLimits
from usdk.front_end.contract import DEFAULT_TIMEOUT_S, FrontEnd
from usdk.front_end.description import (
    Capabilities,
    Configuration,
    Found,
    FrontEndState,
    FrontEndStatus,
    PowerState,
    ReceiveRequest,
)
from usdk.front_end.diagnosis import Diagnosable, Finding, OffersUdevRule, Severity
from usdk.front_end.power import (
    FrozenReason,
    HasPowerStates,
    power_state,
    set_power_state,
)
from usdk.front_end.presence import DeviceChange, DeviceEvent
from usdk.front_end.registry import discover, installed_schemes, open_front_end
from usdk.front_end.self_test import (
    SELF_TEST_TIMEOUT_S,
    ElementCondition,
    ElementTest,
    HasSelfTest,
    SelfTest,
    self_test,
)
from usdk.front_end.settings import HasSettings, Setting, change_settings, settings_of, staged
from usdk.front_end.sharing import SharedFrontEnd, Shares, Sharing, share_front_ends
from usdk.front_end.watchdog import HasWatchdog
from usdk.front_end.watcher import DeviceWatcher
from usdk.gain_curve import GainCurve

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "SELF_TEST_TIMEOUT_S",
    "Capabilities",
    "Configuration",
    "DeviceChange",
    "DeviceEvent",
    "DeviceWatcher",
    "Diagnosable",
    "ElementCondition",
    "ElementTest",
    "Finding",
    "Found",
    "FrontEnd",
    "FrontEndState",
    "FrontEndStatus",
    "FrozenReason",
    "GainCurve",
    "HasPowerStates",
    "HasSelfTest",
    "HasSettings",
    "HasWatchdog",
    "OffersUdevRule",
    "PowerState",
    "ReceiveRequest",
    "SelfTest",
    "Setting",
    "Severity",
    "SharedFrontEnd",
    "Shares",
    "Sharing",
    "TgcLimits",
    "TriggerLimits",
    "WatchdogLimits",
    "change_settings",
    "discover",
    "installed_schemes",
    "open_front_end",
    "power_state",
    "self_test",
    "set_power_state",
    "settings_of",
    "share_front_ends",
    "staged",
]
