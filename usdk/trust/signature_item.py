"""The two sequence items that make one signature: what they say, read strictly.

Neither item is wholly under the signature (the MAC parameters are not at all), so each attribute
must have its own VR, one value, and the padding of PS3.5 and no other.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from usdk.errors import NotTrustedError
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource
from usdk.trust.dicom_structure import Element, Item, find_element
from usdk.trust.dicom_tags import name_tag

__all__ = [
    "MAX_ATTRIBUTE_BYTES",
    "TIMESTAMP_TYPE",
    "MacParameters",
    "SignatureItem",
    "read_mac_parameters",
]

TIMESTAMP_TYPE = "CMS_TSP"
"""Defined term of a time stamp by RFC 3161 (PS3.3 C.12.1.1.3.1.3)."""

MAX_ATTRIBUTE_BYTES = 1 << 20
"""Longest attribute of a signature that is read, the certificate included."""

_DATE_TIME = re.compile(r"(\d{14})(?:\.(\d{1,6}))?(?:([+-])(\d{2})(\d{2}))?")


@dataclass(frozen=True, slots=True)
class MacParameters:
    """One item of the MAC Parameters Sequence (PS3.3 C.12.1.1.3.1.1)."""

    mac_id: int
    transfer_syntax_uid: str
    algorithm: str
    signed_tags: tuple[int, ...]


def read_mac_parameters(source: ByteSource, items: Iterable[Item], mac_id: int) -> MacParameters:
    """Return the one item with ``mac_id``; raise `NotTrustedError` unless there is exactly one."""
    found = [
        item
        for item in items
        if _number(_value(source, item.elements, tags.MAC_ID_NUMBER, "US")) == mac_id
    ]
    if len(found) != 1:
        raise NotTrustedError(
            f"{len(found)} items of {name_tag(tags.MAC_PARAMETERS_SEQUENCE)} have the"
            f" signature's MACIDNumber {mac_id}, and exactly one must"
        )
    elements = found[0].elements
    listed = _value(source, elements, tags.DATA_ELEMENTS_SIGNED, "AT")
    if len(listed) % 4:
        raise NotTrustedError(f"{name_tag(tags.DATA_ELEMENTS_SIGNED)} is not a list of tags")
    signed = tuple(group << 16 | element for group, element in struct.iter_unpack("<HH", listed))
    if not signed or any(later <= tag for tag, later in pairwise(signed)):
        raise NotTrustedError(
            f"{name_tag(tags.DATA_ELEMENTS_SIGNED)} is empty, repeats a tag or is not ascending"
        )
    return MacParameters(
        mac_id,
        _text(source, elements, tags.MAC_CALCULATION_TRANSFER_SYNTAX_UID, "UI"),
        _text(source, elements, tags.MAC_ALGORITHM, "CS"),
        signed,
    )


class SignatureItem:
    """One item of the Digital Signatures Sequence (PS3.3 C.12.1.1.3.1).

    Each method reads one attribute, and raises `NotTrustedError` where it is absent or malformed.
    """

    def __init__(self, source: ByteSource, item: Item) -> None:
        self.source = source
        self.elements = item.elements

    def mac_id(self) -> int:
        """MACIDNumber, which names the item of the MAC Parameters Sequence."""
        return _number(_value(self.source, self.elements, tags.MAC_ID_NUMBER, "US"))

    def signature_uid(self) -> str:
        """DigitalSignatureUID."""
        return _text(self.source, self.elements, tags.DIGITAL_SIGNATURE_UID, "UI")

    def certificate_type(self) -> str:
        """CertificateType, a defined term."""
        return _text(self.source, self.elements, tags.CERTIFICATE_TYPE, "CS")

    def certificate_der(self) -> bytes:
        """CertificateOfSigner without its padding."""
        value = _value(self.source, self.elements, tags.CERTIFICATE_OF_SIGNER, "OB")
        return _unpadded(value, _der_length(value), tags.CERTIFICATE_OF_SIGNER)

    def signature(self, n_bytes: int | None) -> bytes:
        """Signature of ``n_bytes``, the modulus' length, or of the DER's own, without padding."""
        value = _value(self.source, self.elements, tags.SIGNATURE, "OB")
        length = _der_length(value) if n_bytes is None else n_bytes
        return _unpadded(value, length, tags.SIGNATURE)

    def timestamp(self) -> bytes | None:
        """CertifiedTimestamp without its padding, or None where there is none."""
        kind = find_element(self.elements, tags.CERTIFIED_TIMESTAMP_TYPE)
        if kind is None and find_element(self.elements, tags.CERTIFIED_TIMESTAMP) is None:
            return None
        if _text(self.source, self.elements, tags.CERTIFIED_TIMESTAMP_TYPE, "CS") != TIMESTAMP_TYPE:
            raise NotTrustedError(
                f"{name_tag(tags.CERTIFIED_TIMESTAMP_TYPE)} is not {TIMESTAMP_TYPE}"
            )
        value = _value(self.source, self.elements, tags.CERTIFIED_TIMESTAMP, "OB")
        return _unpadded(value, _der_length(value), tags.CERTIFIED_TIMESTAMP)

    def signed_at(self) -> datetime:
        """DigitalSignatureDateTime; without an offset it is taken as UTC."""
        text = _text(self.source, self.elements, tags.DIGITAL_SIGNATURE_DATE_TIME, "DT")
        match = _DATE_TIME.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            zone = UTC
            if match[3]:
                offset = timedelta(hours=int(match[4]), minutes=int(match[5]))
                zone = timezone(offset if match[3] == "+" else -offset)
            moment = datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=zone)
            microsecond = int((match[2] or "0").ljust(6, "0"))
            return moment.replace(microsecond=microsecond).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise NotTrustedError(
                f"{name_tag(tags.DIGITAL_SIGNATURE_DATE_TIME)} is no date and time to the second"
            ) from error

    def purpose(self) -> str | None:
        """CodeValue of DigitalSignaturePurposeCodeSequence, or None where it is absent."""
        tag = tags.DIGITAL_SIGNATURE_PURPOSE_CODE_SEQUENCE
        element = find_element(self.elements, tag)
        if element is None:
            return None
        if element.items is None or len(element.items) != 1:
            raise NotTrustedError(f"{name_tag(tag)} has not exactly one item")
        return _text(self.source, element.items[0].elements, tags.CODE_VALUE, "SH")


def _value(source: ByteSource, elements: Iterable[Element], tag: int, vr: str) -> bytes:
    element = find_element(elements, tag)
    if element is None or element.vr != vr.encode():
        raise NotTrustedError(f"{name_tag(tag)} is absent or not of VR {vr}")
    if element.n_bytes > MAX_ATTRIBUTE_BYTES:
        raise NotTrustedError(f"{name_tag(tag)} is longer than {MAX_ATTRIBUTE_BYTES} bytes")
    return source.read(element.value_offset, element.n_bytes)


def _text(source: ByteSource, elements: Iterable[Element], tag: int, vr: str) -> str:
    value = _value(source, elements, tag, vr)
    text = value.removesuffix(b"\0" if vr == "UI" else b" ")
    if not text or not text.isascii() or not text.decode("ascii").isprintable():
        raise NotTrustedError(f"{name_tag(tag)} is empty or not plain text")
    return text.decode("ascii")


def _number(value: bytes) -> int:
    if len(value) != 2:
        raise NotTrustedError(f"{name_tag(tags.MAC_ID_NUMBER)} is not one number")
    return int.from_bytes(value, "little")


def _der_length(value: bytes) -> int:
    """Return the length that DER itself claims: tag, length octets and content."""
    if len(value) < 2:
        return 0
    if value[1] < 0x80:
        return 2 + value[1]
    n_octets = value[1] & 0x7F
    return 2 + n_octets + int.from_bytes(value[2 : 2 + n_octets], "big")


def _unpadded(value: bytes, n_bytes: int, tag: int) -> bytes:
    if value[n_bytes:] != b"\0" * (n_bytes % 2) or len(value) < n_bytes:
        raise NotTrustedError(f"{name_tag(tag)} has not the length that its content asks for")
    return value[:n_bytes]
