from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.errors import NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust.dicom_elements import read_data_set
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence
from usdk.trust.signature_item import SignatureItem


def item_of(*elements):
    data = encode_sequence(0x00111001, [encode_item(b"".join(elements))])
    source, (sequence,) = read_data_set(data)
    return SignatureItem(source, sequence.items[0])


def signed_at(text):
    return item_of(
        encode_element(tags.DIGITAL_SIGNATURE_DATE_TIME, "DT", text.encode())
    ).signed_at()


@settings(deadline=None)
@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    st.integers(-12 * 60, 14 * 60),
)
def test_a_date_time_is_read_as_pythons_own_formatting_writes_it(moment, offset):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert signed_at(moment.strftime("%Y%m%d%H%M%S.%f%z")) == moment
    assert signed_at(moment.strftime("%Y%m%d%H%M%S%z")) == moment.replace(microsecond=0)


def test_a_date_time_without_an_offset_is_utc_and_its_fraction_may_be_short():
    expected = datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC)
    assert signed_at("20260102030405.12") == expected


@pytest.mark.parametrize(
    "text",
    ["", "2026", "202601020304", "20260102030460", "20260102030405+", "20260102030405.1234567",
     "20260102030405+2500", "00000101000000", "99991231235959-1200", "20260102030405 +0000",
     "20260102030405.", "2026010203040x", "٢٠٢٦٠١٠٢٠٣٠٤٠٥"],
)  # fmt: skip
def test_what_is_no_date_time_is_refused(text):
    with pytest.raises(NotTrustedError):
        signed_at(text)


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (b"0\x02ab", True),
        (b"0\x01a\0", True),
        (b"0\x01a\x01", False),
        (b"0\x02ab\0\0", False),
        (b"0\x04ab", False),
        (b"0\x81\x02ab\0", True),
        (b"0\xff\xff\xff", False),
        (b"", True),  # refused as a certificate, not for its length
    ],
)
def test_padding_is_one_null_or_none(value, good):
    item = item_of(encode_element(tags.CERTIFICATE_OF_SIGNER, "OB", value))
    if good:
        assert item.certificate_der() in (value, value[:-1])
    else:
        with pytest.raises(NotTrustedError, match="length"):
            item.certificate_der()


@pytest.mark.parametrize("vr", ["OW", "OF", "UN", "UT"])
def test_another_vr_is_refused(vr):
    item = item_of(encode_element(tags.SIGNATURE, vr, bytes(256)))
    with pytest.raises(NotTrustedError, match="not of VR OB"):
        item.signature(256)


@pytest.mark.parametrize("value", [b"1.2\0\0\0", b"1.2 ", b"1\x002.", b"\xc3\xa4", b""])
def test_a_uid_with_other_padding_or_bytes_is_refused(value):
    item = item_of(encode_element(tags.DIGITAL_SIGNATURE_UID, "UI", value))
    if value == b"1.2 ":
        assert item.signature_uid() == "1.2 "  # never equal to a UID
    else:
        with pytest.raises(NotTrustedError):
            item.signature_uid()
