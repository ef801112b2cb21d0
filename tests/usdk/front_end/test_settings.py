from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from usdk.errors import ArgumentError, DeviceFailedError, StateError
from usdk.front_end import (
    FrontEndState,
    HasSettings,
    Setting,
    change_settings,
    settings_of,
    staged,
)

GAIN = Setting(name="receive.gain", value=20.0, unit="dB", least=0.0, greatest=40.0)
COUNT = Setting(name="average", value=1, least=1)
FILTER = Setting(name="filter", value="wide", choices=("wide", "narrow"))
LIGHT = Setting(name="light", value=True)


class Device:
    """Rounds its gain to 0.5 dB, and refuses what the test says."""

    def __init__(self) -> None:
        self.state = FrontEndState.CONFIGURED
        self.values: dict[str, Any] = {s.name: s.value for s in (GAIN, COUNT, FILTER, LIGHT)}
        self.refused: set[str] = set()
        self.calls: list[tuple[str, Any]] = []
        self.info = type("Info", (), {"model": "the device"})

    def settings(self) -> tuple[Setting, ...]:
        return tuple(replace(s, value=self.values[s.name]) for s in (GAIN, COUNT, FILTER, LIGHT))

    def set_setting(self, name: str, value: Any) -> None:
        self.calls.append((name, value))
        if name in self.refused:
            raise DeviceFailedError("refused")
        self.values[name] = round(value * 2) / 2 if name == GAIN.name else value

    def stop(self) -> None:
        if self.state is FrontEndState.RUNNING:
            self.state = FrontEndState.CONFIGURED

    @contextmanager
    def alone(self) -> Iterator[None]:
        if self.state is FrontEndState.CLOSED:
            raise StateError("the front-end is closed")
        yield


@pytest.fixture
def device() -> Any:
    return Device()


@pytest.mark.parametrize(
    ("setting", "value", "taken"),
    [
        (GAIN, 40, 40.0),
        (GAIN, 0.0, 0.0),
        (COUNT, 7.0, 7),
        (FILTER, "narrow", "narrow"),
        (LIGHT, False, False),
    ],
)
def test_a_value_is_taken_as_the_settings_type(setting: Setting, value: Any, taken: Any) -> None:
    checked = setting.checked(value)
    assert checked == taken
    assert type(checked) is type(setting.value)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (GAIN, 40.01, r"receive.gain = 40.01 dB is out of range: it goes from 0 to 40 dB"),
        (GAIN, -1, "out of range"),
        (GAIN, float("nan"), "receive.gain must be finite"),
        (GAIN, "much", "receive.gain must be a number"),
        (GAIN, True, "not on or off"),
        (COUNT, 0, "it goes from 1 to any"),
        (COUNT, 1.5, "average must be"),
        (FILTER, "odd", "one of wide, narrow"),
        (FILTER, 3, "one of wide, narrow"),
        (LIGHT, 1, "on or off"),
    ],
)
def test_a_value_that_cannot_be_is_refused(setting: Setting, value: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        setting.checked(value)


def test_what_is_really_set_comes_back(device: Any) -> None:
    now = change_settings(device, {"receive.gain": 10.3, "filter": "narrow"})
    assert {name: setting.value for name, setting in now.items()} == {
        "receive.gain": 10.5,
        "filter": "narrow",
    }
    assert settings_of(device)["receive.gain"].unit == "dB"


def test_nothing_is_set_when_one_value_cannot_be(device: Any) -> None:
    for values, message in (
        ({"receive.gain": 10.0, "filter": "odd"}, "one of"),
        ({"receive.gain": 10.0, "volume": 3}, r"no setting 'volume'; it has: receive.gain, aver"),
    ):
        with pytest.raises(ArgumentError, match=message):
            change_settings(device, values)
    assert device.calls == []


def test_what_was_set_is_put_back_when_the_device_refuses_the_next(device: Any) -> None:
    device.refused = {"filter"}
    before = dict(device.values)
    with pytest.raises(DeviceFailedError, match="refused"):
        change_settings(device, {"receive.gain": 10.0, "filter": "narrow"})
    assert device.values == before


@pytest.mark.parametrize("state", [FrontEndState.RUNNING, FrontEndState.CLOSED])
def test_a_running_or_closed_front_end_keeps_its_settings(
    device: Any, state: FrontEndState
) -> None:
    device.state = state
    with pytest.raises(StateError, match=state):
        change_settings(device, {"receive.gain": 10.0})


def test_staged_settings_are_put_back_the_last_first(device: Any) -> None:
    before = dict(device.values)
    with staged(device, {"receive.gain": 10.0, "light": False}) as now:
        assert now["receive.gain"].value == 10.0
        device.state = FrontEndState.RUNNING
    assert device.state is FrontEndState.CONFIGURED
    assert device.values == before
    assert [name for name, _ in device.calls[2:]] == ["light", "receive.gain"]


def test_staged_settings_are_put_back_after_an_error_which_goes_first(device: Any) -> None:
    before = dict(device.values)

    def fail() -> None:
        with staged(device, {"receive.gain": 10.0, "light": False}):
            device.refused = {"light"}
            raise ZeroDivisionError("oops")

    with pytest.raises(ZeroDivisionError, match="oops"):
        fail()
    assert device.values == before | {"light": False}


def test_a_front_end_that_was_closed_inside_is_left_alone(device: Any) -> None:
    with staged(device, {"receive.gain": 10.0}):
        device.state = FrontEndState.CLOSED
    assert device.values["receive.gain"] == 10.0


def test_a_driver_without_settings_has_none() -> None:
    has = {"state": FrontEndState.OPEN, "info": Device().info, "alone": Device.alone}
    plain: Any = type("Plain", (), has)()
    assert not isinstance(plain, HasSettings)
    assert settings_of(plain) == {}
    with pytest.raises(ArgumentError, match="it has: none"):
        change_settings(plain, {"receive.gain": 1.0})
