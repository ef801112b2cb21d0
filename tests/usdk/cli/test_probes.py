from __future__ import annotations

import json
from typing import Any

import pytest

from usdk.errors import MissingExtraError
from usdk.front_end import registry


def test_simulated_probes_are_listed_by_address(usdk: Any) -> None:
    outcome = usdk("probes")
    assert outcome.status == 0
    assert "sim:linear-l11-5v" in outcome.out
    assert "sim:convex-c5-2v" in outcome.out


def test_json_has_what_was_found_and_every_scheme(usdk: Any) -> None:
    listing = json.loads(usdk("probes", "--json").out)
    assert {"address", "description"} == set(listing["found"][0])
    assert {"scheme": "usb", "distribution": "ultrasound-sdk", "asked": True} in listing["schemes"]
    assert listing["problems"] == []


def test_another_packages_driver_is_named_and_not_run(
    usdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Entry:
        name = "acme"
        value = "acme.driver:Driver"
        dist = type("Distribution", (), {"name": "acme-ultrasound"})()

        def load(self) -> None:
            raise AssertionError("ran a driver that nobody asked for")

    entries = registry._entries() | {"acme": Entry()}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    outcome = usdk("probes")
    assert outcome.status == 0
    assert "acme: not asked, acme-ultrasound brings it" in outcome.out


def test_a_driver_that_lacks_a_package_does_not_hide_the_others(
    usdk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registry.discover

    def discover(schemes: list[str]) -> Any:
        if schemes == ["usb"]:
            raise MissingExtraError.for_extra("usb", "USB")
        return real(schemes)

    monkeypatch.setattr("usdk.cli.probes.discover", discover)
    outcome = usdk("probes")
    assert outcome.status == 0
    assert "sim:linear-l11-5v" in outcome.out
    assert "usb: USB needs an optional package" in outcome.out
    assert usdk("probes", "--scheme", "usb").status == 8


def test_a_scheme_that_nobody_claims_ends_with_2(usdk: Any) -> None:
    outcome = usdk("probes", "--scheme", "nothing")
    assert outcome.status == 2
    assert "no installed driver claims 'nothing'" in outcome.err
