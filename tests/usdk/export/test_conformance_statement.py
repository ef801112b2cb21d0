from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.uid import UID

from usdk.dicom import (
    ENHANCED_US_VOLUME_STORAGE,
    US_IMAGE_STORAGE,
    US_MULTIFRAME_IMAGE_STORAGE,
    us_image,
)
from usdk.dicom.codecs import CODECS
from usdk.dicom.pictures import decoder_name
from usdk.export.conformance_page import conformance_page
from usdk.export.conformance_statement import conformance_json, conformance_statement
from usdk.export.specimens import full_settings, specimens

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SOP_CLASSES = (US_IMAGE_STORAGE, US_MULTIFRAME_IMAGE_STORAGE, ENHANCED_US_VOLUME_STORAGE)
STRICTEST = ["1", "1C", "2", "2C", "3"]


@pytest.mark.parametrize(
    ("name", "make"),
    [("dicom-conformance.md", conformance_page), ("dicom-conformance.json", conformance_json)],
)
def test_the_documentation_is_what_the_code_does(name, make):
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip("the documentation is not in this checkout")
    assert path.read_text("utf-8") == make(), "run scripts/write_dicom_conformance"


def test_every_codec_and_object_is_stated():
    statement = conformance_statement()
    assert {s["uid"] for s in statement["sop_classes"]} == set(SOP_CLASSES)
    assert {s["codec"] for s in statement["transfer_syntaxes"]} == set(CODECS)
    assert len(statement["objects"]) == len(SOP_CLASSES)
    assert json.loads(conformance_json()) == statement


def test_types_are_those_of_the_standards_tables():
    tables = pytest.importorskip("highdicom._standard_utils")
    held = json.loads(files("usdk.export").joinpath("attribute_types.json").read_text("utf-8"))
    assert set(held) == set(SOP_CLASSES)
    for uid, types in held.items():
        strictest: dict[str, str] = {}
        for module in tables.get_iod_module_map()[tables.get_sop_class_iod_map()[uid]]:
            for row in tables.get_module_attribute_map()[module["key"]]:
                path = ".".join([*row["path"], row["keyword"]])
                kind = min(row["type"], strictest.get(path, "3"), key=STRICTEST.index)
                strictest[path] = kind
        assert {path: strictest.get(path) for path in types} == types


def test_what_must_always_be_there_is_always_there():
    """Type 1 and 2 at the top of an object, by the table, are never left out, by the code."""
    for rows in conformance_statement()["objects"].values():
        for row in rows:
            if "." not in row["attribute"] and row["type"] in ("1", "2"):
                expected = ("ALWAYS",) if row["type"] == "1" else ("ALWAYS", "VNAP")
                optional = row["attribute"] in (
                    "SequenceOfUltrasoundRegions",
                    "RedPaletteColorLookupTableDescriptor",
                    "GreenPaletteColorLookupTableDescriptor",
                    "BluePaletteColorLookupTableDescriptor",
                )
                assert optional or row["presence"] in expected, row


def test_attributes_of_an_object_are_all_stated(frame, study):
    dataset = us_image(frame, study=study, settings=full_settings())
    rows = conformance_statement()["objects"]["Ultrasound Image Storage"]
    stated = {row["attribute"]: row for row in rows}
    for element in dataset:
        if not element.tag.is_private:
            assert stated[element.keyword]["vr"] == element.VR
    assert stated["PatientName"]["source"] == "Patient"
    assert stated["MechanicalIndex"]["source"] == "ExaminationSettings"
    assert stated["StudyDate"] == {
        "attribute": "StudyDate",
        "tag": "(0008,0020)",
        "vr": "DA",
        "type": "2",
        "presence": "ALWAYS",
        "source": "Study",
    }


@pytest.mark.parametrize("uid", SOP_CLASSES)
def test_specimens_are_conformant(uid, tmp_path, require_conformant, require_modules):
    least, most, _ = specimens(uid)
    for dataset in (*least, *most):
        dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
        require_conformant(tmp_path / "x.dcm")
        require_modules(dataset)


def test_what_is_read_besides_has_a_decoder_that_cannot_end_the_process():
    pytest.importorskip("imagecodecs")
    pytest.importorskip("PIL")
    pytest.importorskip("openjpeg")
    besides = conformance_statement()["transfer_syntaxes_read_besides"]
    assert len(besides) == 10
    for syntax in besides:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = UID(syntax["uid"])
        is_plain = not dataset.file_meta.TransferSyntaxUID.is_compressed
        assert (decoder_name(dataset) == "") == is_plain
        assert decoder_name(dataset) != "gdcm"
