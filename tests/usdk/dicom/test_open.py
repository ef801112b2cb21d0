from __future__ import annotations

import os

import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from usdk.dicom import us_image
from usdk.dicom.open import open_dicom, parser_border
from usdk.errors import ArgumentError, DataDamagedError, StorageError


@pytest.fixture
def path(frame, study, tmp_path):
    path = tmp_path / "image.dcm"
    us_image(frame, study=study).save_as(path, enforce_file_format=True)
    return path


def test_a_file_is_opened_without_its_pixels(path, frame):
    dataset = open_dicom(path)
    assert dataset.Rows == frame.shape[0]
    raw = dataset.get_item("PixelData", keep_deferred=True)
    assert raw.length == frame.pixels.size + 1


def test_a_missing_file_is_the_administrators(tmp_path):
    with pytest.raises(StorageError):
        open_dicom(tmp_path / "absent.dcm")


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(StorageError, match="regular"):
        open_dicom(tmp_path)


def test_a_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StorageError, match="regular"):
        open_dicom(tmp_path / "pipe")


@pytest.mark.parametrize("content", [b"", b"DICM", b"\0" * 128 + b"DICM", b"\x89PNG" * 100])
def test_other_content_is_damaged(tmp_path, content):
    (tmp_path / "x.dcm").write_bytes(content)
    try:
        dataset = open_dicom(tmp_path / "x.dcm")
    except DataDamagedError:
        return
    assert len(dataset) == 0


def test_a_file_cut_in_its_pixels_is_truncated(path):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataDamagedError, match="truncated"):
        open_dicom(path)


def test_a_deflated_file_is_refused_with_a_remedy(path, tmp_path):
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    with pytest.raises(DataDamagedError, match="dcmconv"):
        open_dicom(tmp_path / "deflated.dcm")


def test_the_border_hides_what_a_parser_quotes():
    with pytest.raises(DataDamagedError) as caught, parser_border("cannot read"):
        raise KeyError("Secret^Name")
    assert "Secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_border_lets_typed_errors_pass():
    with pytest.raises(ArgumentError), parser_border("cannot read"):
        raise ArgumentError("as it is")


def test_a_list_that_would_fill_the_memory_is_refused(path):
    dataset = dcmread(path)
    dataset.add_new(0x00104000, "UC", "\\" * 2**20 + "  ")
    dataset.save_as(path)
    with pytest.raises(DataDamagedError, match=r"\(0010,4000\) is a list of more than"):
        open_dicom(path)
    dataset.add_new(0x00104000, "UT", "a" * 2**20 + "  ")
    dataset.save_as(path)
    assert open_dicom(path).Rows == dataset.Rows
