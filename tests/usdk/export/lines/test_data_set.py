from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread

from usdk.errors import DataDamagedError
from usdk.export.lines.data_set import data_set_bytes, same_data_set
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom


def _pieces(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("size", [1, 7, 131, 133, 65536])
def test_the_data_set_begins_where_the_strict_reader_finds_it(signed_file, size):
    content = signed_file.read_bytes()
    start = read_dicom(MemorySource(content)).elements[0].offset
    pieces = [*_pieces(content[:4096], size), content[4096:]]
    assert b"".join(data_set_bytes(pieces)) == content[start:]


def test_meta_information_of_another_writer_is_skipped(signed_file, tmp_path):
    dataset = dcmread(signed_file)
    dataset.file_meta.ImplementationVersionName = "OTHER"
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3"
    dataset.file_meta.PrivateInformation = b"x" * 5000
    dataset.save_as(tmp_path / "other.dcm", enforce_file_format=True)
    ours, theirs = signed_file.read_bytes(), (tmp_path / "other.dcm").read_bytes()
    assert ours != theirs
    assert same_data_set(data_set_bytes([ours]), data_set_bytes(_pieces(theirs, 999)))


@pytest.mark.parametrize("content", [b"", b"x" * 500, b"\0" * 128 + b"DICM", b"\0" * 128 + b"DI"])
def test_what_is_no_file_is_said(content):
    with pytest.raises(DataDamagedError):
        list(data_set_bytes([content]))


def test_meta_information_without_end_is_refused():
    head = b"\0" * 128 + b"DICM" + b"\x02\x00\x02\x01OB\0\0" + (2**31).to_bytes(4, "little")
    with pytest.raises(DataDamagedError, match="too long"):
        list(data_set_bytes([head, *[b"x" * 65536] * 40]))


@given(st.binary(max_size=50), st.integers(1, 9), st.integers(1, 9))
def test_equal_however_they_are_cut(content, one, other):
    assert same_data_set(_pieces(content, one), [b"", *_pieces(content, other), b""])


@given(st.binary(max_size=50), st.binary(max_size=50), st.integers(1, 9))
def test_same_means_equal(one, other, size):
    assert same_data_set(_pieces(one, size), [other]) is (one == other)
    assert same_data_set([one], _pieces(other, size)) is (one == other)
