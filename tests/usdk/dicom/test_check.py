from __future__ import annotations

import warnings

import pytest
from pydicom import Dataset, dcmread

from usdk.dicom import check_dicom, require_sound, us_image
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
