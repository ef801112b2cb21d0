"""The distribution that usdk is installed from: its name on the package index and its version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["DISTRIBUTION", "sdk_version"]

DISTRIBUTION = "ultrasound-sdk"


def sdk_version() -> str:
    """Return the installed version; ``unknown`` from a bare source tree."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"
