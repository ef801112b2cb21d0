"""Sign a DICOM file (PS3.15 Annex C, PS3.3 C.12.1.1.3) without changing one byte of its content."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from usdk.errors import ArgumentError, NotTrustedError
from usdk.files import atomic_file
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource, FileSource
from usdk.trust.certificate_trust import certificate_problems, parse_certificate
from usdk.trust.codestream import transfer_syntax_problem
from usdk.trust.cryptography_extra import rsa
from usdk.trust.dicom_elements import read_data_set, read_dicom
from usdk.trust.dicom_structure import EXPLICIT_VR_LITTLE_ENDIAN, DicomFile, Element
from usdk.trust.frame_digests import (
    FrameDecoder,
    changed_by_transcoding,
    compare_frames,
    find_frame_digests,
    read_frame_digests,
)
from usdk.trust.frame_layout import require_plain_layout
from usdk.trust.mac_stream import is_outside, is_signable, signed_bytes
from usdk.trust.signature_check import SignedScope, check_signature, holds_fragments
from usdk.trust.signature_insertion import (
    describe,
    free_mac_id,
    mac_item,
    signature_item,
    with_signature,
)
from usdk.trust.signature_profile import Profile, unmet_tags
from usdk.trust.signer import Signer, require_algorithm
from usdk.trust.timestamp import TimeStamper, stamp_signature
from usdk.trust.unsigned_parts import unsigned_content

__all__ = ["sign_dicom", "sign_frame_digests"]

_MAX_SIGNED_TAGS = 0xFFFE // 4
"""Tags that fit the two-byte length of DataElementsSigned."""


def sign_dicom(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    signer: Signer,
    *,
    profile: Profile | None = "CREATOR",
    algorithm: str = "SHA256",
    purpose: int | None = None,
    time_stamper: TimeStamper | None = None,
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
        Key and certificate; the certificate must assert digitalSignature and be valid now.
    profile : {"CREATOR", "AUTHORIZATION", "BASE"} or None
        Creator, Authorization or Base RSA Digital Signature Profile (PS3.15 C.2, C.3, C.1); None
        for an elliptic-curve key, which PS3.15 has no profile for. Whatever it is, all that can be
        signed is. An earlier signature cannot be (PS3.3 C.12.1.1.3.1.1).
    algorithm : {"SHA256", "SHA384", "SHA512"}
        Digest.
    purpose : int, optional
        Code from 1 to 18 of PS3.16 CID 7007, for example 14, "Source Signature".
    time_stamper : callable, optional
        Takes the request for a time stamp over the signature (RFC 3161, DER) to an authority and
        returns its answer; see `usdk.trust.HttpTimeStamper`.
    allow_uncovered : bool
        Sign although elements of VR UN, sequences that hold one, a preamble, padding or more
        file meta information than usual stay outside the signature and `verify_dicom` refuses
        them by default.

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
        The certificate may not sign, the signer's answer does not fit its certificate, or the
        time-stamping authority's not the request.
    StateError
        The file has as many signatures as it may have.
    StorageError
        A file cannot be read or written.
    """

    def choose(file: DicomFile) -> tuple[list[Element], str]:
        _require_framed(file, allow_uncovered)
        return _all_elements(file, profile, allow_uncovered), _mac_syntax(file)

    is_rsa_only = profile is not None
    return _sign(path_in, path_out, signer, choose, is_rsa_only, algorithm, purpose, time_stamper)


def sign_frame_digests(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    signer: Signer,
    *,
    frame_decoder: FrameDecoder,
    algorithm: str = "SHA256",
    purpose: int | None = None,
    time_stamper: TimeStamper | None = None,
) -> str:
    """Add a signature that survives transcoding: over all but the pixels and how they are encoded.

    In place of the pixels it covers the SHA-256 of each decoded frame, which the object must
    carry as private element (5553,xx02) of creator ``USDK``; `usdk.write_dicom` puts it there. To
    be given beside `sign_dicom`, which covers the pixels as they lie in the file. It meets the
    Base RSA profile where the key is RSA. Other parameters and errors are those of `sign_dicom`.

    Parameters
    ----------
    frame_decoder : callable
        Takes the file, open for reading in binary, and yields the decoded pixels of each frame,
        as `usdk.dicom.decoded_frames` does: nothing is signed that was not compared.

    Raises
    ------
    NotTrustedError
        Also: a frame has not the digest that the object carries, or the frames do not lie one
        behind the other, compressed ones in one fragment each.
    ArgumentError
        Also: the object carries no frame digests, or holds compressed pixels in a sequence, which
        would be transcoded too.
    """
    if not callable(frame_decoder):
        raise ArgumentError("frame_decoder must be a function, such as usdk.dicom.decoded_frames")

    def choose(file: DicomFile) -> tuple[list[Element], str]:
        _require_framed(file, allow_uncovered=False)
        signed, digests = _elements_beside_pixels(file)
        expected = read_frame_digests(file.source, digests)
        require_plain_layout(file, len(expected))
        compare_frames(expected, frame_decoder(file.source.as_file()))
        # The bytes are the same in every syntax; dcmsign takes none that the file cannot be in.
        return signed, _mac_syntax(file)

    return _sign(
        path_in,
        path_out,
        signer,
        choose,
        False,
        algorithm,
        purpose,
        time_stamper,
    )


