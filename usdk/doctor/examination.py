"""Everything that is looked at, each thing on its own and in bounded time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from usdk.doctor.device import device_findings
from usdk.doctor.drivers import driver_checks, scheme_finding
from usdk.doctor.machine import cache_finding, disk_finding, thread_finding
from usdk.doctor.software import package_findings, python_finding
from usdk.errors import UsdkError
from usdk.front_end import Finding, Severity, open_front_end
from usdk.front_end.registry import own_schemes

__all__ = ["CHECK_TIMEOUT_S", "Examination", "examine", "look"]

CHECK_TIMEOUT_S = 15.0
"""How long one thing may take to be looked at."""


@dataclass(frozen=True)
class Examination:
    """What was found.

    Parameters
    ----------
    findings : tuple of Finding
        In the order of a person's interest: software, machine, drivers, device.
    """

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What does not work."""
        return tuple(one for one in self.findings if one.severity is Severity.PROBLEM)


def examine(
    address: str | None = None,
    *,
    schemes: Iterable[str] = (),
    folder: str | Path = ".",
    timeout_s: float = CHECK_TIMEOUT_S,
) -> Examination:
    """Look at the installation, the machine, the drivers, and a device if one is named.

    Parameters
    ----------
    address : str, optional
        A device to open and read for a second; one of its elements sends.
    schemes : iterable of str
        Drivers of other packages to ask, beside those of this distribution.
    folder : path
        Where recordings would go.
    timeout_s : float
        How long one thing may take to be looked at, s; what takes longer is a problem, and the
        rest is looked at all the same.
    """
    checks = _checks(address, tuple(schemes), Path(folder))
    return Examination(tuple(one for topic, ask in checks for one in look(topic, ask, timeout_s)))


def look(topic: str, ask: Callable[[], Iterable[Finding]], timeout_s: float) -> list[Finding]:
    """Return what a check finds; that it failed or hangs is a finding, too.

    A check that hangs is left behind in its thread, which does not keep a process from ending.
    """
    findings: list[Finding] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            findings.extend(ask())
        # A driver is foreign code: one that ends its thread must not pass as healthy.
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name=f"usdk doctor {topic}", daemon=True)
    thread.start()
    thread.join(timeout_s)
    found = list(findings)
    if thread.is_alive():
        found.append(
            Finding(
                topic=topic,
                severity=Severity.PROBLEM,
                message=f"it could not be looked at within {timeout_s:g} s",
                advice="unplug devices and plug them in again, then try once more",
            )
        )
    elif errors:
        found.append(_failure(topic, errors[0]))
    return found


def _checks(
    address: str | None, schemes: tuple[str, ...], folder: Path
) -> Iterator[tuple[str, Callable[[], Iterable[Finding]]]]:
    yield "Python", lambda: [python_finding()]
    yield "packages", package_findings
    yield "processors", lambda: [thread_finding()]
    yield "kernel cache", lambda: [cache_finding()]
    yield "disk", lambda: [disk_finding(folder)]
    yield "drivers", lambda: [scheme_finding({*own_schemes(), *schemes})]
    for scheme, ask in driver_checks({*own_schemes(), *schemes}):
        yield f"driver {scheme}", ask
    if address is not None:
        yield "device", partial(device_findings, partial(open_front_end, address))


def _failure(topic: str, error: BaseException) -> Finding:
    kind = "" if isinstance(error, UsdkError) else f"{type(error).__name__}: "
    message = f"it could not be looked at: {kind}{error}"
    return Finding(topic=topic, severity=Severity.PROBLEM, message=message)
