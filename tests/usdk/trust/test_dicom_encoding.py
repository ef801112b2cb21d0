from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence, encode_tags


def by_pydicom(tag, vr, value):
    ds = Dataset()
    ds.add_new(tag, vr, value)
    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, False
    write_dataset(file, ds)
    return file.getvalue()


@pytest.mark.parametrize(
    ("tag", "vr", "value", "encoded"),
    [
        (0x04000005, "US", 513, b"\x01\x02"),
        (0x04000100, "UI", "1.2.3", b"1.2.3"),
        (0x04000100, "UI", "1.2.34", b"1.2.34"),
        (0x04000110, "CS", "ABC", b"ABC"),
        (0x04000120, "OB", b"abc", b"abc"),
        (0x00080104, "LO", "odd", b"odd"),
        (0x00080104, "LO", "", b""),
        (0x04000020, "AT", [0x00080018, 0x7FE00010], encode_tags([0x00080018, 0x7FE00010])),
    ],
)
def test_elements_are_as_pydicom_writes_them(tag, vr, value, encoded):
    assert encode_element(tag, vr, encoded) == by_pydicom(tag, vr, value)


def test_sequences_are_as_pydicom_writes_them():
    item = Dataset()
    item.CodeValue = "14"
    content = encode_element(0x00080100, "SH", b"14")
    mine = encode_sequence(0x04000401, [encode_item(content), encode_item(b"")])
    assert mine == by_pydicom(0x04000401, "SQ", [item, Dataset()])
