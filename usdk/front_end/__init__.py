"""Front-ends: the contract of a driver, and how a front-end is found and opened."""

from usdk.front_end.contract import DEFAULT_TIMEOUT_S, FrontEnd
from usdk.front_end.description import (
    Capabilities,
    Configuration,
    Found,
    FrontEndState,
    FrontEndStatus,
    ReceiveRequest,
)
from usdk.front_end.diagnosis import Diagnosable, Finding, OffersUdevRule, Severity
from usdk.front_end.presence import DeviceChange, DeviceEvent
from usdk.front_end.registry import discover, installed_schemes, open_front_end
from usdk.front_end.settings import HasSettings, Setting, change_settings, settings_of, staged
from usdk.front_end.sharing import SharedFrontEnd, Shares, Sharing, share_front_ends
from usdk.front_end.watcher import DeviceWatcher

__all__ = [
    "DEFAULT_TIMEOUT_S",
    "Capabilities",
    "Configuration",
    "DeviceChange",
    "DeviceEvent",
    "DeviceWatcher",
    "Diagnosable",
    "Finding",
    "Found",
    "FrontEnd",
    "FrontEndState",
    "FrontEndStatus",
    "HasSettings",
    "OffersUdevRule",
    "ReceiveRequest",
    "Setting",
    "Severity",
    "SharedFrontEnd",
    "Shares",
    "Sharing",
    "change_settings",
    "discover",
    "installed_schemes",
    "open_front_end",
    "settings_of",
    "share_front_ends",
    "staged",
]
