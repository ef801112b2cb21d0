from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from usdk_drivers.umockdev.__main__ import main

LOOK = "import usb.core; print(sorted(d.serial_number for d in usb.core.find(find_all=True)))"


def test_a_program_finds_the_devices_and_its_status_is_kept(mocked: Callable[..., str]) -> None:
    one, two = "sim:linear-l11-5v?serial=M-1", "sim:phased-p4-2v?serial=M-2"
    output = mocked("-m", "usdk_drivers.umockdev", one, two, "--", sys.executable, "-c", LOOK)
    assert "['M-1', 'M-2']" in output
    assert main([one, "--", sys.executable, "-c", "raise SystemExit(7)"]) == 7


@pytest.mark.parametrize("arguments", [[], ["--", "true"], ["usb:", "--", "true"], ["sim:x"]])
def test_wrong_use_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_what_cannot_be_simulated_or_started_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim:nothing", "--", "true"]) == 1
    assert "nothing" in capsys.readouterr().err
    assert main(["sim:linear-l11-5v", "--", "/no/such/program"]) == 1
    assert "/no/such/program" in capsys.readouterr().err
