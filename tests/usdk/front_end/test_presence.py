from __future__ import annotations

import pytest

from usdk.front_end import DeviceChange, Found
from usdk.front_end import presence as module
from usdk.front_end.presence import Presence

ARRIVED, LEFT, RETURNED = DeviceChange.ARRIVED, DeviceChange.LEFT, DeviceChange.RETURNED


def device(address: str, description: str = "a device") -> Found:
    return Found(address=address, description=description)


def changes(presence: Presence, scheme: str, *found: Found) -> list[tuple[DeviceChange, str]]:
    return [(e.change, e.found.address) for e in presence.take(scheme, found, 1.0)]


def test_a_device_arrives_leaves_and_returns() -> None:
    presence = Presence()
    assert changes(presence, "a") == []
    assert changes(presence, "a", device("a:1")) == [(ARRIVED, "a:1")]
    assert changes(presence, "a", device("a:1")) == []
    assert changes(presence, "a") == [(LEFT, "a:1")]
    assert presence.devices == ()
    assert changes(presence, "a", device("a:2"), device("a:1")) == [
        (ARRIVED, "a:2"),
        (RETURNED, "a:1"),
    ]


def test_one_scheme_says_nothing_of_another() -> None:
    presence = Presence()
    presence.take("a", [device("a:1")], 0.0)
    presence.take("b", [], 0.0)
    assert presence.devices == (device("a:1"),)
    assert presence.schemes == {"a", "b"}


def test_a_device_that_describes_itself_otherwise_left_and_came_back() -> None:
    presence = Presence()
    old, new = device("a:1", "firmware 1"), device("a:1", "firmware 2")
    presence.take("a", [old], 0.0)
    events = presence.take("a", [new], 2.5)
    assert [(e.change, e.found, e.time_s) for e in events] == [
        (LEFT, old, 2.5),
        (RETURNED, new, 2.5),
    ]


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KNOWN", 2)
    presence = Presence()
    for address in ("a:1", "a:2", "a:3"):
        presence.take("a", [device(address)], 0.0)
    assert changes(presence, "a", device("a:2")) == [(LEFT, "a:3"), (RETURNED, "a:2")]
    assert changes(presence, "a", device("a:1")) == [(LEFT, "a:2"), (ARRIVED, "a:1")]
