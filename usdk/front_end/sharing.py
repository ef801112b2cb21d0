"""Sharing: drivers that can offer their devices to other programs and machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from usdk.arguments import count, short
from usdk.errors import ArgumentError
from usdk.front_end.registry import driver_class

__all__ = [
    "Redirects",
    "SharedFrontEnd",
    "Shares",
    "Sharing",
    "one_driver",
    "redirect_front_ends",
    "share_front_ends",
]

_MAX_PORT = 65_535


@dataclass(frozen=True, kw_only=True)
class SharedFrontEnd:
    """A front-end that is shared, and how it is reached.

    Parameters
    ----------
    address : str
        For `open_front_end`.
    attach_command : str
        Makes it a device of a Linux machine, run there as root.
    description : str
        What it is.
    """

    address: str
    attach_command: str
    description: str


@runtime_checkable
class Sharing(Protocol):
    """What is shared, until it is closed."""

    host: str
    port: int
    front_ends: tuple[SharedFrontEnd, ...]

    def plug_in(self) -> int:
        """Put back at once what is unplugged, and return how many devices that were."""

    def close(self) -> None:
        """Stop sharing and drop every client; a second call has no effect."""


@runtime_checkable
class Shares(Protocol):
    """A driver, that is a `FrontEnd` class, which can share what is at its addresses."""

    def share(self, addresses: Sequence[str], *, host: str, port: int) -> Sharing:
        """Share by USB/IP what is at ``addresses``, each without the scheme.

        Raises
        ------
        StorageError
            If the port cannot be had.
        """


@runtime_checkable
class Redirects(Protocol):
    """A driver, that is a `FrontEnd` class, whose devices virtual machines can have."""

    def redirect(self, addresses: Sequence[str], *, host: str, port: int) -> Sharing:
        """Offer by usb-redir what is at ``addresses``, each without the scheme.

        Raises
        ------
        StorageError
            If a port cannot be had.
        """


def redirect_front_ends(addresses: Sequence[str], *, host: str, port: int) -> Sharing:
    """Offer devices to virtual machines by usb-redir until the result is closed.

    Parameters
    ----------
    addresses : sequence of str
        As for `open_front_end`, all of one scheme.
    host, port : str and int
        Where the first listens for a machine, each of the others on the next port; port 0 takes
        free ones. usb-redir knows no password and no encryption.

    Raises
    ------
    ArgumentError
        If the driver cannot do it, or an address cannot be used.
    StorageError
        If a port cannot be had.
    """
    driver, rests = one_driver(addresses)
    _require_place(host, port)
    if not isinstance(driver, Redirects):
        scheme = addresses[0].partition(":")[0]
        raise ArgumentError(
            f"the driver of {scheme!r} cannot give its devices to virtual machines: name a "
            "simulated one, such as sim:linear-l11-5v"
        )
    return driver.redirect(rests, host=host, port=port)


def share_front_ends(addresses: Sequence[str], *, host: str, port: int) -> Sharing:
    """Share devices by USB/IP until the result is closed.

    Parameters
    ----------
    addresses : sequence of str
        As for `open_front_end`, all of one scheme.
    host, port : str and int
        Where to listen; port 0 takes a free one. USB/IP knows no password and no encryption.

    Raises
    ------
    ArgumentError
        If the driver cannot share, or an address cannot be used.
    StorageError
        If the port cannot be had.
    """
    driver, rests = one_driver(addresses)
    _require_place(host, port)
    if not isinstance(driver, Shares):
        scheme = addresses[0].partition(":")[0]
        raise ArgumentError(
            f"the driver of {scheme!r} cannot share its devices: name a simulated one, such as "
            "sim:linear-l11-5v"
        )
    return driver.share(rests, host=host, port=port)


def one_driver(addresses: Sequence[str]) -> tuple[object, tuple[str, ...]]:
    """Return the one driver of all ``addresses``, and each address without its scheme.

    Raises
    ------
    ArgumentError
        If there is no address, or not one driver for all.
    """
    if isinstance(addresses, str) or not isinstance(addresses, Sequence):
        raise ArgumentError('addresses is a list of addresses, such as ["sim:linear-l11-5v"]')
    if not addresses:
        raise ArgumentError("name at least one device to share")
    schemes, rests = zip(*(_split(address) for address in addresses), strict=True)
    if len(set(schemes)) > 1:
        raise ArgumentError(
            f"one server shares devices of one kind, not of {', '.join(sorted(set(schemes)))}: "
            "start another"
        )
    return driver_class(schemes[0]), rests


def _require_place(host: object, port: object) -> None:
    if not isinstance(host, str) or not host:
        raise ArgumentError(f"host must be a name or address, got {short(host)}")
    count(port, "port", least=0, most=_MAX_PORT)


def _split(address: str) -> tuple[str, str]:
    if not isinstance(address, str):
        raise ArgumentError(f"an address is text such as 'sim:linear-l11-5v', not {short(address)}")
    scheme, separator, rest = address.partition(":")
    if not separator or not scheme:
        raise ArgumentError(f"{address!r} is no address: write scheme:rest, e.g. sim:linear-l11-5v")
    return scheme, rest
