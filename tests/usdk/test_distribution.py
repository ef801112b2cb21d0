from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from usdk.distribution import DISTRIBUTION, sdk_version


def test_the_version_is_that_of_the_installed_distribution() -> None:
    assert sdk_version() == version(DISTRIBUTION)


def test_a_bare_source_tree_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("usdk.distribution.version", absent)
    assert sdk_version() == "unknown"
