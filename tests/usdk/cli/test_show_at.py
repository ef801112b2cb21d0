from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_depth_and_distance_are_told(usdk: Any, scanned: Path) -> None:
    options = ("--at", "100,50", "--at", "100,150.5", "--at", "9999,1")
    outcome = usdk("show", scanned / "scan.dcm", *options, "--frame", "3")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("100,50 ")
    assert "depth" in lines[0]
    assert "nothing is calibrated here" in lines[2]
    assert lines[3].startswith("100,50 to 100,150.5: distance ")
    assert "different pictures" in lines[4]
    shown = json.loads(usdk("show", scanned / "scan.dcm", *options, "--json").out)
    first, second, _ = shown["places"]
    depths = [
        next(r["value"] for r in place["readings"] if r["quantity"] == "depth")
        for place in (first, second)
    ]
    distance = shown["between"][0]["distance"]
    assert distance["unit"] == "mm"
    assert distance["value"] == pytest.approx(depths[1] - depths[0])
    assert shown["between"][1] == {}


@pytest.mark.parametrize(
    ("options", "status"),
    [(("--at", "1"), 2), (("--at", "1,2", "--frame", "4"), 3), (("--at", "nan,1"), 3)],
)
def test_what_cannot_be_asked_is_refused(
    usdk: Any, scanned: Path, options: tuple[str, ...], status: int
) -> None:
    try:
        found = usdk("show", scanned / "scan.dcm", *options).status
    except SystemExit as ended:
        found = ended.code
    assert found in (2, status)


def test_only_dicom_is_measured(usdk: Any, scanned: Path) -> None:
    outcome = usdk("show", scanned / "scan.npz", "--at", "1,1")
    assert outcome.status != 0
    assert "export the frames first" in outcome.err
