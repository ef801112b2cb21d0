from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from usdk.errors import ArgumentError, StorageError
from usdk.front_end import open_front_end, registry
from usdk.front_end.sharing import redirect_front_ends, share_front_ends

QUICK = "sim:phased-p4-2v?scene=points"


def test_several_devices_are_shared_and_opened_by_what_is_said() -> None:
    addresses = [f"{QUICK}&serial=A-1", f"{QUICK}&serial=A-2"]
    sharing = share_front_ends(addresses, host="127.0.0.1", port=0)
    try:
        assert sharing.port > 0
        for number, front_end in enumerate(sharing.front_ends, start=1):
            assert front_end.description == f"simulated P4-2v, serial number A-{number}"
            assert front_end.attach_command == (
                f"usbip --tcp-port {sharing.port} attach -r 127.0.0.1 -b 1-{number}"
            )
            with open_front_end(front_end.address) as opened:
                assert opened.info.serial_number == f"A-{number}"
        assert sharing.plug_in() == 0
    finally:
        sharing.close()
    sharing.close()


@pytest.mark.parametrize(
    ("addresses", "hint"),
    [
        ([], "at least one"),
        (["linear-l11-5v"], "no address"),
        ([QUICK, "usb:"], "of one kind, not of sim, usb"),
        (["usb:"], "the driver of 'usb' cannot share"),
        (["file:a.usrec"], "the driver of 'file' cannot share"),
        (["nothing:x"], "no installed driver claims 'nothing'"),
        ([QUICK, "sim:linear-l12"], "nor a file"),
    ],
)
def test_what_cannot_be_shared_is_refused(addresses: list[str], hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        share_front_ends(addresses, host="127.0.0.1", port=0)


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(StorageError):
        share_front_ends([QUICK], host="127.0.0.1", port=listener.getsockname()[1])


def test_another_packages_driver_can_share_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Driver(registry.FrontEnd):
        @classmethod
        def share(cls, addresses: Sequence[str], *, host: str, port: int) -> Any:
            asked.append((tuple(addresses), host, port))
            return "shared"

    class Entry:
        name, value, dist = "acme", "acme.driver:Driver", None

        def load(self) -> type[Driver]:
            return Driver

    monkeypatch.setattr(registry, "_entries", lambda: {"acme": Entry()})
    assert share_front_ends(["acme:a", "acme:b:c"], host="h", port=7) == "shared"
    assert asked == [(("a", "b:c"), "h", 7)]


@pytest.mark.parametrize("share", [share_front_ends, redirect_front_ends])
@pytest.mark.parametrize("addresses", [QUICK, None, 7, [7], [None], {QUICK}])
def test_what_are_no_addresses_are_refused(share: Any, addresses: Any) -> None:
    with pytest.raises(ArgumentError, match="address"):
        share(addresses, host="127.0.0.1", port=0)


@pytest.mark.parametrize("share", [share_front_ends, redirect_front_ends])
@pytest.mark.parametrize(
    "place", [{"port": -1}, {"port": 65_536}, {"port": "a"}, {"host": None}, {"host": ""}]
)
def test_where_nobody_can_listen_is_refused(share: Any, place: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="|".join(place)):
        share([QUICK], **({"host": "127.0.0.1", "port": 0} | place))
