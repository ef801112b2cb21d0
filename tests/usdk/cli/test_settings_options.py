from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from usdk.cli.keyword_file import MAX_KEYWORD_BYTES
from usdk.cli.settings_options import (
    add_settings_arguments,
    settings_from,
)
from usdk.errors import ArgumentError, DataDamagedError, StorageError


def parse(*words: str) -> Any:
    parser = argparse.ArgumentParser()
    add_settings_arguments(parser)
    return settings_from(parser.parse_args(words))


def read(folder: Path, values: Any) -> Any:
    path = folder / "settings.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return parse("--settings", str(path))


def test_without_a_word_there_are_no_settings() -> None:
    assert parse() is None


def test_keywords_become_settings_in_si_units(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        {
            "HeartRate": 72,
            "MechanicalIndex": 1.1,
            "DepthOfScanField": 120,
            "DepthsOfFocus": [20, 40.5],
            "OutputPower": "-3 dB",
            "StageName": "RECOVERY",
            "NumberOfStages": 2,
        },
    )
    assert settings.heart_rate_bpm == 72
    assert settings.mechanical_index == 1.1
    assert settings.depth_m == pytest.approx(0.12)
    assert settings.focus_depths_m == pytest.approx((0.02, 0.0405))
    assert (settings.output_power, settings.stage_name) == ("-3 dB", "RECOVERY")
    assert read(tmp_path, {"DepthsOfFocus": 30}).focus_depths_m == pytest.approx((0.03,))


@pytest.mark.parametrize(
    "values",
    [
        {"HeartRate": "fast"},
        {"HeartRate": True},
        {"HeartRate": 0},
        {"MechanicalIndex": -1},
        {"OutputPower": 3},
        {"DepthsOfFocus": ["near"]},
        {"DepthsOfFocus": 10**400},
        {"DepthOfScanField": 10**400},
        {"DepthOfScanField": 1e308},
        {"PatientName": "A^B"},
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        read(tmp_path, values)


@pytest.mark.parametrize("content", ["{", "[]", "[" * 100_000, " " * (MAX_KEYWORD_BYTES + 1)])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataDamagedError):
        read(tmp_path, content)


def test_a_file_that_is_absent_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        parse("--settings", str(tmp_path / "absent.json"))
