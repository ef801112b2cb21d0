from __future__ import annotations

import warnings

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import tag_for_keyword

from usdk.dicom import check_dicom, require_sound, us_image, us_multiframe
from usdk.errors import ArgumentError


@pytest.fixture
def dataset(frame, study):
    return us_image(frame, study=study)


@pytest.fixture
def anything_goes():
    """Let pydicom hold values that no sender should write."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def found(dataset, severity="error"):
    return [f.attribute for f in check_dicom(dataset) if f.severity == severity]


def test_another_modality_is_an_error(dataset):
    dataset.Modality = "CT"
    assert found(dataset) == ["Modality"]


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_each_uid_is_needed(dataset, keyword):
    delattr(dataset, keyword)
    assert keyword in found(dataset)


def test_file_meta_must_name_the_same_instance(dataset):
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    assert found(dataset) == ["MediaStorageSOPInstanceUID"]


@pytest.mark.parametrize("uid", ["1." + "2" * 63, "1.02", "1..2", "a", "1.2 3"])
def test_a_uid_that_is_none_is_an_error(dataset, anything_goes, uid):
    dataset.StudyInstanceUID = uid
    assert found(dataset) == ["StudyInstanceUID"]


def test_a_uid_in_a_sequence_is_checked_too(dataset, anything_goes):
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1." + "2" * 63
    dataset.ReferencedImageSequence = [Dataset(), item]
    assert found(dataset) == ["ReferencedImageSequence[1].ReferencedSOPInstanceUID"]


def test_a_private_element_needs_a_creator(dataset):
    dataset.add_new(0x00111001, "LO", "orphan")
    assert found(dataset) == ["(0011,1001)"]


def test_a_private_element_in_a_sequence_needs_a_creator_there(dataset):
    item = Dataset()
    item.add_new(0x55531001, "LO", "orphan")
    dataset.ReferencedImageSequence = [item]
    assert found(dataset) == ["ReferencedImageSequence[0].(5553,1001)"]


def test_endless_nesting_is_an_error(dataset):
    inner = Dataset()
    for _ in range(60):
        outer = Dataset()
        outer.ReferencedImageSequence = [inner]
        inner = outer
    dataset.ReferencedImageSequence = [inner]
    assert any("nested" in finding.message for finding in check_dicom(dataset))


@pytest.mark.parametrize(
    "keyword",
    ["MechanicalIndex", "BoneThermalIndex", "CranialThermalIndex", "SoftTissueThermalIndex"],
)
def test_indices_of_output_have_a_range(dataset, keyword):
    setattr(dataset, keyword, "1.2")
    assert check_dicom(dataset) == []
    setattr(dataset, keyword, "-0.1")
    assert found(dataset) == [keyword]
    setattr(dataset, keyword, "6.5")
    assert found(dataset) == []
    assert found(dataset, "warning") == [keyword]


def test_another_sop_class_is_a_warning(dataset):
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    assert found(dataset, "warning") == ["SOPClassUID"]


def test_an_empty_data_set_is_many_errors_and_no_exception():
    assert len(found(Dataset())) > 5


def test_a_sound_object_passes_and_an_unsound_one_is_refused(dataset):
    require_sound(dataset)
    dataset.SequenceOfUltrasoundRegions[0].PhysicalDeltaX = -1.0
    with pytest.raises(ArgumentError, match="PhysicalDeltaX is negative"):
        require_sound(dataset)


def test_no_finding_quotes_a_patient(dataset, anything_goes):
    dataset.PatientBirthDate = "secret"
    dataset.StudyInstanceUID = "secret.uid"
    assert not any("secret" in str(finding) for finding in check_dicom(dataset))


def test_values_as_they_lie_in_a_file_are_findings_and_not_warnings(dataset, tmp_path):
    path = tmp_path / "odd.dcm"
    dataset.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    date, uid = dataset.StudyDate.encode(), dataset.StudyInstanceUID.encode()
    path.write_bytes(content.replace(date, b"odd date").replace(uid, b"x" * len(uid)))
    assert found(dcmread(path)) == ["StudyInstanceUID"]


@pytest.mark.parametrize(
    "keyword",
    [
        "BitsStored",
        "CineRate",
        "Columns",
        "FrameIncrementPointer",
        "FrameTime",
        "FrameTimeVector",
        "HighBit",
        "MechanicalIndex",
        "NumberOfFrames",
        "Rows",
        "SamplesPerPixel",
        "StopTrim",
        "UltrasoundColorDataPresent",
    ],
)
def test_words_in_place_of_a_number_or_tag_are_an_error(cine, study, keyword):
    dataset = us_multiframe(cine, study=study)
    tag = tag_for_keyword(keyword)
    dataset[tag] = DataElement(tag, "LO", "secret")
    findings = [finding for finding in check_dicom(dataset) if finding.attribute == keyword]
    assert [finding.severity for finding in findings] == ["error"]
    assert "secret" not in str(findings)


def test_a_region_sequence_that_is_none_is_an_error(dataset):
    tag = tag_for_keyword("SequenceOfUltrasoundRegions")
    dataset[tag] = DataElement(tag, "LO", "secret")
    assert found(dataset) == ["SequenceOfUltrasoundRegions"]


def test_a_value_that_cannot_be_decoded_is_an_error(dataset, tmp_path):
    path = tmp_path / "odd.dcm"
    dataset.save_as(path, enforce_file_format=True)
    # A UL of three bytes.
    old = bytes.fromhex("1800 1660 554c 0400 02000000".replace(" ", ""))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, old[:6] + b"\x03\x00" + old[8:]))
    assert found(dcmread(path)) == [
        "SequenceOfUltrasoundRegions[0].(0018,6016)",
        "SequenceOfUltrasoundRegions[0]",
    ]


@pytest.mark.parametrize("keyword", ["Rows", "SamplesPerPixel", "BitsStored"])
def test_a_number_below_one_is_an_error(dataset, keyword):
    setattr(dataset, keyword, 0)
    assert keyword in found(dataset)


def test_no_flipped_byte_makes_the_check_itself_fail(cine, study, tmp_path):
    path = tmp_path / "cine.dcm"
    us_multiframe(cine, study=study).save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    end = content.index(b"\xe0\x7f\x10\x00") + 12
    n_checked = 0
    for position in range(132, end, 7):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                dataset = dcmread(path)
            # What the parser refuses as a whole is not the check's business.
            except Exception:
                continue
        assert isinstance(check_dicom(dataset), list)
        n_checked += 1
    assert n_checked > 100
