"""Settings: what else a device lets be set, with unit and range, and how to put it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from usdk.arguments import count, finite
from usdk.errors import ArgumentError, StateError, UsdkError
from usdk.front_end.contract import FrontEnd
from usdk.front_end.description import FrontEndState
from usdk.gain_curve import GainCurve

__all__ = ["HasSettings", "Setting", "change_settings", "settings_of", "staged"]

Value = bool | int | float | str | GainCurve
_MAX_COUNT = 2**62


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it stands.

    Parameters
    ----------
    name : str
        Its place in the tree, the branches before dots: ``pace.speed``.
    value : bool, int, float, str or GainCurve
        What is really set, of the type that it always has.
    unit : str
        SI unit, ``dB`` or ``%``; empty for a plain number, a word or a switch.
    least, greatest : float, optional
        Range of a number, or of a curve's gains, both included.
    choices : tuple of str
        The words that a setting of words takes.
    meaning : str
        What it does, in a line.
    """

    name: str
    value: Value
    unit: str = ""
    least: float | None = None
    greatest: float | None = None
    choices: tuple[str, ...] = ()
    meaning: str = ""

    def checked(self, value: object) -> Value:
        """Return a value as the setting's type.

        Raises
        ------
        ArgumentError
            If it is of another type or out of range; the message names both.
        """
        if isinstance(self.value, bool):
            if not isinstance(value, bool):
                raise ArgumentError(f"{self.name} is on or off: give True or False")
            return value
        if isinstance(self.value, str):
            if not isinstance(value, str) or (self.choices and value not in self.choices):
                raise ArgumentError(f"{self.name} is one of {', '.join(self.choices) or 'text'}")
            return value
        if isinstance(self.value, GainCurve):
            if not isinstance(value, GainCurve):
                raise ArgumentError(f"{self.name} is a curve: give a usdk.GainCurve")
            for gain_db in value.gains_db:
                self._require_in_range(gain_db)
            return value
        if isinstance(value, bool):
            raise ArgumentError(f"{self.name} is a number, not on or off")
        is_count = isinstance(self.value, int)
        number: int | float = (
            count(value, self.name, least=-_MAX_COUNT, most=_MAX_COUNT)
            if is_count
            else finite(value, self.name)
        )
        self._require_in_range(number)
        return number

    def _require_in_range(self, number: float) -> None:
        too_low = self.least is not None and number < self.least
        if too_low or (self.greatest is not None and number > self.greatest):
            unit = f" {self.unit}" if self.unit else ""
            raise ArgumentError(
                f"{self.name} = {number:g}{unit} is out of range: it goes from "
                f"{self._edge('least')} to {self._edge('greatest')}{unit}"
            )

    def _edge(self, name: str) -> str:
        edge = getattr(self, name)
        return "any" if edge is None else f"{edge:g}"


@runtime_checkable
class HasSettings(Protocol):
    """What a driver adds to `FrontEnd` if its device has settings."""

    def settings(self) -> tuple[Setting, ...]:
        """Return every setting as it stands."""

    def set_setting(self, name: str, value: Value) -> None:
        """Set one; name and value were checked. What is really set, `settings` tells."""


def settings_of(front_end: FrontEnd) -> dict[str, Setting]:
    """Return a front-end's settings by name; none if its driver has none."""
    if not isinstance(front_end, HasSettings):
        return {}
    return {setting.name: setting for setting in front_end.settings()}


def change_settings(front_end: FrontEnd, values: Mapping[str, Value]) -> dict[str, Setting]:
    """Set what ``values`` names, and return how these settings then really stand.

    Everything is checked before anything is set, and what was set is put back if the device
    refuses the next.

    Raises
    ------
    ArgumentError
        If a name is unknown, or a value of another type or out of range; nothing was set.
    StateError
        If the front-end is running or closed: a change in the middle of a run would leave frames
        of which nobody knows how they were made.
    """
    with front_end.alone():
        if front_end.state is FrontEndState.RUNNING:
            raise StateError("the front-end is running: settings change when it is stopped")
        before = settings_of(front_end)
        checked = _checked(front_end, before, values)
        done: list[Setting] = []
        try:
            for name, value in checked.items():
                done.append(before[name])
                _set(front_end, name, value)
        except BaseException:
            _put_back(front_end, done)
            raise
        after = settings_of(front_end)
    return {name: after[name] for name in checked}


def _checked(
    front_end: FrontEnd, before: Mapping[str, Setting], values: Mapping[str, Value]
) -> dict[str, Value]:
    if not isinstance(values, Mapping):
        raise ArgumentError('settings are given as {name: value}, such as {"pace.speed": 1.0}')
    checked = {}
    for name, value in values.items():
        if name not in before:
            known = ", ".join(before) or "none"
            raise ArgumentError(f"{front_end.info.model} has no setting {name!r}; it has: {known}")
        checked[name] = before[name].checked(value)
    return checked


@contextmanager
def staged(front_end: FrontEnd, values: Mapping[str, Value]) -> Iterator[dict[str, Setting]]:
    """Change settings for the length of a ``with`` block, and put them back at its end.

    The front-end is stopped first at the end. What it yields, and raises, is that of
    `change_settings`; if the device cannot be set back, the error of the block goes first.
    """
    before = settings_of(front_end)
    set_now = change_settings(front_end, values)
    try:
        yield set_now
    except BaseException:
        _put_back(front_end, [before[name] for name in set_now])
        raise
    if front_end.state is FrontEndState.CLOSED:
        # A device that was released keeps what it likes.
        return
    front_end.stop()
    change_settings(front_end, {name: before[name].value for name in reversed(list(set_now))})


def _set(front_end: FrontEnd, name: str, value: Value) -> None:
    assert isinstance(front_end, HasSettings)
    front_end.set_setting(name, value)


def _put_back(front_end: FrontEnd, settings: list[Setting]) -> None:
    """Set settings as they were, the last first, as far as the device still listens."""
    if front_end.state is FrontEndState.CLOSED:
        return
    for setting in reversed(settings):
        try:
            front_end.stop()
            _set(front_end, setting.name, setting.value)
        except UsdkError:
            # The error that led here is the one to report.
            continue
