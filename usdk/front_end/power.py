"""Power states: whether a device may send, and how much of it is awake."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, runtime_checkable

from usdk.choice import choice
from usdk.errors import ArgumentError
from usdk.front_end.contract import FrontEnd, require_front_end
from usdk.front_end.description import PowerState

__all__ = ["FrozenReason", "HasPowerStates", "PowerState", "power_state", "set_power_state"]


class FrozenReason(StrEnum):
    """Why a device stopped sending by itself."""

    HOST_SILENT = "host silent"
    OVER_TEMPERATURE = "over-temperature"
    TRIGGER_TIMEOUT = "no trigger"


@runtime_checkable
class HasPowerStates(Protocol):
    """What a driver adds to `FrontEnd` if its device can be frozen or put to sleep."""

    @property
    def power_state(self) -> PowerState:
        """The state, as the device tells it."""

    def set_power_state(self, state: PowerState) -> None:
        """Set it, at any time; the front-end is not running then."""


def power_state(front_end: FrontEnd) -> PowerState:
    """Return the power state of a front-end; `PowerState.ACTIVE` if it has no other.

    Raises
    ------
    ArgumentError
        If it is no front-end.
    """
    require_front_end(front_end)
    if isinstance(front_end, HasPowerStates) and front_end.capabilities.has_power_states:
        return front_end.power_state
    return PowerState.ACTIVE


def set_power_state(front_end: FrontEnd, state: PowerState) -> None:
    """Freeze a front-end, put it into standby, or make it active again.

    It is stopped first if it runs: neither a frozen front-end nor one in standby sends. What was
    configured stays, so that ``start`` goes on once it is active.

    Parameters
    ----------
    front_end : FrontEnd
        At any time but closed.
    state : PowerState
        `ACTIVE` may send. `FREEZE` sends nothing and stays ready: it is active again at once.
        `STANDBY` also takes the transmit supply off, and takes a moment to come back.

    Raises
    ------
    ArgumentError
        If it is no front-end, or the device has no power states.
    StateError
        If it is closed.
    DeviceFailedError
        If the device refuses.
    """
    require_front_end(front_end)
    state = choice(PowerState, state)
    with front_end.alone():
        if not (isinstance(front_end, HasPowerStates) and front_end.capabilities.has_power_states):
            raise ArgumentError(
                f"{front_end.info.model} has no power states: stop it, or take its power off"
            )
        front_end.stop()
        front_end.set_power_state(state)
