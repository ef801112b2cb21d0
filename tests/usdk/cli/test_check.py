from __future__ import annotations

import json

import numpy as np
import pytest
from pydicom import dcmread

from usdk.cli import main
from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND
from usdk.export import write_dicom
from usdk.trust import RsaSigner
from usdk.trust.development_certificates import issue_development_certificates


@pytest.fixture(scope="module")
def signer():
    _, certificate, key = issue_development_certificates()
    return RsaSigner(key, certificate)


@pytest.fixture
def path(cine, study, signer, tmp_path):
    return write_dicom(tmp_path / "x.dcm", cine, signer=signer, study=study, codec="jpeg-ls")


def changed(path, change):
    dataset = dcmread(path)
    change(dataset)
    dataset.save_as(path)
    return path


def test_a_sound_object_has_no_findings(path, capsys):
    assert main(["check", "-q", str(path)]) == DONE
    assert capsys.readouterr().out == f"{path}: no errors, no warnings\n"


def test_a_finding_names_attribute_tag_and_section(path, capsys):
    def beyond(dataset):
        dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxX1 = dataset.Columns

    assert main(["check", "-q", str(changed(path, beyond))]) == PROBLEMS_FOUND
    text = capsys.readouterr().out
    assert "SequenceOfUltrasoundRegions[0].RegionLocationMaxX1 is 115, one past the edge" in text
    assert "[(0018,601C); PS3.3 C.8.5.5]" in text
    # What was signed is no longer there, either.
    assert "DigitalSignaturesSequence has a signature 1 that does not hold" in text
    assert "PS3.15" in text


def test_a_frame_that_is_not_the_one_written_is_found(path, cine, capsys):
    def swap(dataset):
        content = bytearray(dataset.PixelData)
        content[-40] ^= 4
        dataset.PixelData = bytes(content)

    assert main(["check", "-q", "--json", str(changed(path, swap))]) == PROBLEMS_FOUND
    (result,) = json.loads(capsys.readouterr().out)["files"]
    about_pixels = [f["message"] for f in result["findings"] if f["attribute"] == "PixelData"]
    assert any("frame 5" in message for message in about_pixels)
    assert main(["check", "-q", "--json", "--no-decode", str(path)]) == PROBLEMS_FOUND
    (result,) = json.loads(capsys.readouterr().out)["files"]
    assert {f["attribute"] for f in result["findings"]} == {"DigitalSignaturesSequence"}


def test_each_file_is_judged_and_the_first_failure_is_the_status(path, tmp_path, capsys):
    rubbish = tmp_path / "rubbish.dcm"
    rubbish.write_bytes(np.random.default_rng(0).bytes(2000))
    assert main(["check", "-q", "--json", str(path), str(rubbish), str(tmp_path / "no")]) == 5
    good, bad, absent = json.loads(capsys.readouterr().out)["files"]
    assert (good["readable"], bad["readable"], absent["readable"]) == (True, False, False)
    assert "DICM" in bad["problem"]
    assert main(["check", "-q", str(tmp_path / "no")]) == 7
    assert "UNREADABLE" in capsys.readouterr().out


def test_strict_makes_a_warning_count(frame, study, tmp_path, capsys):
    path = write_dicom(tmp_path / "x.dcm", [frame], signer=None, study=study)

    def loud(dataset):
        dataset.MechanicalIndex = "1.95"

    changed(path, loud)
    assert main(["check", "-q", str(path)]) == DONE
    assert main(["check", "-q", "--strict", str(path)]) == PROBLEMS_FOUND
    assert "1 warning" in capsys.readouterr().out


def test_a_folder_stands_for_its_dicom_files(path, tmp_path, capsys):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "second").write_bytes(path.read_bytes())
    (inner / "notes.txt").write_text("no image")
    assert main(["check", "-q", "--json", str(tmp_path)]) == DONE
    files = json.loads(capsys.readouterr().out)["files"]
    assert [file["path"] for file in files] == [str(inner / "second"), str(path)]


def test_a_folder_without_any_is_said(tmp_path, capsys):
    assert main(["check", "-q", str(tmp_path)]) != DONE
    assert "holds no DICOM file" in capsys.readouterr().err
