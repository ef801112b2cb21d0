"""Settings of the examination for an export: a JSON file of DICOM keywords."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usdk.cli.keyword_file import read_keywords
from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.dicom import ExaminationSettings

__all__ = ["add_settings_arguments", "settings_from"]

# Keyword, field, and how many of the field's unit the keyword's is.
_NUMBERS = {
    "HeartRate": ("heart_rate_bpm", 1),
    "MechanicalIndex": ("mechanical_index", 1),
    "BoneThermalIndex": ("bone_thermal_index", 1),
    "CranialThermalIndex": ("cranial_thermal_index", 1),
    "SoftTissueThermalIndex": ("soft_tissue_thermal_index", 1),
    "DepthOfScanField": ("depth_m", 1e-3),
    "StageNumber": ("stage_number", 1),
    "NumberOfStages": ("number_of_stages", 1),
    "ViewNumber": ("view_number", 1),
    "NumberOfViewsInStage": ("number_of_views_in_stage", 1),
}
_TEXTS = {
    "OutputPower": "output_power",
    "TransducerType": "transducer_type",
    "StageName": "stage_name",
    "ViewName": "view_name",
}
_FOCUS_DEPTHS = "DepthsOfFocus"
_KNOWN = {*_NUMBERS, *_TEXTS, _FOCUS_DEPTHS}
_MM_PER_M = 1e3


def add_settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--settings``."""
    parser.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="what the scanner was set to: JSON object with the DICOM keywords "
        + ", ".join((*_NUMBERS, *_TEXTS, _FOCUS_DEPTHS))
        + " (depths in mm)",
    )


def settings_from(arguments: argparse.Namespace) -> ExaminationSettings | None:
    """Return the settings that the file tells, None without one."""
    if arguments.settings is None:
        return None
    from usdk.dicom import ExaminationSettings

    fields: dict[str, Any] = {}
    for keyword, value in read_keywords(arguments.settings, "settings file", _KNOWN).items():
        if keyword in _NUMBERS:
            name, scale = _NUMBERS[keyword]
            fields[name] = _number(keyword, value) * scale
        elif keyword in _TEXTS:
            if not isinstance(value, str):
                raise ArgumentError(f"{keyword} must be text")
            fields[_TEXTS[keyword]] = value
        else:
            depths = value if isinstance(value, list) else [value]
            fields["focus_depths_m"] = tuple(_number(keyword, v) / _MM_PER_M for v in depths)
    return ExaminationSettings(**fields)


def _number(keyword: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArgumentError(f"{keyword} must be a number")
    try:
        float(value)
    except OverflowError:
        raise ArgumentError(f"{keyword} is too large a number") from None
    return value
