"""The bytes that a signature adds to a file, and the file with them: nothing else changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from usdk.errors import DataDamagedError, StateError
from usdk.trust import dicom_tags as tags
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence, encode_tags
from usdk.trust.dicom_structure import DicomFile, Element
from usdk.trust.signature_check import CERTIFICATE_TYPE, MAX_SIGNATURES, sequence_items
from usdk.trust.signature_item import TIMESTAMP_TYPE
from usdk.trust.signature_purpose import CODING_SCHEME, purpose_meaning

__all__ = ["describe", "free_mac_id", "mac_item", "signature_item", "with_signature"]

_MAX_MAC_ID = 0xFFFF


def free_mac_id(file: DicomFile) -> int:
    """Return the lowest MACIDNumber that no signature of the object has."""
    if len(sequence_items(file.elements, tags.DIGITAL_SIGNATURES_SEQUENCE)) >= MAX_SIGNATURES:
        raise StateError(f"the file has {MAX_SIGNATURES} signatures: remove those not needed")
    used = set()
    for tag in (tags.MAC_PARAMETERS_SEQUENCE, tags.DIGITAL_SIGNATURES_SEQUENCE):
        if any(e.tag == tag and e.items is None for e in file.elements):
            raise DataDamagedError(f"{tags.name_tag(tag)} is not a sequence; re-encode the file")
        for item in sequence_items(file.elements, tag):
            for element in item.elements:
                if element.tag == tags.MAC_ID_NUMBER and element.value_end > element.value_offset:
                    used.add(int.from_bytes(file.source.read(element.value_offset, 2), "little"))
    return next(number for number in range(_MAX_MAC_ID + 1) if number not in used)


def describe(mac_id: int, uid: str, now: datetime, purpose: int | None) -> tuple[bytes, bytes]:
    """Return the signature item's own signed elements: before the certificate, and after it."""
    before = (
        encode_element(tags.MAC_ID_NUMBER, "US", mac_id.to_bytes(2, "little"))
        + encode_element(tags.DIGITAL_SIGNATURE_UID, "UI", uid.encode())
        # UTC, because some readers compare it with the certificate's validity and skip the offset.
        + encode_element(
            tags.DIGITAL_SIGNATURE_DATE_TIME, "DT", now.strftime("%Y%m%d%H%M%S.%f+0000").encode()
        )
        + encode_element(tags.CERTIFICATE_TYPE, "CS", CERTIFICATE_TYPE.encode())
    )
    if purpose is None:
        return before, b""
    code = (
        encode_element(tags.CODE_VALUE, "SH", str(purpose).encode())
        + encode_element(tags.CODING_SCHEME_DESIGNATOR, "SH", CODING_SCHEME.encode())
        + encode_element(tags.CODE_MEANING, "LO", purpose_meaning(purpose).encode())
    )
    sequence = tags.DIGITAL_SIGNATURE_PURPOSE_CODE_SEQUENCE
    return before, encode_sequence(sequence, [encode_item(code)])


def signature_item(
    described: tuple[bytes, bytes], certificate_der: bytes, signature: bytes, token: bytes | None
) -> bytes:
    """Return the item of the Digital Signatures Sequence."""
    before, after = described
    stamp = b""
    if token is not None:
        stamp = encode_element(tags.CERTIFIED_TIMESTAMP_TYPE, "CS", TIMESTAMP_TYPE.encode())
        stamp += encode_element(tags.CERTIFIED_TIMESTAMP, "OB", token)
    certificate = encode_element(tags.CERTIFICATE_OF_SIGNER, "OB", certificate_der)
    value = encode_element(tags.SIGNATURE, "OB", signature)
    return encode_item(before + certificate + value + stamp + after)


def mac_item(mac_id: int, syntax: str, algorithm: str, signed: Iterable[Element]) -> bytes:
    """Return the item of the MAC Parameters Sequence."""
    return encode_item(
        encode_element(tags.MAC_ID_NUMBER, "US", mac_id.to_bytes(2, "little"))
        + encode_element(tags.MAC_CALCULATION_TRANSFER_SYNTAX_UID, "UI", syntax.encode())
        + encode_element(tags.MAC_ALGORITHM, "CS", algorithm.encode())
        + encode_element(tags.DATA_ELEMENTS_SIGNED, "AT", encode_tags(e.tag for e in signed))
    )


def with_signature(file: DicomFile, mac: bytes, signature: bytes) -> Iterator[bytes]:
    """Yield the bytes of the file with one more item in each of the two sequences."""
    new_items = {
        tags.MAC_PARAMETERS_SEQUENCE: mac,
        tags.DIGITAL_SIGNATURES_SEQUENCE: signature,
    }
    # The lengths of groups that grow; both are retired and optional (PS3.5 section 7.2).
    dropped = {tag & 0xFFFF0000 for tag in new_items}
    done = 0
    for element in file.elements:
        for tag in [tag for tag in new_items if tag <= element.tag]:
            yield from file.source.chunks(done, element.offset)
            done = element.offset
            old = b""
            if tag == element.tag:
                items = element.items or ()
                old = b"".join(file.source.read(i.offset, i.end - i.offset) for i in items)
                done = element.end
            yield encode_sequence(tag, [old, new_items.pop(tag)])
        if element.tag in dropped:
            yield from file.source.chunks(done, element.offset)
            done = element.end
    yield from file.source.chunks(done, file.source.size)
    for tag, item in new_items.items():
        yield encode_sequence(tag, [item])
