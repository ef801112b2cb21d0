"""How a front-end is found and opened.

A driver is a class registered in the entry-point group ``usdk.drivers`` under its address scheme.
It is imported when an address of its scheme is opened, never because it is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from usdk.distribution import DISTRIBUTION
from usdk.errors import ArgumentError, DeviceFailedError, DriverConflictError, UsdkError
from usdk.front_end.contract import FrontEnd
from usdk.front_end.description import Found

__all__ = [
    "DRIVER_GROUP",
    "discover",
    "driver_class",
    "installed_schemes",
    "open_front_end",
    "own_schemes",
]

DRIVER_GROUP = "usdk.drivers"


def installed_schemes() -> dict[str, str]:
    """Return the address schemes of installed drivers and the distributions that bring them.

    Nothing is imported.
    """
    return {scheme: _distribution(entry) for scheme, entry in _entries().items()}


def own_schemes() -> list[str]:
    """Return the schemes of this distribution's drivers, which may run without being named."""
    return sorted(s for s, owner in installed_schemes().items() if owner == DISTRIBUTION)


def open_front_end(address: str) -> FrontEnd:
    """Open the front-end at ``scheme:rest``, for example ``sim:linear-l11-5v``.

    Raises
    ------
    ArgumentError
        If the address has no scheme, or no installed driver claims it.
    DriverConflictError
        If two installed packages claim the scheme.
    DeviceAbsentError
        If nothing answers at the address.
    """
    if not isinstance(address, str):
        raise ArgumentError(f"an address is text such as 'sim:linear-l11-5v', not {address!r}")
    scheme, separator, rest = address.partition(":")
    if not separator or not scheme:
        raise ArgumentError(f"{address!r} is no address: write scheme:rest, e.g. sim:linear-l11-5v")
    return driver_class(scheme).open(rest)


def discover(schemes: Iterable[str] | None = None) -> list[Found]:
    """Return the front-ends that can be opened now.

    Parameters
    ----------
    schemes : iterable of str, optional
        Drivers to ask. Those of this distribution when absent: another package's driver runs
        only when its scheme is named.
    """
    if schemes is None:
        schemes = own_schemes()
    return [found for scheme in sorted(schemes) for found in driver_class(scheme).discover()]


def _entries() -> dict[str, EntryPoint]:
    claims: dict[str, EntryPoint] = {}
    for entry in entry_points(group=DRIVER_GROUP):
        known = claims.setdefault(entry.name, entry)
        # An editable install may list the same entry twice; another target is a conflict.
        if known.value != entry.value:
            raise DriverConflictError(
                f"both {_distribution(known)} and {_distribution(entry)} claim the scheme "
                f"{entry.name!r}: uninstall one of them"
            )
    return claims


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown distribution"


def driver_class(scheme: str) -> type[FrontEnd]:
    """Import and return the driver of a scheme; raises as `open_front_end` does."""
    entries = _entries()
    if scheme not in entries:
        known = ", ".join(sorted(entries)) or "none"
        raise ArgumentError(f"no installed driver claims {scheme!r}; installed schemes: {known}")
    entry = entries[scheme]
    try:
        driver = entry.load()
    except UsdkError:
        raise
    except Exception as error:
        raise DeviceFailedError(
            f"the driver of {scheme!r} ({_distribution(entry)}) cannot be loaded: {error}"
        ) from error
    if not (isinstance(driver, type) and issubclass(driver, FrontEnd)):
        raise DeviceFailedError(f"{entry.value} of {_distribution(entry)} is no FrontEnd class")
    return driver
