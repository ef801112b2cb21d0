"""``usdk simulate``: simulated devices for other programs and machines."""

from __future__ import annotations

import argparse
import ipaddress
import json
import queue
import re
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError
from usdk.front_end import SharedFrontEnd, Sharing, share_front_ends
from usdk.front_end.sharing import redirect_front_ends
from usdk.front_end.terminals import OnTerminals, put_on_terminals

__all__ = ["VERB"]

LOOPBACK = "127.0.0.1"
USBIP_PORT = 3240
"""The port that IANA gave to USB/IP."""
REDIRECTION_PORT = 4000
"""As QEMU's own examples of usb-redir have it."""

_LOOK_S = 1.0
_PORT = re.compile(r"[0-9]{1,5}")
_STOPS = ("SIGINT", "SIGTERM")
_PLUGS = "SIGUSR1"  # where the system has it


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        nargs="+",
        metavar="ADDRESS",
        help="what to simulate: sim:linear-l11-5v, sim:PROFILE.yaml, sim:scan.usrec",
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "--usbip",
        nargs="?",
        const=str(USBIP_PORT),
        metavar="[HOST:]PORT",
        help=f"share by USB/IP; port {USBIP_PORT} of the loopback when absent, 0 for a free port",
    )
    how.add_argument(
        "--serial",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="put each on a serial port of this machine, with links in FOLDER that stay when it is "
        "unplugged and comes back (default: a temporary folder)",
    )
    how.add_argument(
        "--usbredir",
        nargs="?",
        const=str(REDIRECTION_PORT),
        metavar="[HOST:]PORT",
        help="wait for a virtual machine's usb-redir, each device on a port of its own; from port "
        f"{REDIRECTION_PORT} of the loopback on when absent, 0 for free ones",
    )
    parser.add_argument("--json", action="store_true", help="say what is shared as JSON")


def _run(arguments: argparse.Namespace) -> int:
    with _signals() as signals, closing(_shared(arguments)) as sharing:
        say(json.dumps(_listing(sharing), indent=2) if arguments.json else _text(sharing))
        if not arguments.quiet:
            remark("shared until Ctrl-C")
        while (number := _next(signals)) is None or signal.Signals(number).name == _PLUGS:
            if number is not None:
                n_devices = sharing.plug_in()
                if not arguments.quiet:
                    remark(f"{n_devices} plugged in again")
    return DONE


def _shared(arguments: argparse.Namespace) -> Sharing | OnTerminals:
    if arguments.serial is not None:
        folder = Path(arguments.serial).absolute() if arguments.serial else None
        return put_on_terminals(arguments.address, folder=folder)
    is_usbip = arguments.usbip is not None
    option, usual = ("--usbip", USBIP_PORT) if is_usbip else ("--usbredir", REDIRECTION_PORT)
    host, port = _endpoint(arguments.usbip if is_usbip else arguments.usbredir, option, usual)
    if not _is_loopback(host):
        protocol = "USB/IP" if is_usbip else "usb-redir"
        remark(
            f"warning: {protocol} has no password and no encryption: everybody who reaches {host} "
            "can take the device and read what it sends"
        )
    share = share_front_ends if is_usbip else redirect_front_ends
    return share(arguments.address, host=host, port=port)


def _endpoint(text: str, option: str, usual_port: int) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    is_port = _PORT.fullmatch(port) is not None and int(port) < 2**16
    if not is_port or (separator and not host):
        raise ArgumentError(
            f"{option} {text!r} is no port: write {usual_port}, or HOST:{usual_port}, "
            "after the addresses"
        )
    return host or LOOPBACK, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _signals() -> Iterator[queue.SimpleQueue[int]]:
    """Gather the signals that end sharing, or plug devices in, instead of obeying them."""
    # A queue of this kind is safe to use in a signal's handler.
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    names = [name for name in (*_STOPS, _PLUGS) if hasattr(signal, name)]
    before: dict[int, Any] = {}
    try:
        for name in names:
            number = getattr(signal, name)
            before[number] = signal.signal(number, lambda number, _: arrived.put(number))
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _next(signals: queue.SimpleQueue[int]) -> int | None:
    # Some systems do not end a wait without a limit for a signal.
    try:
        return signals.get(timeout=_LOOK_S)
    except queue.Empty:
        return None


def _listing(sharing: Sharing | OnTerminals) -> dict[str, Any]:
    shared = [asdict(front_end) for front_end in sharing.front_ends]
    if isinstance(sharing, Sharing):
        return {"host": sharing.host, "port": sharing.port, "shared": shared}
    return {"shared": shared}


def _text(sharing: Sharing | OnTerminals) -> str:
    lines = []
    for front_end in sharing.front_ends:
        lines.append(front_end.description)
        if isinstance(front_end, SharedFrontEnd):
            is_guest = front_end.address.startswith("usb:")
            where = (
                ("start it with:", "in usdk, there:")
                if is_guest
                else ("on Linux, as root:", "in usdk:")
            )
            lines += [
                f"  {where[1]:<18} {front_end.address}",
                f"  {where[0]:<18} {front_end.attach_command}",
            ]
        else:
            lines += [
                f"  in usdk:           serial:{front_end.terminal}",
                f"  unplugged or not:  {front_end.address}",
            ]
    return "\n".join(lines)


VERB = Verb(
    name="simulate",
    summary="simulated devices for other programs and machines",
    description="Shares simulated devices by USB/IP, on serial ports of this machine, or with "
    "virtual machines, until\nCtrl-C. usdk opens the first two without privileges; on Linux `usbip "
    "attach` makes them real USB devices,\nfor root. A device that a fault unplugs comes back "
    "after 1 s or its own return_s, or at once when this\nprogram gets SIGUSR1.",
    examples=(
        "usdk simulate sim:linear-l11-5v --usbip",
        "usdk simulate sim:handheld.yaml 'sim:phased-p4-2v?scene=points&serial=SIM-2' --usbip 3241",
        "usdk simulate sim:linear-l11-5v --serial",
        "usdk simulate sim:linear-l11-5v --usbredir 4000",
        "usdk simulate 'sim:linear-l11-5v?faults=unplug@500&return_s=2' --usbip 192.168.1.7:3240",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
