"""Sign a DICOM file (PS3.15 Annex C, PS3.3 C.12.1.1.3) without changing one byte of its content."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from usdk.errors import ArgumentError, DataDamagedError, NotTrustedError, StateError
from usdk.files import atomic_file
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource, FileSource
from usdk.trust.certificate_trust import certificate_problems, parse_certificate
from usdk.trust.dicom_elements import read_data_set, read_dicom
from usdk.trust.dicom_encoding import encode_element, encode_item, encode_sequence, encode_tags
from usdk.trust.dicom_structure import EXPLICIT_VR_LITTLE_ENDIAN, DicomFile, Element
from usdk.trust.dicom_verification import MAX_SIGNATURES
from usdk.trust.mac_stream import is_outside, is_signable, signed_bytes
from usdk.trust.signature_check import (
    CERTIFICATE_TYPE,
    SignedScope,
    check_signature,
    sequence_items,
)
from usdk.trust.signature_profile import Profile, unmet_tags
from usdk.trust.signature_purpose import CODING_SCHEME, purpose_meaning
from usdk.trust.signer import DIGEST_SIZES, Signer

__all__ = ["sign_dicom"]

_MAX_SIGNED_TAGS = 0xFFFE // 4
"""Tags that fit the two-byte length of DataElementsSigned."""

_MAX_MAC_ID = 0xFFFF


def sign_dicom(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    signer: Signer,
    *,
    profile: Profile = "CREATOR",
    algorithm: str = "SHA256",
    purpose: int | None = None,
    allow_uncovered: bool = False,
) -> str:
    """Write a copy of a DICOM file with one more digital signature, over all that can be signed.

    The signature's two sequences are inserted at their places in the order of tags; every other
    byte stays as it is. The copy is read back and its signature checked before it appears under
    ``path_out``, at once and whole; the two paths may be the same. Memory does not grow with the
    length of the pixel data.

    Parameters
    ----------
    path_in, path_out : path-like
        A file in Explicit VR Little Endian, native or encapsulated, and where the copy goes.
    signer : Signer
        RSA key and certificate; the certificate must assert digitalSignature and be valid now.
    profile : {"CREATOR", "BASE"}
        Creator or Base RSA Digital Signature Profile (PS3.15 C.2, C.1).
    algorithm : {"SHA256", "SHA384", "SHA512"}
        Digest.
    purpose : int, optional
        Code from 1 to 18 of PS3.16 CID 7007, for example 14, "Source Signature".
    allow_uncovered : bool
        Sign although elements of VR UN, or sequences that hold one, stay outside the signature
        and `verify_dicom` refuses them by default.

    Returns
    -------
    str
        DigitalSignatureUID of the new signature.

    Raises
    ------
    DataDamagedError
        The input is no such file.
    ArgumentError
        An option is not one of those above, an element cannot be signed, or the profile's
        attributes are missing.
    NotTrustedError
        The certificate may not sign, or the signer's answer does not fit its certificate.
    StateError
        The file has as many signatures as it may have.
    StorageError
        A file cannot be read or written.
    """
    if algorithm not in DIGEST_SIZES:
        raise ArgumentError(f"algorithm must be one of {', '.join(DIGEST_SIZES)}")
    now = datetime.now(UTC)
    problems = certificate_problems(parse_certificate(signer.certificate_der), now)
    if problems:
        raise NotTrustedError("; ".join(problems) + ": sign with another certificate")
    with FileSource(path_in) as source:
        file = read_dicom(source)
        signed = _elements_to_sign(file, profile, allow_uncovered)
        mac_id = _free_mac_id(file)
        uid = f"2.25.{uuid.uuid4().int}"
        described = _describe(mac_id, uid, now, purpose)
        digest = hashlib.new(algorithm)
        # The certificate, which comes between, is not signed: tags need not be joined for this.
        described_source, described_elements = read_data_set(b"".join(described))
        for piece in signed_bytes(source, signed, described_source, described_elements):
            digest.update(piece)
        signature = signer.sign_digest(digest.digest(), algorithm)
        mac_item = _mac_item(file, mac_id, algorithm, signed)
        signature_item = encode_item(
            b"".join(
                (
                    described[0],
                    encode_element(tags.CERTIFICATE_OF_SIGNER, "OB", signer.certificate_der),
                    encode_element(tags.SIGNATURE, "OB", signature),
                    described[1],
                )
            )
        )
        with atomic_file(path_out) as (copy, temporary):
            for piece in _with_signature(file, mac_item, signature_item):
                copy.write(piece)
            copy.flush()
            with FileSource(temporary) as written:
                _require_signature(written, uid)
    return uid


def _elements_to_sign(file: DicomFile, profile: Profile, allow_uncovered: bool) -> list[Element]:
    signed = [e for e in file.elements if is_signable(e)]
    left_out = [e.tag for e in file.elements if not is_signable(e) and not is_outside(e.tag)]
    if left_out and not allow_uncovered:
        raise ArgumentError(
            f"elements cannot be signed, as they are or hold VR UN: {tags.name_tags(left_out)};"
            " give them their VR (dcmconv +uc) or remove them, or allow_uncovered=True"
        )
    present = [e.tag for e in file.elements if not is_outside(e.tag)]
    unmet = unmet_tags(profile, present, [e.tag for e in signed])
    if unmet:
        raise ArgumentError(
            f"the {profile} profile needs these elements signed: {tags.name_tags(unmet)};"
            " add them, or sign with profile='BASE'"
        )
    if not signed:
        raise ArgumentError("the data set holds nothing that can be signed")
    if len(signed) > _MAX_SIGNED_TAGS:
        raise ArgumentError(f"more than {_MAX_SIGNED_TAGS} top-level elements cannot be listed")
    return signed


def _free_mac_id(file: DicomFile) -> int:
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


def _describe(mac_id: int, uid: str, now: datetime, purpose: int | None) -> tuple[bytes, bytes]:
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


def _mac_item(file: DicomFile, mac_id: int, algorithm: str, signed: Iterable[Element]) -> bytes:
    syntax = file.transfer_syntax_uid if file.is_encapsulated else EXPLICIT_VR_LITTLE_ENDIAN
    return encode_item(
        encode_element(tags.MAC_ID_NUMBER, "US", mac_id.to_bytes(2, "little"))
        + encode_element(tags.MAC_CALCULATION_TRANSFER_SYNTAX_UID, "UI", syntax.encode())
        + encode_element(tags.MAC_ALGORITHM, "CS", algorithm.encode())
        + encode_element(tags.DATA_ELEMENTS_SIGNED, "AT", encode_tags(e.tag for e in signed))
    )


def _with_signature(file: DicomFile, mac_item: bytes, signature_item: bytes) -> Iterator[bytes]:
    """Yield the bytes of the file with one more item in each of the two sequences."""
    new_items = {
        tags.MAC_PARAMETERS_SEQUENCE: mac_item,
        tags.DIGITAL_SIGNATURES_SEQUENCE: signature_item,
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


def _require_signature(source: ByteSource, uid: str) -> None:
    """Check the signature in what was written: a signer may hold another key than it says."""
    file = read_dicom(source)
    scope = SignedScope("", file.elements)
    report, _ = check_signature(file, scope, scope.signatures[-1])
    if report.signature_uid != uid or not report.is_valid:
        raise NotTrustedError(
            f"the new signature does not hold ({'; '.join(report.problems)}): check that the"
            " signer's key and certificate are a pair, and that nothing else writes to the input"
        )
