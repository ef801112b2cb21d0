from __future__ import annotations

import dataclasses
import math
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from pydicom import dcmread

from usdk.acquisition import Gap
from usdk.dicom import (
    Code,
    Equipment,
    Series,
    Study,
    check_dicom,
    demonstration_study,
    read_regions,
    us_image,
)
from usdk.errors import ArgumentError
from usdk.scan import Raster

CODECS = ["native", "jpeg-ls"]


def saved(dataset, folder):
    path = folder / "image.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", CODECS)
def test_the_standards_validator_finds_no_error(frame, study, codec, tmp_path, require_conformant):
    require_conformant(saved(us_image(frame, study=study, codec=codec), tmp_path))


@pytest.mark.parametrize("codec", CODECS)
def test_a_demonstration_is_conformant(frame, codec, tmp_path, require_conformant):
    dataset = us_image(frame, study=demonstration_study(), codec=codec)
    require_conformant(saved(dataset, tmp_path))


def test_a_frame_that_knows_next_to_nothing_is_conformant(
    make_frame, tmp_path, require_conformant, require_modules
):
    unknown = {
        "probe": "",
        "sequence": "",
        "transmit_frequency_hz": math.nan,
        "sound_speed_m_s": math.nan,
        "prf_hz": None,
        "device": None,
        "processing": (),
    }
    frame = make_frame(provenance=unknown, device_timestamp_s=math.nan, host_timestamp_s=math.nan)
    dataset = us_image(frame, study=Study())
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    for absent in ("AcquisitionDateTime", "TransducerData", "MechanicalIndex"):
        assert absent not in dataset


def test_everything_that_can_be_told_is_conformant(
    make_frame, study, tmp_path, require_conformant, require_modules
):
    frame = make_frame(
        provenance={
            "gaps": (Gap(first_sequence_number=3, n_frames=2, n_packets_lost=4),),
            "processing": tuple((f"setting {n}", "v" * 40) for n in range(50)),
            "probe": "p" * 100,
        }
    )
    series = Series(
        examination="ABDOMINAL",
        body_part_examined="LIVER",
        anatomic_region=Code(value="10200004", scheme="SCT", meaning="Liver"),
        image_laterality="U",
        series_description="Leber",
        protocol_name="Oberbauch",
    )
    told = Study(
        patient=study.patient,
        series=series,
        study_id="7",
        accession_number="A-7",
        study_description="Sonographie",
    )
    equipment = Equipment.from_device(
        frame.provenance.device, institution_name="Klinik", station_name="RAUM3"
    )
    dataset = us_image(frame, study=told, equipment=equipment, instance_number=5)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    assert dataset.InstanceNumber == 5
    assert dataset.ImageType == ["ORIGINAL", "PRIMARY", "ABDOMINAL", "0001"]
    assert dataset.ImageComments.startswith("FRAMES LOST IN ACQUISITION: 2.")
    assert dataset.InstitutionName == "Klinik"


@pytest.mark.parametrize("codec", CODECS)
def test_modules_have_all_that_they_must(frame, study, codec, require_modules):
    require_modules(us_image(frame, study=study, codec=codec))


@pytest.mark.parametrize("codec", CODECS)
def test_our_own_check_finds_nothing(frame, study, codec):
    assert check_dicom(us_image(frame, study=study, codec=codec)) == []


@pytest.mark.parametrize("codec", CODECS)
def test_pixels_decode_to_the_frame(frame, study, codec, tmp_path):
    read = dcmread(saved(us_image(frame, study=study, codec=codec), tmp_path))
    assert np.array_equal(read.pixel_array, frame.pixels)


def test_dcmtk_decodes_jpeg_ls_to_the_frame(frame, study, tmp_path, dcmtk):
    path = saved(us_image(frame, study=study, codec="jpeg-ls"), tmp_path)
    assert dcmtk("dcmdjpls", path, tmp_path / "plain.dcm").returncode == 0
    assert np.array_equal(dcmread(tmp_path / "plain.dcm").pixel_array, frame.pixels)


def test_names_in_any_script_come_back(frame, study, tmp_path, dcmtk):
    path = saved(us_image(frame, study=study), tmp_path)
    read = dcmread(path)
    assert read.PatientName.ideographic == "王^小东"
    assert read.PatientName.alphabetic == "Wang^XiaoDong"
    assert read.PatientID == "病历-7"
    assert str(read.ReferringPhysicianName) == "Müller^Jörg"
    assert read.SeriesDescription == "Halsschlagader längs"
    assert "王^小东" in dcmtk("dcmdump", "+P", "PatientName", path).stdout


def test_an_implicit_vr_round_trip_keeps_pixels_provenance_and_regions(
    frame, study, tmp_path, dcmtk
):
    path = saved(us_image(frame, study=study), tmp_path)
    assert dcmtk("dcmconv", "+ti", path, tmp_path / "implicit.dcm").returncode == 0
    assert dcmtk("dcmconv", "+te", tmp_path / "implicit.dcm", tmp_path / "back.dcm").returncode == 0
    first, back = dcmread(path), dcmread(tmp_path / "back.dcm")
    assert back["PixelData"].VR == "OW"
    assert back.PixelData == first.PixelData
    assert read_regions(back) == read_regions(first)


