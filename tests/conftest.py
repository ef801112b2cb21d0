"""Fixtures for every test: where the data lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A loaded machine is no failure, and what fails in CI must fail again on the next run.
settings.register_profile("usdk", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("usdk")

pytest_plugins = ["orthanc_server", "storescp_server"]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of recordings, tests/data; see its README."""
    return Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def data_file(data_dir: Path) -> Callable[[str], Path]:
    """Return a recording's path by its name below tests/data; skip where it is absent."""

    def find(name: str) -> Path:
        path = data_dir / name
        if not path.is_file():
            pytest.skip(f"tests/data/{name} is not in this checkout")
        return path

    return find


@pytest.fixture(scope="session")
def synaptus_file() -> Path:
    """Path of ArraySteelPins.mat, whose licence (GPL-3.0) keeps it out of the repository."""
    folder = os.environ.get("USDK_TEST_SYNAPTUS")
    found = sorted(Path(folder).rglob("ArraySteelPins.mat")) if folder else []
    if not found:
        pytest.skip("ArraySteelPins.mat of synaptus is absent: set USDK_TEST_SYNAPTUS")
    return found[0]
