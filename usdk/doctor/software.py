"""Python, the packages that usdk needs, and its extras."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata

from usdk.distribution import DISTRIBUTION
from usdk.front_end import Finding, Severity

__all__ = ["package_findings", "python_finding"]

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)[^;]*(?:;.*\bextra == ['\"]([\w-]+)['\"])?")
# Of no use to who runs usdk, or made up of the others.
_OTHER_EXTRAS = ("all", "docs", "test")


def python_finding(version: str = "", implementation: str = "") -> Finding:
    """Return which Python runs."""
    name = implementation or platform.python_implementation()
    found = version or platform.python_version()
    message = f"{name} {found} on {platform.system()} {platform.machine()}"
    return Finding(topic="Python", severity=Severity.OK, message=message)


def package_findings(
    version_of: Callable[[str], str] = metadata.version,
    requirements_of: Callable[[str], Sequence[str] | None] = metadata.requires,
) -> Iterator[Finding]:
    """Return which packages are there, those of each extra together."""
    try:
        sdk_version = version_of(DISTRIBUTION)
        requirements = requirements_of(DISTRIBUTION) or ()
    except metadata.PackageNotFoundError:
        yield Finding(
            topic="packages",
            severity=Severity.PROBLEM,
            message=f"{DISTRIBUTION} is not installed, only its source is found",
            advice="in the source's folder: pip install -e .",
        )
        return
    yield Finding(topic="usdk", severity=Severity.OK, message=f"{DISTRIBUTION} {sdk_version}")
    for extra, packages in _by_extra(requirements).items():
        present, absent = [], []
        for package in packages:
            try:
                present.append(f"{package} {version_of(package)}")
            except metadata.PackageNotFoundError:
                absent.append(package)
        yield _packages(extra, present, absent)


def _by_extra(requirements: Sequence[str]) -> dict[str, list[str]]:
    packages: dict[str, list[str]] = {"": []}
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or match[2] in _OTHER_EXTRAS or match[1] == DISTRIBUTION:
            continue
        packages.setdefault(match[2] or "", []).append(match[1])
    return packages


def _packages(extra: str, present: list[str], absent: list[str]) -> Finding:
    topic = f"extra {extra}" if extra else "packages"
    if not absent:
        return Finding(topic=topic, severity=Severity.OK, message=", ".join(present))
    wanted = f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION
    return Finding(
        topic=topic,
        severity=Severity.NOTE if extra else Severity.PROBLEM,
        message=f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed",
        advice=f'{sys.executable or "python"} -m pip install "{wanted}"',
    )