def test_distances_in_the_object_are_those_of_the_frame(frame, study):
    (region,) = read_regions(us_image(frame, study=study))
    x0_m, z0_m = frame.position_m(3, 5)
    x1_m, z1_m = frame.position_m(43, 95)
    dx_cm, dz_cm = 90 * region.delta_x, 40 * region.delta_y
    assert math.hypot(dx_cm, dz_cm) == pytest.approx(math.hypot(x1_m - x0_m, z1_m - z0_m) * 100)


def test_depth_zero_can_be_found(frame, study):
    item = us_image(frame, study=study).SequenceOfUltrasoundRegions[0]
    row = item.ReferencePixelY0 - item.ReferencePixelPhysicalValueY / item.PhysicalDeltaY
    column = item.ReferencePixelX0 - item.ReferencePixelPhysicalValueX / item.PhysicalDeltaX
    assert frame.position_m(row, column) == pytest.approx((0.0, 0.0), abs=1e-12)


def test_time_is_that_of_the_host_at_the_studys_offset(frame):
    zone = timezone(timedelta(hours=8))
    study = Study(study_datetime=datetime(2025, 6, 15, 23, tzinfo=zone))
    dataset = us_image(frame, study=study)
    acquired = datetime.strptime(dataset.AcquisitionDateTime, "%Y%m%d%H%M%S.%f%z")
    assert acquired.timestamp() == pytest.approx(frame.host_timestamp_s, abs=1e-6)
    assert dataset.AcquisitionDateTime.endswith("+0800")
    assert dataset.AcquisitionDateTime.startswith(dataset.ContentDate + dataset.ContentTime)
    assert dataset.TimezoneOffsetFromUTC == "+0800"


def test_the_device_and_the_settings_are_named(frame, study):
    dataset = us_image(frame, study=study)
    assert dataset.Manufacturer == "Example GmbH"
    assert dataset.ManufacturerModelName == "Sonde 1"
    assert dataset.DeviceSerialNumber == "SN-0042"
    assert dataset.SoftwareVersions[0] == "1.4.2"
    assert dataset.TransducerData == "L11-5v"
    assert dataset.ProcessingFunction == "beamformer=delay and sum; dynamic_range_db=60"
    assert dataset.DepthOfScanField == 14
    assert dataset.BurnedInAnnotation == "NO"
    assert dataset.LossyImageCompression == "00"
    assert "PixelSpacing" not in dataset


def test_images_of_one_study_share_study_and_series_only(make_frame, study):
    first = us_image(make_frame(0), study=study)
    second = us_image(make_frame(1), study=study)
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)


def test_a_count_beyond_an_integer_string_is_clamped(make_frame, study):
    assert us_image(make_frame(2**40), study=study).InstanceNumber == 2**31 - 1


def test_numbers_of_numpy_are_written_as_numbers(make_frame, study):
    frame = make_frame(
        np.int64(3),
        dynamic_range_db=np.float32(60),
        device_timestamp_s=np.float64(1.5),
        provenance={"gaps": (Gap(first_sequence_number=np.int64(1), n_frames=np.int32(2)),)},
    )
    assert us_image(frame, study=study).InstanceNumber == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"pixel_size_m": math.nan},
        {"x_m": math.nan},
        {"z_m": math.inf},
        {"pixel_size_m": -1e-4},
        {"pixel_size_m": 0.0},
    ],
)
def test_a_raster_that_is_no_place_is_refused(make_frame, study, changes):
    values = {"x_m": 0.0, "z_m": 0.0, "pixel_size_m": 1e-4, "n_rows": 8, "n_columns": 8}
    with pytest.raises(ArgumentError):
        us_image(make_frame(raster=Raster(**(values | changes))), study=study)


@pytest.mark.parametrize("number", [-1, 2**31, 1.5, "7"])
def test_an_instance_number_that_is_none_is_refused(frame, study, number):
    with pytest.raises(ArgumentError, match="InstanceNumber"):
        us_image(frame, study=study, instance_number=number)


def test_what_the_device_says_in_any_script_fits_for_the_standards_tool(
    frame, study, tmp_path, require_conformant
):
    provenance = dataclasses.replace(
        frame.provenance,
        probe="探头" * 40,
        processing=(("interleaving", "B-mode 3 × plane; colour 1 × plane, packets of 12 pulses"),),
    )
    dataset = us_image(dataclasses.replace(frame, provenance=provenance), study=study)
    path = tmp_path / "x.dcm"
    dataset.save_as(path, enforce_file_format=True)
    require_conformant(path)
    assert dataset.ProcessingFunction.startswith("interleaving=B-mode 3 × plane")
