"""A watchdog: a device that stops sending when its host is silent for too long."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, runtime_checkable

__all__ = ["HasWatchdog"]


@runtime_checkable
class HasWatchdog(Protocol):
    """What a driver adds to `FrontEnd` if it keeps its device's watchdog quiet by itself.

    ``capabilities.watchdog`` tells whether the device has one, and the setting
    ``watchdog.timeout_s`` for how long it waits.
    """

    def silence(self) -> AbstractContextManager[None]:
        """Return a block in which the driver sends nothing of its own accord, to try the device."""
