from __future__ import annotations

import subprocess

import pytest
from pydicom.data import get_testdata_file

from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.mac_stream import is_outside, is_signable, signed_bytes


def stream_of(data):
    """Return the byte stream of the first signature in ``data``, over what its item names."""
    file = read_dicom(MemorySource(data))
    item = next(e for e in file.elements if e.tag == tags.DIGITAL_SIGNATURES_SEQUENCE).items[0]
    signed = [e for e in file.elements if is_signable(e)]
    return b"".join(signed_bytes(file.source, signed, file.source, item.elements))


@pytest.mark.parametrize("purpose", [(), ("+sp", "14")])
def test_the_stream_is_what_dcmsign_hashes(tmp_path, dicom, dcmsign, kind, purpose):
    (tmp_path / "in.dcm").write_bytes(dicom(kind))
    mac = tmp_path / "mac.bin"
    out = tmp_path / "out.dcm"
    assert dcmsign.sign(tmp_path / "in.dcm", out, *purpose, "+d", mac) == 0
    assert stream_of(out.read_bytes()) == mac.read_bytes()


@pytest.mark.parametrize(
    "name",
    ["examples_rgb_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm", "US1_UNCI.dcm",
     "US1_J2KI.dcm", "US1_UNCR.dcm", "OBXXXX1A_2frame.dcm", "OBXXXX1A_rle_2frame.dcm"],
)  # fmt: skip
def test_the_stream_of_a_real_object_is_what_dcmsign_hashes(tmp_path, dcmsign, name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    mac = tmp_path / "mac.bin"
    out = tmp_path / "out.dcm"
    assert dcmsign.sign(path, out, "+d", mac) == 0
    assert stream_of(out.read_bytes()) == mac.read_bytes()


def test_the_stream_does_not_depend_on_how_lengths_are_encoded(tmp_path, dicom, dcmtk, dcmsign):
    (tmp_path / "in.dcm").write_bytes(dicom("nested"))
    assert dcmsign.sign(tmp_path / "in.dcm", tmp_path / "signed.dcm") == 0
    subprocess.run(
        [dcmtk("dcmconv"), "-e", tmp_path / "signed.dcm", tmp_path / "undefined.dcm"], check=True
    )
    signed = (tmp_path / "signed.dcm").read_bytes()
    undefined = (tmp_path / "undefined.dcm").read_bytes()
    assert len(undefined) != len(signed)
    assert stream_of(undefined) == stream_of(signed)


@pytest.mark.parametrize(
    "tag", [0x00080000, 0x00080001, 0x4FFE0001, 0xFFFAFFFA, 0xFFFCFFFC, 0x00090000]
)
def test_what_says_nothing_of_the_object_is_outside(tag):
    assert is_outside(tag)


@pytest.mark.parametrize("tag", [0x00080018, 0x00091001, 0x7FE00010, 0xFFFA0001, 0x4FFE0002])
def test_everything_else_is_not_outside(tag):
    assert not is_outside(tag)


def test_a_long_value_passes_in_pieces(dicom):
    def long(ds):
        ds.add_new(0x00110010, "LO", "USDK TEST")
        ds.add_new(0x00111001, "OB", bytes(5 << 20))

    file = read_dicom(MemorySource(dicom("grey", long)))
    pieces = list(signed_bytes(file.source, file.elements, file.source, ()))
    assert max(map(len, pieces)) <= 1 << 20
    assert sum(map(len, pieces)) == file.source.size - file.elements[0].offset
