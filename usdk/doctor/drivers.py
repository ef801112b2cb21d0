"""What the drivers say: which there are, what stands in their way, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from usdk.errors import DeviceFailedError, MissingExtraError, UsdkError
from usdk.front_end import Diagnosable, Finding, OffersUdevRule, Severity
from usdk.front_end.registry import driver_class, installed_schemes, own_schemes

__all__ = ["driver_checks", "scheme_finding", "udev_rules"]


def scheme_finding(asked: Iterable[str]) -> Finding:
    """Return which drivers are installed, and which of them are not asked."""
    schemes = installed_schemes()
    others = sorted(set(schemes) - set(asked))
    message = f"drivers of {', '.join(sorted(schemes)) or 'no scheme'}"
    if not others:
        return Finding(topic="drivers", severity=Severity.OK, message=message)
    owners = ", ".join(f"{scheme} ({schemes[scheme]})" for scheme in others)
    return Finding(
        topic="drivers",
        severity=Severity.OK,
        message=f"{message}; those of other packages are not asked: {owners}",
        advice="".join(f"usdk doctor --scheme {scheme} " for scheme in others).strip(),
    )


def driver_checks(
    schemes: Iterable[str],
) -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    """Yield each scheme whose driver can tell something, and how it is asked.

    Raises
    ------
    ArgumentError
        If no installed driver claims a scheme.
    DriverConflictError
        If two claim one.
    """
    asked: set[object] = set()
    for scheme in sorted(set(schemes)):
        try:
            driver: Any = driver_class(scheme)
        except (MissingExtraError, DeviceFailedError) as error:
            yield scheme, partial(_unloadable, scheme, error)
            continue
        if not isinstance(driver, Diagnosable):
            continue
        # One that inherits another's diagnosis would say the same again.
        diagnose = getattr(driver.diagnose, "__func__", driver.diagnose)
        if diagnose not in asked:
            asked.add(diagnose)
            yield scheme, partial(_ask, driver)


def udev_rules(schemes: Iterable[str] = ()) -> str:
    """Return the rules by which udev on Linux lets users open devices.

    Parameters
    ----------
    schemes : iterable of str
        Drivers of other packages to ask, beside those of this distribution.
    """
    rules = []
    for scheme in sorted({*own_schemes(), *schemes}):
        try:
            driver: Any = driver_class(scheme)
        except MissingExtraError:
            continue
        if isinstance(driver, OffersUdevRule):
            rules.append(driver.udev_rule().strip("\n") + "\n")
    return "\n".join(dict.fromkeys(rules))


def _ask(driver: Diagnosable) -> list[Finding]:
    findings = list(driver.diagnose())
    if not all(isinstance(finding, Finding) for finding in findings):
        raise TypeError("diagnose must return findings")
    return findings


def _unloadable(scheme: str, error: UsdkError) -> list[Finding]:
    # What is not installed may not be wanted; what cannot be loaded is broken.
    severity = Severity.NOTE if isinstance(error, MissingExtraError) else Severity.PROBLEM
    return [Finding(topic=f"driver {scheme}", severity=severity, message=str(error))]
