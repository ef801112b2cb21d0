"""Files of other makers, and damaged copies of them: an answer, and never another exception."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from usdk.dicom import check_file, us_image, us_multiframe
from usdk.errors import DataDamagedError, StorageError

N_COPIES = 5000 if os.environ.get("USDK_TEST_WHOLE") == "1" else 60
"""Damaged copies of each file."""

# They come with pydicom; none is of an ultrasound device but some are made like those.
COMPRESSED = ["SC_rgb_rle.dcm", "SC_rgb_rle_2frame.dcm", "MR_small_jpeg_ls_lossless.dcm"]
NATIVE = ["SC_rgb_small_odd.dcm", "MR_small.dcm", "MR_small_bigendian.dcm", "CT_small.dcm"]


def foreign(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom has no {name} here")
    return Path(path)


@pytest.mark.parametrize("name", NATIVE + COMPRESSED)
def test_what_is_no_ultrasound_is_told(name):
    findings = check_file(foreign(name))
    assert any(finding.attribute == "Modality" for finding in findings)


def vendor_file(tmp_path, frame, study, change):
    dataset = us_image(frame, study=study)
    change(dataset)
    path = tmp_path / "vendor.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_bound_one_past_the_edge_is_told_as_such(frame, study, tmp_path):
    def change(dataset):
        dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxY1 = dataset.Rows

    (finding,) = check_file(vendor_file(tmp_path, frame, study, change))
    assert finding.attribute.endswith("RegionLocationMaxY1")
    assert finding.tag == "(0018,601E)"
    assert "one past the edge" in finding.message


def test_colour_without_planar_configuration_is_decoded_and_told(in_colour, study, tmp_path):
    def change(dataset):
        del dataset.PlanarConfiguration

    (finding,) = check_file(vendor_file(tmp_path, in_colour, study, change))
    assert (finding.attribute, finding.tag) == ("PlanarConfiguration", "(0028,0006)")
    assert "by pixel" in finding.message


def changed_fragments(dataset):
    """Yield what may be wrong with fragments, and a word of what must be said about it."""
    yield dataset.PixelData[:-200], "ends within fragment 3"
    table = bytearray(dataset.PixelData)
    table[12] ^= 2
    yield bytes(table), "points beside"
    table = bytearray(dataset.PixelData)
    table[8:16] = table[12:16] + table[8:12]
    yield bytes(table), "does not increase"
    fewer = bytearray(dataset.PixelData)
    fewer[4] = 8
    yield bytes(fewer[:16] + fewer[20:]), "2 entries for 3 frames"
    stream = bytearray(dataset.PixelData)
    stream[28:30] = b"ab"
    yield bytes(stream), "no JPEG-LS"
    rows = bytearray(dataset.PixelData)
    place = rows.index(b"\xff\xf7")
    rows[place + 6] ^= 1
    yield bytes(rows), "contradict"


@pytest.mark.parametrize("case", range(6))
def test_fragments_that_are_not_what_they_should_be_are_told(make_frame, study, tmp_path, case):
    dataset = us_multiframe([make_frame(n) for n in range(3)], study=study, codec="jpeg-ls")
    value, expected = list(changed_fragments(dataset))[case]
    dataset.PixelData = value
    dataset["PixelData"].is_undefined_length = True
    path = tmp_path / "x.dcm"
    dataset.save_as(path, enforce_file_format=True)
    try:
        findings = check_file(path, decode=False)
    except DataDamagedError:
        assert case == 0  # The parser itself stumbles over it.
        return
    assert any(f.attribute == "PixelData" and expected in f.message for f in findings)


def test_a_missing_offset_table_is_told(cine, study, tmp_path):
    path = tmp_path / "x.dcm"
    us_multiframe(cine, study=study, codec="rle").save_as(path, enforce_file_format=True)
    begin = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
    content = path.read_bytes()
    assert content.count(begin) == 1
    path.write_bytes(content.replace(begin + b"\xfe\xff\x00\xe0", begin + b"\xfe\xff\x0d\xe0"))
    findings = check_file(path, decode=False)
    assert any("offset table should begin" in finding.message for finding in findings)


def test_rgb_that_the_stream_transforms_is_told(in_colour, study, tmp_path):
    pytest.importorskip("imagecodecs")
    dataset = us_image(in_colour, study=study, codec="jpeg-2000")
    dataset.PhotometricInterpretation = "RGB"
    path = tmp_path / "x.dcm"
    dataset.save_as(path, enforce_file_format=True)
    findings = check_file(path, decode=False)
    assert [finding.attribute for finding in findings] == ["PhotometricInterpretation"]
    assert "YBR_RCT" in findings[0].message


def damaged(content, rng):
    content = bytearray(content)
    head = min(len(content), 5000)
    kind = rng.randrange(6)
    if kind == 0:
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del content[rng.randrange(len(content)) :]
    elif kind == 2:
        place = rng.randrange(len(content))
        del content[place : place + rng.randrange(1, 64)]
    elif kind == 3:
        place = rng.randrange(head)
        content[place : place + rng.randrange(1, 8)] = rng.randbytes(rng.randrange(1, 9))
    elif kind == 4:
        for _ in range(rng.randrange(1, 30)):
            content[rng.randrange(head)] = rng.choice((0, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    else:
        place, source = rng.randrange(head), rng.randrange(len(content))
        content[place:place] = content[source : source + rng.randrange(200)]
    return bytes(content)


@pytest.mark.parametrize("name", ["still", "cine", *NATIVE[:2], *COMPRESSED])
def test_damaged_copies_get_an_answer(name, in_colour, cine, study, tmp_path):
    path = tmp_path / "x.dcm"
    if name == "still":
        us_image(in_colour, study=study).save_as(path, enforce_file_format=True)
    elif name == "cine":
        dataset = us_multiframe(cine, study=study, codec="jpeg-ls")
        dataset.save_as(path, enforce_file_format=True)
    else:
        path.write_bytes(foreign(name).read_bytes())
    content, rng = path.read_bytes(), random.Random(name)
    answers = {"findings": 0, "clean": 0, "unreadable": 0}
    for _ in range(N_COPIES):
        path.write_bytes(damaged(content, rng))
        try:
            answers["findings" if check_file(path) else "clean"] += 1
        except (DataDamagedError, StorageError):
            answers["unreadable"] += 1
    assert answers["findings"]
    assert answers["unreadable"]


def test_frames_that_are_not_the_ones_written_are_each_told(make_frame, study, tmp_path):
    frames = [make_frame(n) for n in range(3)]
    path = tmp_path / "x.dcm"
    us_multiframe(frames, study=study).save_as(path, enforce_file_format=True)
    assert check_file(path) == []
    dataset = dcmread(path)
    dataset.PixelData = np.roll(np.frombuffer(dataset.PixelData, np.uint8), 1).tobytes()
    dataset.save_as(path)
    findings = check_file(path)
    assert [f"frame {n}" in f.message for n, f in enumerate(findings, start=1)] == [True] * 3
