from __future__ import annotations

import math

import pytest
from pydicom import Dataset

from usdk.dicom import Code, ExaminationSettings, check_dicom, us_image
from usdk.errors import ArgumentError


def test_everything_that_is_told_is_in_the_object(
    frame, study, settings, tmp_path, require_conformant, require_modules
):
    dataset = us_image(frame, study=study, settings=settings)
    dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    require_conformant(tmp_path / "image.dcm")
    require_modules(dataset)
    assert check_dicom(dataset) == []
    assert dataset.HeartRate == 72
    indices = ("MechanicalIndex", "BoneThermalIndex", "CranialThermalIndex")
    assert [float(dataset[k].value) for k in indices] == [1.1, 0.3, 0.4]
    assert float(dataset.SoftTissueThermalIndex) == 0.2
    assert dataset.DepthOfScanField == 50
    assert float(dataset.FocusDepth) == 2.0  # cm
    assert dataset.OutputPower == "-3 dB"
    assert dataset.TransducerType == "LINEAR"
    assert dataset.ProcessingFunction.startswith("gain=12 dB; beamformer=")
    assert (dataset.StageNumber, dataset.NumberOfStages) == (1, 2)
    assert (dataset.ViewNumber, dataset.NumberOfViewsInStage) == (1, 3)
    assert dataset.ViewCodeSequence[0].CodeValue == "399139001"


def test_settings_are_read_back(frame, study, settings):
    read = ExaminationSettings.from_dataset(us_image(frame, study=study, settings=settings))
    assert read.heart_rate_bpm == 72
    assert read.mechanical_index == 1.1
    assert read.soft_tissue_thermal_index == 0.2
    assert read.depth_m == 0.05
    assert read.focus_depths_m == pytest.approx((0.02,))


def test_what_is_unknown_is_not_written(frame, study):
    dataset = us_image(frame, study=study)
    for keyword in ("HeartRate", "MechanicalIndex", "FocusDepth", "StageName", "NumberOfStages"):
        assert keyword not in dataset
    assert ExaminationSettings.from_dataset(Dataset()) == ExaminationSettings()


def test_a_stage_or_view_alone_leaves_its_number_open(frame, study, tmp_path, require_conformant):
    settings = ExaminationSettings(stage_name="RECOVERY", view_name="A4C")
    dataset = us_image(frame, study=study, settings=settings)
    dataset.save_as(tmp_path / "image.dcm", enforce_file_format=True)
    require_conformant(tmp_path / "image.dcm")
    assert dataset["NumberOfStages"].value is None  # Type 2C.
    assert dataset["NumberOfViewsInStage"].value is None


def test_an_index_above_the_clinical_limits_is_written_and_warned_of(frame, study):
    settings = ExaminationSettings(mechanical_index=2.4)
    findings = check_dicom(us_image(frame, study=study, settings=settings))
    assert [(f.severity, f.attribute) for f in findings] == [("warning", "MechanicalIndex")]


@pytest.mark.parametrize(
    "values",
    [
        {"heart_rate_bpm": 0},
        {"heart_rate_bpm": 72.5},
        {"heart_rate_bpm": 1001},
        {"mechanical_index": -0.1},
        {"mechanical_index": math.nan},
        {"bone_thermal_index": 101},
        {"cranial_thermal_index": "high"},
        {"depth_m": 0.0},
        {"depth_m": 101.0},
        {"focus_depths_m": (0.02, 1e305)},
        {"focus_depths_m": (0.02, -0.01)},
        {"focus_depths_m": 0.02},
        {"gain_db": math.inf},
        {"output_power": "x" * 17},
        {"transducer_type": "ROUND"},
        {"transducer_application": "somewhere"},
        {"stage_number": 0},
        {"stage_number": 3, "number_of_stages": 2},
        {"view_number": 2, "number_of_views_in_stage": 1},
        {"view": "PLAX"},
        {"stage_name": "a\\b"},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ArgumentError):
        ExaminationSettings(**values)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("HeartRate", "-5"), ("MechanicalIndex", "9999"), ("DepthOfScanField", "0")],
)
def test_what_another_maker_wrote_out_of_range_counts_as_unknown(keyword, value):
    dataset = Dataset()
    setattr(dataset, keyword, value)
    assert ExaminationSettings.from_dataset(dataset) == ExaminationSettings()


def test_several_focus_depths_of_a_picture_are_read_back(frame, study):
    settings = ExaminationSettings(
        focus_depths_m=(0.02, 0.035),
        stage=Code(value="18139009", scheme="SCT", meaning="Drug baseline"),
    )
    dataset = us_image(frame, study=study, settings=settings)
    read = ExaminationSettings.from_dataset(dataset)
    assert read.focus_depths_m == pytest.approx((0.02, 0.035))
    assert "FocusDepth" not in dataset
    assert dataset.StageCodeSequence[0].CodeMeaning == "Drug baseline"
