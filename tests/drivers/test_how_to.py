from __future__ import annotations

import re
from pathlib import Path

import pytest

from usdk.front_end import open_front_end
from usdk_drivers.simulator import DescriptorFault, Fault

PAGE = Path(__file__).parents[2] / "docs/how-to/simulate-a-probe.md"


def test_the_page_s_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    first, flow, second, third = blocks
    exec(compile(first, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1].startswith("[3] (1, 3, 128, ")
    exec(compile(flow, str(PAGE), "exec"), {})
    # On the axis in systole 0.8 m/s, at 70 degrees.
    assert "[0.2736" in capsys.readouterr().out
    exec(compile(second, str(PAGE), "exec"), {})
    printed = capsys.readouterr().out
    assert "lost 1 from frame" in printed
    assert "plug it in again" in printed
    exec(compile(third, str(PAGE), "exec"), {})
    assert capsys.readouterr().out == "1.0.0 -> 2.0\n"


def test_the_page_s_profile_opens(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "handheld.yaml"
    path.write_text(block, encoding="utf-8")
    with open_front_end(f"sim:{path}?scene=cyst") as front_end:
        assert (front_end.probe.n_elements, front_end.info.serial_number) == (64, "HH-0001")


def test_every_fault_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [fault for fault in (*Fault, *DescriptorFault) if f"`{fault}`" not in text] == []
