from __future__ import annotations

import io
import random
import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.encaps import parse_fragments

from usdk.errors import DataDamagedError
from usdk.trust import dicom_elements
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_data_set, read_dicom
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence

PRIVATE_SQ = 0x00111001
DELIMITED = struct.pack("<HH2sHI", 0x0011, 0x1001, b"SQ", 0, 0xFFFFFFFF)
ITEM_OPEN = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
ITEM_CLOSE = b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
SEQUENCE_CLOSE = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
LEAF = encode_element(0x00100020, "LO", b"ab")


def read(data):
    return read_dicom(MemorySource(data))


def same_structure(elements, dataset):
    """Compare tags, VRs and value lengths with pydicom's reading, at every depth."""
    expected = list(dataset)
    assert [e.tag for e in elements] == [int(e.tag) for e in expected]
    for mine, theirs in zip(elements, expected, strict=True):
        assert mine.vr.decode() == theirs.VR
        if theirs.VR == "SQ":
            assert len(mine.items) == len(theirs.value)
            for item, inner in zip(mine.items, theirs.value, strict=True):
                same_structure(item.elements, inner)


def test_the_structure_is_what_pydicom_reads(dicom, kind):
    data = dicom(kind)
    same_structure(read(data).elements, pydicom.dcmread(io.BytesIO(data)))


def test_values_lie_where_the_element_says(dicom):
    data = dicom("nested")
    dataset = pydicom.dcmread(io.BytesIO(data))
    for element in read(data).elements:
        value = data[element.value_offset : element.value_end]
        raw = dataset.get_item(element.tag).value
        if element.vr == b"UI" and isinstance(raw, bytes):
            assert value == raw
        if element.tag == 0x7FE00010:
            assert value == dataset.PixelData


def test_fragments_are_what_pydicom_reads(dicom):
    data = dicom("jpeg_ls_cine")
    pixels = read(data).elements[-1]
    count, offsets = parse_fragments(data[pixels.value_offset : pixels.value_end])
    assert len(pixels.fragments) == count == 4  # the offset table and three frames
    assert [start - 8 - pixels.value_offset for start, _ in pixels.fragments] == offsets


@pytest.mark.parametrize("name", [
    "examples_rgb_color.dcm", "US1_UNCI.dcm", "US1_J2KI.dcm", "OBXXXX1A_rle_2frame.dcm",
    "color3d_jpeg_baseline.dcm",
])  # fmt: skip
def test_the_structure_of_a_real_object_is_what_pydicom_reads(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    data = Path(path).read_bytes()
    same_structure(read(data).elements, pydicom.dcmread(path))


@pytest.mark.parametrize("name", ["gdcm-US-ALOKA-16.dcm", "gdcm-US-ALOKA-16_big.dcm",
                                  "ExplVR_BigEnd.dcm", "image_dfl.dcm"])  # fmt: skip
def test_implicit_big_endian_and_deflated_are_refused_with_the_remedy(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip("pydicom-data is not installed")
    with pytest.raises(DataDamagedError, match="transcode"):
        read(Path(path).read_bytes())


@pytest.mark.parametrize("data", [b"", b"DICM", bytes(200), b"\0" * 128 + b"DICOM"])
def test_what_is_no_dicom_file_is_refused(data):
    with pytest.raises(DataDamagedError):
        read(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (LEAF + LEAF, "repeated or out of ascending order"),
        (encode_element(0x00100020, "LO", b"") + encode_element(0x00080005, "CS", b""),
         "ascending"),
        (encode_element(0x00020010, "UI", b"1.2"), "not of a composite object"),
        (encode_element(0x00041130, "CS", b"A"), "not of a composite object"),
        (LEAF[:-1], "beyond the end"),
        (LEAF[:6], "cut"),
        (LEAF[:3], "cut"),
        (LEAF.replace(b"LO", b"ZZ"), "no VR"),
        (LEAF.replace(b"LO", b"lo"), "no VR"),
        (struct.pack("<HH2sH", 0x10, 0x20, b"LO", 1) + b"a", "odd length"),
        (struct.pack("<HH2sHI", 0x11, 0x1001, b"OB", 1, 0), "reserved bytes"),
        (struct.pack("<HH2sHI", 0x11, 0x1001, b"OB", 0, 0xFFFFFFFF), "undefined length"),
        (struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF), "undefined length"),
        (struct.pack("<HH2sHI", 0x11, 0x1001, b"OB", 0, 0xFFFFFFFE), "beyond the end"),
        (DELIMITED, "not closed"),
        (DELIMITED + ITEM_OPEN, "not closed"),
        (DELIMITED + ITEM_OPEN + ITEM_CLOSE, "not closed"),
        (DELIMITED + ITEM_OPEN + LEAF + SEQUENCE_CLOSE, "out of place"),
        (DELIMITED + LEAF, "no item"),
        (DELIMITED + SEQUENCE_CLOSE[:-1] + b"\x01", "delimiter has a length"),
        (DELIMITED + ITEM_OPEN + ITEM_CLOSE[:-1] + b"\x01" + SEQUENCE_CLOSE, "has a length"),
        (encode_sequence(PRIVATE_SQ, [LEAF]), "no item"),
        (encode_sequence(PRIVATE_SQ, [encode_item(LEAF)[:-2]]), "beyond the end"),
        (ITEM_OPEN, "out of place"),
        (encode_element(0x00110000, "LO", b"abcd"), "group length"),
        (encode_element(0x00110000, "UL", bytes(8)), "group length"),
        (encode_sequence(0x00110000, [encode_item(LEAF)]), "group length"),
        (encode_element(0x00080001, "OB", bytes(4)), "group length"),
        (encode_sequence(0xFFFCFFFC, [encode_item(LEAF)]), "padding"),
    ],
)  # fmt: skip
def test_what_readers_would_guess_about_is_refused_with_its_place(data, reason):
    with pytest.raises(DataDamagedError, match=reason) as caught:
        read_data_set(data)
    assert "offset" in str(caught.value)


