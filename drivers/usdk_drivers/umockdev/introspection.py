"""umockdev's library through GObject introspection, from where the system keeps it."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from usdk.errors import MissingExtraError

__all__ = ["PRELOAD", "import_umockdev"]

PRELOAD = "libumockdev-preload.so.0"
"""What a program that shall see mocked devices must have in ``LD_PRELOAD``."""

_SYSTEM_PACKAGES = Path("/usr/lib/python3/dist-packages")
_ADVICE = (
    "umockdev's Python binding was not found: on Debian and Ubuntu `apt install umockdev "
    "gir1.2-umockdev-1.0 python3-gi`, and use a Python of the same version as the system's"
)


@lru_cache(maxsize=1)
def import_umockdev() -> Any:
    """Return the namespace ``UMockdev``.

    Raises
    ------
    MissingExtraError
        If it is not installed, or made for another version of Python.
    """
    try:
        with warnings.catch_warnings():
            # The binding's importer is of an old kind, and Python says so.
            warnings.simplefilter("ignore")
            gi = _import_gi()
            gi.require_version("UMockdev", "1.0")
            from gi.repository import UMockdev
    except (ImportError, ValueError) as error:
        raise MissingExtraError(_ADVICE) from error
    return UMockdev


def _import_gi() -> ModuleType:
    """Import the system's ``gi`` and nothing else from there, also in a virtual environment."""
    spec = importlib.util.find_spec("gi") or PathFinder.find_spec("gi", [str(_SYSTEM_PACKAGES)])
    if spec is None or spec.loader is None:
        raise ImportError("there is no module gi")
    if "gi" not in sys.modules:
        module = importlib.util.module_from_spec(spec)
        sys.modules["gi"] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules["gi"]
            raise
    return sys.modules["gi"]
