"""What the page about plugging in a front-end says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from usdk.cli.exit_codes import PROBLEMS_FOUND
from usdk_drivers.udev_rule import UDEV_RULE_ADVICE
from usdk_drivers.usb_diagnosis import ADVISED_USBFS_MIB
from usdk_drivers.usb_ring import N_TRANSFERS, TRANSFER_BYTES

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plug-in-a-front-end.md"


@pytest.fixture
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_its_code_runs_with_a_simulated_device(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    block, settings = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert block.count('"usb') == 2
    exec(compile(block.replace('"usb', '"sim'), str(PAGE), "exec"), {})
    out = capsys.readouterr().out
    assert "arrived sim:linear-l11-5v\n" in out
    assert out.splitlines()[-1].startswith("simulated")
    exec(compile(settings, str(PAGE), "exec"), {})
    assert "pace.speed 0.0" in capsys.readouterr().out


def test_its_commands_and_figures_are_those_of_the_code(text: str) -> None:
    for command in UDEV_RULE_ADVICE.split(" && "):
        assert command in text
    assert f"usbcore.usbfs_memory_mb={ADVISED_USBFS_MIB}" in text
    in_flight = f"{N_TRANSFERS} transfers of {TRANSFER_BYTES // 2**20} MiB in flight"
    assert in_flight in " ".join(text.split())
    assert f"the status is {PROBLEMS_FOUND} if there is a problem" in " ".join(text.split())