def test_sequences_of_both_length_encodings_are_read():
    inner = encode_sequence(PRIVATE_SQ, [encode_item(LEAF), encode_item(b"")])
    outer = DELIMITED + ITEM_OPEN + inner + ITEM_CLOSE + ITEM_OPEN + ITEM_CLOSE + SEQUENCE_CLOSE
    _, elements = read_data_set(outer)
    first, second = elements[0].items
    assert elements[0].end == len(outer)
    assert second.elements == ()
    assert [len(i.elements) for i in first.elements[0].items] == [1, 0]


def test_unknown_of_undefined_length_is_followed_in_implicit_vr():
    implicit = struct.pack("<HHI", 0x10, 0x20, 2) + b"ab"
    nested = struct.pack("<HHI", 0x11, 0x1002, 0xFFFFFFFF) + ITEM_OPEN + implicit + ITEM_CLOSE
    value = ITEM_OPEN + nested + SEQUENCE_CLOSE + ITEM_CLOSE + SEQUENCE_CLOSE
    data = DELIMITED.replace(b"SQ", b"UN") + value + encode_element(0x00120010, "LO", b"ab")
    _, elements = read_data_set(data)
    assert [e.tag for e in elements] == [PRIVATE_SQ, 0x00120010]
    assert elements[0].holds_unknown
    with pytest.raises(DataDamagedError):
        read_data_set(data[: 12 + len(value) - 8])


def test_unknown_is_seen_at_any_depth():
    unknown = encode_element(0x00131001, "UN", b"ab")
    deep = encode_sequence(PRIVATE_SQ, [encode_item(b""), encode_item(unknown)])
    for _ in range(5):
        deep = encode_sequence(PRIVATE_SQ, [encode_item(LEAF + deep)])
    _, (element,) = read_data_set(deep)
    assert element.holds_unknown
    _, (element,) = read_data_set(encode_sequence(PRIVATE_SQ, [encode_item(LEAF)]))
    assert not element.holds_unknown


