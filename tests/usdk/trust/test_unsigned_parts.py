from __future__ import annotations

import subprocess

import pydicom
import pytest

from usdk.errors import ArgumentError
from usdk.trust import dicom_tags as tags
from usdk.trust import sign_dicom, verify_dicom
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence
from usdk.trust.dicom_structure import find_element
from usdk.trust.unsigned_parts import mac_parameters_problems, unsigned_content

TIFF = b"II*\0\x74\x14\x0e\0"


@pytest.fixture
def signed(tmp_path, dicom, signer):
    def make(n_signatures=1, kind="grey"):
        path = tmp_path / "signed.dcm"
        path.write_bytes(dicom(kind))
        for _ in range(n_signatures):
            sign_dicom(path, path, signer)
        return path.read_bytes()

    return make


@pytest.fixture
def verify(authority):
    def check(data, **options):
        return verify_dicom(data, trusted_certificates=[authority.der], **options)

    return check


def read(data):
    return read_dicom(MemorySource(data))


def items_of(data, tag):
    element = find_element(read(data).elements, tag)
    return [data[item.offset : item.end] for item in element.items]


def with_items(data, tag, items):
    element = find_element(read(data).elements, tag)
    return data[: element.offset] + encode_sequence(tag, items) + data[element.end :]


def with_meta(data, tag, vr, value):
    """Return a file with one more element at the end of its file meta information."""
    file = read(data)
    raw = encode_element(tag, vr, value)
    at = file.meta[-1].end
    length = file.meta[0]
    n_bytes = at + len(raw) - length.end
    head = data[: length.value_offset] + n_bytes.to_bytes(4, "little") + data[length.value_end : at]
    return head + raw + data[at:]


def padded(data, padding):
    return data + encode_element(tags.DATA_SET_TRAILING_PADDING, "OB", padding)


def test_the_head_of_another_format_before_the_object_is_refused(signed, verify):
    data = signed()
    other = TIFF + data[len(TIFF) :]
    assert verify(other).problems == ("the preamble is not empty, and no signature covers it",)
    assert verify(other, allow_uncovered=True).is_valid


def test_padding_is_empty_or_refused(signed, verify):
    data = signed()
    assert verify(padded(data, bytes(3000))).is_valid
    assert "the padding is not empty" in verify(padded(data, bytes(3000) + b"PK")).problems[0]


def test_padding_inside_an_item_is_empty_or_refused(dicom):
    def change(ds):
        ds.ProcedureCodeSequence = [pydicom.Dataset()]
        ds.ProcedureCodeSequence[0].add_new(tags.DATA_SET_TRAILING_PADDING, "OB", b"text")

    assert unsigned_content(read(dicom("grey", change))) == [
        "the padding is not empty, and no signature covers it"
    ]


@pytest.mark.parametrize(
    ("tag", "vr", "value", "is_usual"),
    [
        (0x00020016, "AE", b"SENDER", True),
        (0x00020016, "AE", b"%PDF-1.4 " * 9, False),
        (0x00020102, "OB", b"another picture", False),
    ],
)
def test_the_file_meta_information_holds_no_more_than_usual(
    signed, verify, tag, vr, value, is_usual
):
    report = verify(with_meta(signed(), tag, vr, value))
    assert report.is_valid == is_usual
    assert is_usual or "the file meta information holds" in report.problems[0]


def test_the_parameters_of_a_removed_signature_tell_of_it(signed, verify):
    data = signed(2)
    (first, _) = items_of(data, tags.DIGITAL_SIGNATURES_SEQUENCE)
    stripped = with_items(data, tags.DIGITAL_SIGNATURES_SEQUENCE, [first])
    assert verify(stripped).problems == ("a signature was removed: its MAC parameters are left",)


def test_a_signature_that_dcmsign_removed_leaves_nothing(tmp_path, signed, verify, dcmsign):
    data = signed(2)
    path, out = tmp_path / "two.dcm", tmp_path / "one.dcm"
    path.write_bytes(data)
    uid = verify(data).signatures[0].signature_uid
    assert dcmsign.run("+r", uid, path, out) == 0
    assert len(verify(out).signatures) == 1
    assert verify(out).is_valid


def test_a_signature_counts_once(signed, verify):
    data = signed()
    items = items_of(data, tags.DIGITAL_SIGNATURES_SEQUENCE)
    twice = with_items(data, tags.DIGITAL_SIGNATURES_SEQUENCE, items * 2)
    assert verify(twice).problems == ("a signature is there twice",)


def test_parameters_hold_nothing_beside_themselves(signed, verify):
    data = signed()
    (item,) = items_of(data, tags.MAC_PARAMETERS_SEQUENCE)
    text = encode_element(0x04009999, "UT", b"anything")
    more = with_items(data, tags.MAC_PARAMETERS_SEQUENCE, [encode_item(item[8:] + text)])
    (problem,) = verify(more).problems
    assert "MACParametersSequence holds elements that are not its own" in problem


@pytest.mark.parametrize("options", [("+p", "512", "64"), ("+g",), ("-e",)])
def test_lengths_and_padding_that_dcmconv_adds_change_nothing(
    tmp_path, signed, verify, dcmtk, options
):
    path, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    path.write_bytes(signed(2, "undefined_lengths"))
    command = [dcmtk("dcmconv"), "+te", *options, path, out]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert verify(out).problems == ()


def test_parameters_inside_an_item_belong_to_a_signature_there(dicom):
    def change(ds):
        parameters = pydicom.Dataset()
        parameters.MACIDNumber = 3
        ds.ProcedureCodeSequence = [pydicom.Dataset()]
        ds.ProcedureCodeSequence[0].MACParametersSequence = [parameters]

    assert mac_parameters_problems(read(dicom("grey", change))) == [
        "a signature was removed: its MAC parameters are left"
    ]


def test_what_would_be_refused_is_not_signed(tmp_path, dicom, signer, authority):
    data = dicom()
    path, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    for bad in (TIFF + data[len(TIFF) :], padded(data, b"text")):
        path.write_bytes(bad)
        with pytest.raises(ArgumentError, match="is not empty, and no signature covers it"):
            sign_dicom(path, out, signer)
        assert not out.exists()
    sign_dicom(path, out, signer, allow_uncovered=True)
    trusted = {"trusted_certificates": [authority.der]}
    assert verify_dicom(out, allow_uncovered=True, **trusted).is_valid
    assert not verify_dicom(out, **trusted).is_valid
