"""One look of a watcher at one driver: what it lists, and what is at the addresses asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from usdk.arguments import short
from usdk.errors import ArgumentError
from usdk.front_end.contract import FrontEnd
from usdk.front_end.description import Found

__all__ = ["MAX_ADDRESSES", "Look", "look", "plain_addresses", "require_few"]

MAX_ADDRESSES = 64
"""How many addresses a watcher asks one by one: each takes its time at every look."""


@dataclass
class Look:
    """What a look found.

    Parameters
    ----------
    found : list of Found or None
        What can be opened; None if the driver failed.
    answered : list of str
        The addresses of which it is known whether something is there.
    problems : list of str
        The driver's words where it failed.
    """

    found: list[Found] | None = None
    answered: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def look(
    driver: type[FrontEnd],
    addresses: Iterable[str],
    before: Mapping[str, Found],
    is_over: Callable[[], bool],
) -> Look:
    """Ask a driver what it lists, then for each address that it does not.

    Parameters
    ----------
    driver : type of FrontEnd
        Whom to ask. Whatever it raises is a problem of its own.
    addresses : iterable of str
        With the scheme.
    before : mapping of str to Found
        What was there: it stays where the driver fails for its address.
    is_over : callable
        Whether nobody wants to know any more.
    """
    result = Look()
    # A driver is foreign code: whatever it raises must not end the watch over the others.
    try:
        found = _listed(driver)
    except Exception as error:
        result.problems.append(_told(error))
        return result
    result.found = found
    listed = {one.address for one in found}
    for address in addresses:
        if is_over():
            break
        if address not in listed:
            try:
                one = _at(driver, address)
            except Exception as error:
                result.problems.append(f"{address}: {_told(error)}")
                if address in before:
                    found.append(before[address])
                continue
            if one is not None:
                found.append(one)
        result.answered.append(address)
    return result


def plain_addresses(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return addresses, each once; `ArgumentError` if one is none, or they are too many."""
    if isinstance(addresses, str) or not hasattr(addresses, "__iter__"):
        raise ArgumentError('addresses is a list of addresses, such as ["usbip://host/1-1"]')
    plain = list(addresses)
    for address in plain:
        if not isinstance(address, str) or not all(address.partition(":")):
            raise ArgumentError(
                f"{short(address)} is no address to watch: write scheme:rest, as usbip://host/1-1"
            )
    require_few(len(set(plain)))
    return tuple(dict.fromkeys(plain))


def require_few(n_addresses: int) -> None:
    """Refuse more addresses than a watcher asks."""
    if n_addresses > MAX_ADDRESSES:
        raise ArgumentError(
            f"a watcher asks up to {MAX_ADDRESSES} addresses: make another for the rest"
        )


def _listed(driver: type[FrontEnd]) -> list[Found]:
    found = list(driver.discover())
    if not all(isinstance(one, Found) for one in found):
        raise TypeError("discover must return a list of Found")
    return found


def _at(driver: type[FrontEnd], address: str) -> Found | None:
    one = driver.discover_at(address.partition(":")[2])
    if one is not None and not (isinstance(one, Found) and one.address == address):
        raise TypeError("discover_at must return a Found of the address asked for, or None")
    return one


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
