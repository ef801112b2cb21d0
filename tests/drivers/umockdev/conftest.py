from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from usdk.errors import MissingExtraError
from usdk_drivers.umockdev.introspection import import_umockdev

Mocked = Callable[..., str]
WRAPPER = "umockdev-wrapper"
TIMEOUT_S = 300


@pytest.fixture(autouse=True)
def _umockdev_is_there() -> None:
    if shutil.which(WRAPPER) is None:
        pytest.skip("umockdev-wrapper is not installed")
    try:
        import_umockdev()
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture
def mocked() -> Mocked:
    """Run Python in a process that sees mocked devices, and return what it wrote."""

    def run(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
        ended = subprocess.run(
            [WRAPPER, sys.executable, *arguments],
            env={**os.environ, **(environment or {})},
            cwd=Path(__file__).parents[3],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-6000:]
        return ended.stdout

    return run
