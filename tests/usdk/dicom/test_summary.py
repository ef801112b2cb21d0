from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from usdk.acquisition import Gap
from usdk.dicom import enhanced_us_volume, read_summary, us_image, us_multiframe
from usdk.errors import DataDamagedError, UsdkError

VENDOR_FILES = [
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "OBXXXX1A.dcm",
    "OBXXXX1A_2frame.dcm",
    "OBXXXX1A_expb.dcm",
    "OBXXXX1A_rle.dcm",
    "OBXXXX1A_rle_2frame.dcm",
    "US1_J2KI.dcm",
    "US1_J2KR.dcm",
    "US1_UNCI.dcm",
    "US1_UNCR.dcm",
    "color-pl.dcm",
    "color-px.dcm",
    "color3d_jpeg_baseline.dcm",
    "gdcm-US-ALOKA-16.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "ExplVR_BigEnd.dcm",
]


def vendor_file(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} of pydicom-data is not installed")
    return path


@pytest.fixture
def path(make_frame, study, tmp_path):
    gap = Gap(first_sequence_number=4, n_frames=2)
    frames = [make_frame(n) for n in range(4)] + [make_frame(6, provenance={"gaps": (gap,)})]
    path = tmp_path / "cine.dcm"
    us_multiframe(frames, study=study, codec="jpeg-ls").save_as(path, enforce_file_format=True)
    return path


def test_what_a_person_asks_first_is_there(path):
    summary = read_summary(path)
    assert summary.sop_class == "Ultrasound Multi-frame Image Storage"
    assert "JPEG-LS" in summary.transfer_syntax
    assert (summary.n_rows, summary.n_columns, summary.n_frames) == (61, 115, 5)
    assert summary.frame_rate_hz == pytest.approx(20)
    assert summary.device.startswith("Example GmbH, Sonde 1, serial number SN-0042, software 1.4.2")
    assert summary.regions[0].delta_x == pytest.approx(0.02)
    assert summary.n_frames_lost == 2
    assert summary.n_signatures == 0
    assert summary.findings == ()


def test_the_lines_say_it_in_words(path):
    text = str(read_summary(path))
    assert "61 rows × 115 columns, 5 frame(s) at 20 per s" in text
    assert "0.2 × 0.2 mm per pixel" in text
    assert "signed           no" in text


def test_nobody_is_named_unless_asked(path):
    silent = read_summary(path)
    for words in ("Wang", "小东", "病历", "19700203"):
        assert words not in str(silent)
        assert words not in repr(silent)
    asked = read_summary(path, show_patient=True)
    assert "Wang^XiaoDong=王^小东" in str(asked)
    assert asked.patient["PatientID"] == "病历-7"
    assert "Wang" not in repr(asked)


@pytest.mark.parametrize("name", VENDOR_FILES)
def test_any_makers_file_is_described(name):
    path = vendor_file(name)
    summary = read_summary(path)
    dataset = dcmread(path, stop_before_pixels=True)
    assert (summary.n_rows, summary.n_columns) == (dataset.Rows, dataset.Columns)
    assert len(summary.regions) == len(dataset.get("SequenceOfUltrasoundRegions", []))
    assert str(dataset.PatientName) not in str(summary) or not str(dataset.PatientName)
    assert summary.n_frames_lost is None


def test_a_region_one_past_the_edge_is_found_in_a_makers_file():
    findings = read_summary(vendor_file("OBXXXX1A.dcm")).findings
    assert [f.attribute for f in findings] == ["SequenceOfUltrasoundRegions[0].RegionLocationMaxX1"]


def test_control_characters_of_a_file_never_reach_a_terminal(path, tmp_path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b"Sonde 1", b"\x1b[2Jxyz"))
    assert "\x1b" not in str(read_summary(path))


def test_a_damaged_private_block_is_a_finding(path):
    content = path.read_bytes()
    path.write_bytes(content.replace(b'{"format":1,', b'{"format":x,'))
    summary = read_summary(path)
    assert summary.n_frames_lost is None
    assert [f.attribute for f in summary.findings] == ["private USDK block"]


def test_a_file_cut_anywhere_is_described_or_refused_and_never_more(frame, study, tmp_path):
    path = tmp_path / "whole.dcm"
    us_image(frame, study=study).save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    cut = tmp_path / "cut.dcm"
    n_refused = 0
    for length in range(0, len(content), 97):
        cut.write_bytes(content[:length])
        try:
            assert read_summary(cut).findings
        except DataDamagedError:
            n_refused += 1
    assert n_refused > 10


def test_flipped_bytes_are_described_or_refused_and_never_more(frame, study, tmp_path):
    path = tmp_path / "whole.dcm"
    us_image(frame, study=study).save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    end = content.index(b"\xe0\x7f\x10\x00") + 12
    messages = []
    for position in range(132, end, 5):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            str(read_summary(path))
        except UsdkError as error:
            messages.append(str(error))
    assert len(messages) > 5
    assert not any("Wang" in message for message in messages)


def test_a_volume_tells_the_size_of_its_voxels(make_volume, heart, settings, tmp_path):
    dataset = enhanced_us_volume(make_volume(), study=heart, settings=settings)
    dataset.save_as(tmp_path / "volume.dcm", enforce_file_format=True)
    summary = read_summary(tmp_path / "volume.dcm")
    assert summary.voxel_size_mm == pytest.approx((0.5, 0.5, 0.5))
    assert "voxels           0.5 × 0.5 × 0.5 mm" in str(summary)
    assert "cannot be measured" not in str(summary)
    assert not [finding for finding in summary.findings if finding.severity == "error"]


def test_what_the_scanner_was_set_to_is_told(frame, study, settings, tmp_path):
    path = tmp_path / "still.dcm"
    us_image(frame, study=study, settings=settings).save_as(path, enforce_file_format=True)
    summary = read_summary(path)
    assert summary.settings.heart_rate_bpm == settings.heart_rate_bpm
    assert summary.settings.focus_depths_m == pytest.approx(settings.focus_depths_m)
    (line,) = [line for line in str(summary).splitlines() if line.startswith("settings")]
    assert f"heart rate {settings.heart_rate_bpm} per min; MI {settings.mechanical_index:g}" in line
    assert "focus" in line


def test_a_name_of_three_groups_is_shown_whole(frame, study, tmp_path):
    groups = ("Yamada-Higashikuni^Tarounosuke^^Dr^Jr", "山田" * 15, "やまだ" * 12)
    whole = replace(study, patient=replace(study.patient, patient_name="=".join(groups)))
    path = tmp_path / "still.dcm"
    us_image(frame, study=whole).save_as(path, enforce_file_format=True)
    summary = read_summary(path, show_patient=True)
    assert summary.patient["PatientName"] == "=".join(groups)