def _sign(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    signer: Signer,
    choose: Callable[[DicomFile], tuple[list[Element], str]],
    is_rsa_only: bool,
    algorithm: str,
    purpose: int | None,
    time_stamper: TimeStamper | None,
) -> str:
    require_algorithm(algorithm)
    if not isinstance(signer, Signer):
        raise ArgumentError("signer must be a Signer, such as usdk.trust.open_signer returns")
    if time_stamper is not None and not callable(time_stamper):
        raise ArgumentError("time_stamper must be a function, such as usdk.trust.HttpTimeStamper")
    now = datetime.now(UTC)
    certificate_der = signer.certificate_der
    certificate = parse_certificate(certificate_der)
    problems = certificate_problems(certificate, now)
    if problems:
        raise NotTrustedError("; ".join(problems) + ": sign with another certificate")
    if is_rsa_only and not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        raise ArgumentError(
            "PS3.15's profiles are of RSA keys alone: sign with an RSA key, or profile=None"
        )
    with FileSource(path_in) as source:
        file = read_dicom(source)
        signed, syntax = choose(file)
        mac_id = free_mac_id(file)
        uid = f"2.25.{uuid.uuid4().int}"
        described = describe(mac_id, uid, now, purpose)
        digest = hashlib.new(algorithm)
        # The certificate, which comes between, is not signed: tags need not be joined for this.
        described_source, described_elements = read_data_set(b"".join(described))
        for piece in signed_bytes(source, signed, described_source, described_elements):
            digest.update(piece)
        signature = signer.sign_digest(digest.digest(), algorithm)
        token = None if time_stamper is None else stamp_signature(signature, time_stamper)
        mac = mac_item(mac_id, syntax, algorithm, signed)
        item = signature_item(described, certificate_der, signature, token)
        with atomic_file(path_out) as (copy, temporary):
            for piece in with_signature(file, mac, item):
                copy.write(piece)
            copy.flush()
            with FileSource(temporary) as written:
                _require_signature(written, uid)
    return uid


def _require_framed(file: DicomFile, allow_uncovered: bool) -> None:
    """Refuse what `verify_dicom` would refuse in the parts of a file that nobody can sign."""
    problems = [] if allow_uncovered else unsigned_content(file)
    contradiction = transfer_syntax_problem(file)
    if contradiction is not None:
        problems.append(contradiction)
    if problems:
        raise ArgumentError(f"{'; '.join(problems)}: write the file again, and sign that")


def _all_elements(file: DicomFile, profile: Profile | None, allow_uncovered: bool) -> list[Element]:
    signed = [e for e in file.elements if is_signable(e)]
    left_out = [e.tag for e in file.elements if not is_signable(e) and not is_outside(e.tag)]
    if not allow_uncovered:
        _refuse_left_out(left_out)
    present = [e.tag for e in file.elements if not is_outside(e.tag)]
    unmet = [] if profile is None else unmet_tags(profile, present, [e.tag for e in signed])
    if unmet:
        raise ArgumentError(
            f"the {profile} profile needs these elements signed: {tags.name_tags(unmet)};"
            " add them, or sign with profile='BASE'"
        )
    return _listable(signed)


def _elements_beside_pixels(file: DicomFile) -> tuple[list[Element], Element]:
    free = changed_by_transcoding(file)
    inside = [e for e in file.elements if not is_outside(e.tag) and e.tag not in free]
    _refuse_left_out([e.tag for e in inside if not is_signable(e)])
    digests = find_frame_digests(file.source, inside)
    if digests is None:
        raise ArgumentError(
            "the object carries no frame digests, private element (5553,xx02) of creator USDK:"
            " write it with usdk.write_dicom"
        )
    nested = [e.tag for e in inside if holds_fragments(e)]
    if nested:
        raise ArgumentError(
            f"compressed pixels inside {tags.name_tags(nested)} would be transcoded too, and no"
            " digest stands for them: remove them"
        )
    return _listable(inside), digests


def _mac_syntax(file: DicomFile) -> str:
    return file.transfer_syntax_uid if file.is_encapsulated else EXPLICIT_VR_LITTLE_ENDIAN


def _refuse_left_out(left_out: list[int]) -> None:
    if left_out:
        raise ArgumentError(
            f"elements cannot be signed, as they are or hold VR UN: {tags.name_tags(left_out)};"
            " give them their VR (dcmconv +uc) or remove them, or allow_uncovered=True"
        )


def _listable(signed: list[Element]) -> list[Element]:
    if not signed:
        raise ArgumentError("the data set holds nothing that can be signed")
    if len(signed) > _MAX_SIGNED_TAGS:
        raise ArgumentError(f"more than {_MAX_SIGNED_TAGS} top-level elements cannot be listed")
    return signed


def _require_signature(source: ByteSource, uid: str) -> None:
    """Check the signature in what was written: a signer may hold another key than it says."""
    file = read_dicom(source)
    scope = SignedScope("", file.elements)
    report = check_signature(file, scope, scope.signatures[-1]).report
    if report.signature_uid != uid or not report.is_valid:
        raise NotTrustedError(
            f"the new signature does not hold ({'; '.join(report.problems)}): check that the"
            " signer's key and certificate are a pair, and that nothing else writes to the input"
        )
