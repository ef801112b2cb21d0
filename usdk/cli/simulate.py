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
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError
from usdk.front_end import Sharing, share_front_ends

__all__ = ["VERB"]

LOOPBACK = "127.0.0.1"
USBIP_PORT = 3240
"""The port that IANA gave to USB/IP."""

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
    parser.add_argument(
        "--usbip",
        required=True,
        nargs="?",
        const=str(USBIP_PORT),
        metavar="[HOST:]PORT",
        help=f"share by USB/IP; port {USBIP_PORT} of the loopback when absent, 0 for a free port",
    )
    parser.add_argument("--json", action="store_true", help="say what is shared as JSON")


def _run(arguments: argparse.Namespace) -> int:
    host, port = _endpoint(arguments.usbip)
    if not _is_loopback(host):
        remark(
            f"warning: USB/IP has no password and no encryption: everybody who reaches {host} can "
            "take the device and read what it sends"
        )
    with (
        _signals() as signals,
        closing(share_front_ends(arguments.address, host=host, port=port)) as sharing,
    ):
        say(json.dumps(_listing(sharing), indent=2) if arguments.json else _text(sharing))
        if not arguments.quiet:
            remark("shared until Ctrl-C")
        while (number := _next(signals)) is None or signal.Signals(number).name == _PLUGS:
            if number is not None:
                n_devices = sharing.plug_in()
                if not arguments.quiet:
                    remark(f"{n_devices} plugged in again")
    return DONE


def _endpoint(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    is_port = _PORT.fullmatch(port) is not None and int(port) < 2**16
    if not is_port or (separator and not host):
        raise ArgumentError(
            f"--usbip {text!r} is no port: write {USBIP_PORT}, or HOST:{USBIP_PORT}, "
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


def _listing(sharing: Sharing) -> dict[str, Any]:
    return {
        "host": sharing.host,
        "port": sharing.port,
        "shared": [asdict(front_end) for front_end in sharing.front_ends],
    }


def _text(sharing: Sharing) -> str:
    lines = []
    for front_end in sharing.front_ends:
        lines += [
            front_end.description,
            f"  in usdk:           {front_end.address}",
            f"  on Linux, as root: {front_end.attach_command}",
        ]
    return "\n".join(lines)


VERB = Verb(
    name="simulate",
    summary="shares simulated devices by USB/IP",
    description="Shares simulated devices by USB/IP until Ctrl-C. usdk opens them without "
    "privileges; on Linux\n`usbip attach` makes them real USB devices, for root. A device that a "
    "fault unplugs comes back\nafter 1 s or its own return_s, or at once when this program gets "
    "SIGUSR1.",
    examples=(
        "usdk simulate sim:linear-l11-5v --usbip",
        "usdk simulate sim:handheld.yaml 'sim:phased-p4-2v?scene=points&serial=SIM-2' --usbip 3241",
        "usdk simulate 'sim:linear-l11-5v?faults=unplug@500&return_s=2' --usbip 192.168.1.7:3240",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
