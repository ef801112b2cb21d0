from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from usdk.errors import ArgumentError, DeviceFailedError, DriverConflictError, StateError
from usdk.front_end import (
    FrontEnd,
    discover,
    installed_schemes,
    open_front_end,
    registry,
)


def entry(scheme: str, value: str, distribution: str | None = "other-package") -> Any:
    """Return an entry point that a distribution of this name would bring."""
    point = EntryPoint(scheme, value, registry.DRIVER_GROUP)
    owner = None if distribution is None else SimpleNamespace(name=distribution)
    return SimpleNamespace(name=scheme, value=value, dist=owner, load=point.load)


def install(monkeypatch: pytest.MonkeyPatch, *entries: Any) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: list(entries))


def test_this_distribution_brings_five_schemes() -> None:
    schemes = installed_schemes()
    assert {s for s, owner in schemes.items() if owner == "ultrasound-sdk"} == {
        "file",
        "serial",
        "sim",
        "usb",
        "usbip",
    }


def test_two_packages_that_claim_a_scheme_are_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, entry("x", "one:A", "package-one"), entry("x", "two:B", "package-two"))
    for ask in (lambda: open_front_end("x:"), installed_schemes, discover):
        with pytest.raises(DriverConflictError, match="package-one and package-two"):
            ask()


def test_one_entry_listed_twice_is_no_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, entry("x", "one:A"), entry("x", "one:A"))
    assert installed_schemes() == {"x": "other-package"}


@pytest.mark.parametrize("address", ["nothing", ":rest", ""])
def test_an_address_without_a_scheme_is_refused(address: str) -> None:
    with pytest.raises(ArgumentError, match="scheme:rest"):
        open_front_end(address)


def test_an_unknown_scheme_is_refused_with_those_that_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, entry("b", "two:B"), entry("a", "one:A"))
    with pytest.raises(ArgumentError, match="installed schemes: a, b"):
        open_front_end("c:")
    install(monkeypatch)
    with pytest.raises(ArgumentError, match="none"):
        open_front_end("c:")


def test_a_driver_that_raises_on_import_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken_driver.py").write_text("raise ZeroDivisionError('oops')")
    monkeypatch.syspath_prepend(str(tmp_path))
    install(monkeypatch, entry("x", "broken_driver:Driver"))
    with pytest.raises(DeviceFailedError, match=r"'x' \(other-package\).*oops"):
        open_front_end("x:")


def test_an_error_of_ours_on_import_passes_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = "from usdk.errors import StateError\nraise StateError('not now')"
    (tmp_path / "refusing_driver.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    install(monkeypatch, entry("x", "refusing_driver:Driver"))
    with pytest.raises(StateError, match="not now"):
        open_front_end("x:")


@pytest.mark.parametrize("value", [object(), int, lambda rest: None])
def test_what_is_no_front_end_is_refused(monkeypatch: pytest.MonkeyPatch, value: object) -> None:
    module = ModuleType("odd_driver")
    module.Driver = value  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odd_driver", module)
    install(monkeypatch, entry("x", "odd_driver:Driver", None))
    with pytest.raises(DeviceFailedError, match="unknown distribution is no FrontEnd"):
        open_front_end("x:")


def test_the_rest_of_the_address_reaches_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    class Driver(FrontEnd):
        @classmethod
        def open(cls, address: str) -> FrontEnd:
            heard.append(address)
            raise StateError("heard enough")

    module = ModuleType("listening_driver")
    module.Driver = Driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "listening_driver", module)
    install(monkeypatch, entry("x", "listening_driver:Driver"))
    with pytest.raises(StateError):
        open_front_end("x:a:b?c=d")
    assert heard == ["a:b?c=d"]


def test_discovery_runs_another_package_s_driver_only_when_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "foreign_driver.py").write_text("raise RuntimeError('I was imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    install(monkeypatch, entry("x", "foreign_driver:Driver"))
    assert discover() == []
    with pytest.raises(DeviceFailedError, match="I was imported"):
        discover(["x"])


def test_own_probes_are_discovered() -> None:
    assert "sim:linear-l11-5v" in [found.address for found in discover(["sim"])]


def test_nothing_of_a_driver_is_imported_until_it_is_asked_for() -> None:
    script = """
import sys
import usdk.front_end
usdk.front_end.installed_schemes()
loaded = [name for name in sys.modules if name.split(".")[0] in ("usdk_drivers", "usb", "h5py")]
assert not loaded, loaded
usdk.front_end.discover(["file"])
loaded = [name for name in sys.modules if name.split(".")[0] in ("usb", "h5py")]
assert not loaded, loaded
assert "usdk_drivers.replay" in sys.modules
assert "usdk_drivers.simulator" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
