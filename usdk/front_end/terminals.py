"""Terminals: drivers that can put their devices on serial ports of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from usdk.errors import ArgumentError
from usdk.front_end.sharing import one_driver

__all__ = ["HasTerminals", "OnTerminals", "TerminalFrontEnd", "put_on_terminals"]


@dataclass(frozen=True, kw_only=True)
class TerminalFrontEnd:
    """A front-end on a terminal, and how it is reached.

    Parameters
    ----------
    address : str
        For `open_front_end`; it stays when the device is unplugged and comes back.
    terminal : str
        The terminal that it has now; another when it comes back.
    description : str
        What it is.
    """

    address: str
    terminal: str
    description: str


class OnTerminals(Protocol):
    """What is on terminals, until it is closed."""

    @property
    def front_ends(self) -> tuple[TerminalFrontEnd, ...]:
        """How each device is reached now."""

    def plug_in(self) -> int:
        """Put back at once what is unplugged, and return how many devices that were."""

    def close(self) -> None:
        """Take the terminals away; a second call has no effect."""


@runtime_checkable
class HasTerminals(Protocol):
    """A driver, that is a `FrontEnd` class, which can put what is at its addresses on terminals."""

    def put_on_terminals(self, addresses: Sequence[str], *, folder: Path | None) -> OnTerminals:
        """Put what is at ``addresses``, each without the scheme, on terminals.

        Raises
        ------
        StorageError
            If there is no terminal, or the folder cannot be written to.
        """


def put_on_terminals(addresses: Sequence[str], *, folder: Path | None = None) -> OnTerminals:
    """Put devices on serial ports of this machine until the result is closed.

    Parameters
    ----------
    addresses : sequence of str
        As for `open_front_end`, all of one scheme.
    folder : Path, optional
        Where links to the terminals are made, ``ttyUSDK0``, ``ttyUSDK1``, …; a folder of its own
        among the temporary files when absent, which goes with the terminals.

    Raises
    ------
    ArgumentError
        If the driver cannot do it, or an address cannot be used.
    StorageError
        If there is no terminal, or the folder cannot be written to.
    """
    driver, rests = one_driver(addresses)
    if not isinstance(driver, HasTerminals):
        scheme = addresses[0].partition(":")[0]
        raise ArgumentError(
            f"the driver of {scheme!r} cannot put its devices on serial ports: name a simulated "
            "one, such as sim:linear-l11-5v"
        )
    return driver.put_on_terminals(rests, folder=folder)