@pytest.mark.parametrize("delimited", [False, True])
def test_sequences_nest_to_the_limit_and_no_deeper(delimited):
    def nest(depth):
        data = b""
        for _ in range(depth):
            data = (
                DELIMITED + ITEM_OPEN + data + ITEM_CLOSE + SEQUENCE_CLOSE
                if delimited
                else encode_sequence(PRIVATE_SQ, [encode_item(data)])
            )
        return data

    read_data_set(nest(dicom_elements.MAX_DEPTH))
    with pytest.raises(DataDamagedError, match="nested deeper"):
        read_data_set(nest(dicom_elements.MAX_DEPTH + 1))
    with pytest.raises(DataDamagedError, match="nested deeper"):
        read_data_set((DELIMITED + ITEM_OPEN) * 100_000)


def test_elements_items_and_fragments_are_counted_together(monkeypatch, dicom):
    monkeypatch.setattr(dicom_elements, "MAX_ELEMENTS", 40)
    many = encode_sequence(PRIVATE_SQ, [encode_item(b"")] * 39)
    read_data_set(many)
    with pytest.raises(DataDamagedError, match="more than 40 elements"):
        read_data_set(encode_sequence(PRIVATE_SQ, [encode_item(b"")] * 40))
    data = dicom("jpeg_ls_cine")
    fragments = ITEM_OPEN[:4] + bytes(4)
    at = data.rindex(SEQUENCE_CLOSE)
    with pytest.raises(DataDamagedError, match="more than 40 elements"):
        read(data[:at] + fragments * 40 + data[at:])


def test_a_wrong_length_of_the_file_meta_is_refused(dicom):
    data = bytearray(dicom())
    data[140] ^= 2
    with pytest.raises(DataDamagedError, match="contradicts"):
        read(bytes(data))


def test_a_missing_transfer_syntax_is_refused(dicom):
    data = dicom().replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x11\x00UI")
    with pytest.raises(DataDamagedError, match="TransferSyntaxUID"):
        read(data)


@pytest.mark.parametrize("last", ["94", "95", "99", "1.99", "2"])
def test_syntaxes_whose_pixels_are_elsewhere_or_deflated_are_refused(dicom, last):
    uid = "1.2.840.10008.1.2." + (last if last in ("1.99", "2") else f"4.{last}")
    known = read(dicom("jpeg_ls_cine")).transfer_syntax_uid
    data = dicom("jpeg_ls_cine").replace(known.encode(), uid.encode().ljust(len(known), b"\0"))
    if uid == "1.2.840.10008.1.2.4.99":
        assert read(data).transfer_syntax_uid == uid
        return
    with pytest.raises(DataDamagedError, match="transcode"):
        read(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_the_typed_error(data):
    try:
        _, elements = read_data_set(data)
    except DataDamagedError:
        return
    assert (elements[-1].end if elements else 0) == len(data)


def test_random_structures_raise_nothing_but_the_typed_error():
    choice = random.Random(11)
    parts = [DELIMITED, ITEM_OPEN, ITEM_CLOSE, SEQUENCE_CLOSE, LEAF, LEAF[:5], encode_item(LEAF)]
    parts += [DELIMITED.replace(b"SQ", b"UN"), encode_sequence(0x00121001, [encode_item(b"")])]
    n_read = 0
    for _ in range(4000):
        data = b"".join(choice.choices(parts, k=choice.randrange(1, 9)))
        try:
            read_data_set(data)
            n_read += 1
        except DataDamagedError:
            pass
    assert n_read > 20


def test_the_group_lengths_of_the_builder_are_there(dicom):
    found = [e.tag for e in read(dicom("group_lengths")).elements]
    assert {0x00080000, 0x00100000, 0xFFFCFFFC} <= set(found)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (encode_element(0x00020001, "OB", b"ab"), "out of ascending order"),
        (encode_sequence(0x0002FFF0, [encode_item(b"")]), "a sequence in the file meta"),
        (encode_element(0x0002FFF0, "OB", bytes(2 << 20)) + encode_element(0x0002FFF1, "LO", b""),
         "too long"),
    ],
)  # fmt: skip
def test_a_strange_file_meta_is_refused(dicom, extra, reason):
    data = dicom()
    at = read(data).elements[0].offset
    with pytest.raises(DataDamagedError, match=reason):
        read(data[:at] + extra + data[at:])
