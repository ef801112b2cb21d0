"""Settings of an examination: JSON that is refused by type, or settings that can be exported."""

from __future__ import annotations

import argparse
import io
import json

from pydicom import Dataset
from scratch_file import scratch_file

from usdk.cli.settings_options import settings_from
from usdk.dicom import ExaminationSettings
from usdk.errors import ArgumentError, DataDamagedError


def seeds() -> list[bytes]:
    """Return settings of every keyword, of none, and of one depth of focus."""
    every = {
        "HeartRate": 60,
        "MechanicalIndex": 0.9,
        "BoneThermalIndex": 0.1,
        "CranialThermalIndex": 0.2,
        "SoftTissueThermalIndex": 0.3,
        "DepthOfScanField": 120,
        "StageNumber": 1,
        "NumberOfStages": 2,
        "ViewNumber": 1,
        "NumberOfViewsInStage": 3,
        "OutputPower": "80 %",
        "TransducerType": "CURVED LINEAR",
        "StageName": "REST",
        "ViewName": "PLAX",
        "DepthsOfFocus": [30, 60.5],
    }
    return [json.dumps(each).encode() for each in (every, {}, {"DepthsOfFocus": 30})]


def one_input(data: bytes) -> None:
    """Read settings."""
    path = scratch_file(data, "fuzz.json")
    try:
        found = settings_from(argparse.Namespace(settings=path))
    except (ArgumentError, DataDamagedError):
        return
    assert found is not None
    dataset = Dataset()
    found.add_to(dataset)
    dataset.save_as(io.BytesIO(), implicit_vr=False, little_endian=True)
    assert isinstance(ExaminationSettings.from_dataset(dataset), ExaminationSettings)
