"""The suite of the USB driver on unmodified libusb, whose kernel is mocked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

SUITE = Path(__file__).parents[1] / "test_usb_front_end.py"


@pytest.mark.slow
def test_the_suite_of_the_usb_driver_passes_on_libusb(
    mocked: Callable[..., str], tmp_path: Path
) -> None:
    options = ("-q", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib")
    output = mocked(
        *("-m", "pytest", *options, f"--basetemp={tmp_path / 'base'}", str(SUITE)),
        environment={"USDK_TEST_BUS": "umockdev", "PYTEST_ADDOPTS": ""},
    )
    n_passed = int(output.split(" passed")[0].split()[-1])
    assert n_passed >= 50
    assert "failed" not in output
