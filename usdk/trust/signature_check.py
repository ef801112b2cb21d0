"""Whether one signature fits the bytes it is over; who signed is judged elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from usdk.errors import NotTrustedError
from usdk.trust.byte_source import ByteSource
from usdk.trust.certificate_trust import parse_certificate
from usdk.trust.cryptography_extra import rsa, x509
from usdk.trust.dicom_elements import is_explicit_little_endian
from usdk.trust.dicom_structure import (
    DicomFile,
    Element,
    Item,
    find_element,
)
from usdk.trust.dicom_tags import (
    DIGITAL_SIGNATURES_SEQUENCE,
    MAC_CALCULATION_TRANSFER_SYNTAX_UID,
    MAC_PARAMETERS_SEQUENCE,
    PIXEL_DATA,
    name_tag,
    name_tags,
)
from usdk.trust.mac_stream import is_outside, is_signable, signed_bytes
from usdk.trust.public_key import certified_key, fits
from usdk.trust.signature_item import MacParameters, SignatureItem, read_mac_parameters
from usdk.trust.signature_profile import PROFILES, Profile, unmet_tags
from usdk.trust.signer import DIGEST_SIZES
from usdk.trust.verification_report import SignatureReport

__all__ = [
    "CERTIFICATE_TYPE",
    "DOES_NOT_FIT",
    "MAX_ELEMENT_PASSES",
    "MAX_SIGNATURES",
    "OTHER_TRANSFER_SYNTAX",
    "CheckedSignature",
    "SignedScope",
    "check_signature",
    "holds_fragments",
    "listed_signatures",
    "met_profiles",
    "sequence_items",
    "signed_scopes",
]

MAX_SIGNATURES = 64
"""Signatures in one file; each costs a pass over its bytes."""

MAX_ELEMENT_PASSES = 2_000_000
"""Elements at all depths times the signatures over them."""

CERTIFICATE_TYPE = "X509_1993_SIG"

DOES_NOT_FIT = "the signature does not fit: signed elements or the signature were changed"
OTHER_TRANSFER_SYNTAX = f"{name_tag(MAC_CALCULATION_TRANSFER_SYNTAX_UID)} is not the file's"

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SignedScope:
    """A data set or an item that carries signatures: where it is, and its elements."""

    location: str
    elements: tuple[Element, ...]

    @property
    def signatures(self) -> tuple[Item, ...]:
        """The items of the Digital Signatures Sequence."""
        return sequence_items(self.elements, DIGITAL_SIGNATURES_SEQUENCE)


def sequence_items(elements: tuple[Element, ...], tag: int) -> tuple[Item, ...]:
    """Return the items of a sequence among ``elements``; none where it is absent or no sequence."""
    element = find_element(elements, tag)
    return element.items or () if element else ()


def signed_scopes(elements: tuple[Element, ...], location: str = "") -> Iterator[SignedScope]:
    """Yield the data set and every item in it, at any depth, that carries signatures."""
    scope = SignedScope(location, elements)
    if scope.signatures:
        yield scope
    for element in elements:
        for number, item in enumerate(element.items or (), start=1):
            yield from signed_scopes(item.elements, f"{location}{name_tag(element.tag)}[{number}]")


def listed_signatures(file: DicomFile) -> tuple[list[tuple[SignedScope, Item]], list[str]]:
    """Return the signatures that are to be checked, and what is wrong with their number.

    Each costs a pass over the elements: of a file with very many, fewer signatures are checked.
    """
    found = [(scope, item) for scope in signed_scopes(file.elements) for item in scope.signatures]
    n_elements = max(1, _count_elements(file.elements))
    limit = min(MAX_SIGNATURES, max(1, MAX_ELEMENT_PASSES // n_elements))
    problems = [f"more than {limit} signatures"] if len(found) > limit else []
    return found[:limit], problems


def _count_elements(elements: tuple[Element, ...]) -> int:
    inner = (item.elements for element in elements for item in element.items or ())
    return len(elements) + sum(map(_count_elements, inner))


@dataclass
class _Reading:
    """Reads attributes one after the other and collects what is wrong with them."""

    problems: list[str] = field(default_factory=list)

    def __call__(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except NotTrustedError as error:
            self.problems.append(str(error))
            return None


@dataclass(frozen=True, slots=True)
class CheckedSignature:
    """What one signature's bytes say, before anyone asks who is trusted.

    Attributes
    ----------
    report : SignatureReport
        With a problem for everything that does not fit. Its certificate is not judged.
    certificate : cryptography.x509.Certificate or None
        The signer's, where it can be read.
    signature : bytes
        The value that a time stamp is over; empty where it cannot be read.
    timestamp : bytes or None
        The time-stamp token, where there is one.
    """

    report: SignatureReport
    certificate: x509.Certificate | None
    signature: bytes
    timestamp: bytes | None


def check_signature(file: DicomFile, scope: SignedScope, item: Item) -> CheckedSignature:
    """Check one signature against the bytes of ``file``."""
    attempt = _Reading()
    source = file.source
    signature = SignatureItem(source, item)
    report = SignatureReport(
        location=scope.location,
        signature_uid=attempt(signature.signature_uid),
        mac_id=attempt(signature.mac_id),
        signed_at=attempt(signature.signed_at),
        purpose=attempt(signature.purpose),
    )
    kind = attempt(signature.certificate_type)
    if kind is not None and kind != CERTIFICATE_TYPE:
        attempt.problems.append(f"the certificate type is not {CERTIFICATE_TYPE}")
    timestamp = attempt(signature.timestamp)
    certificate = attempt(lambda: parse_certificate(signature.certificate_der()))
    value = None
    if certificate is not None:
        report = replace(report, key_kind=_key_kind(certificate))
        value = attempt(lambda: _signature_value(signature, certificate))
    mac = None
    if report.mac_id is not None:
        number = report.mac_id
        items = sequence_items(scope.elements, MAC_PARAMETERS_SEQUENCE)
        mac = attempt(lambda: read_mac_parameters(source, items, number))
    if mac is not None:
        report = _with_coverage(report, scope, mac)
        attempt.problems += _mac_problems(file, scope, mac)
    if not attempt.problems:
        if certificate is None or mac is None or value is None:
            # Whatever is missing has left its problem; should it not, nothing was checked.
            attempt.problems.append("the signature could not be checked")
        else:
            attempt(partial(_verify, source, scope, mac, signature, certificate, value))
    report = replace(report, problems=tuple(attempt.problems))
    return CheckedSignature(report, certificate, value or b"", timestamp)


def _signature_value(signature: SignatureItem, certificate: x509.Certificate) -> bytes:
    key = certified_key(certificate)
    if key is None:
        raise NotTrustedError("the signer's key is neither RSA nor on an elliptic curve")
    is_rsa = isinstance(key, rsa.RSAPublicKey)
    # The modulus says how long an RSA signature is; that of ECDSA is DER, with a length of its own.
    return signature.signature((key.key_size + 7) // 8 if is_rsa else None)


def _with_coverage(
    report: SignatureReport, scope: SignedScope, mac: MacParameters
) -> SignatureReport:
    signed = frozenset(mac.signed_tags)
    present = [e.tag for e in scope.elements if not is_outside(e.tag)]
    met = met_profiles(report.key_kind, present, signed)
    return replace(
        report,
        algorithm=f"{report.key_kind or 'unknown'}-{mac.algorithm}",
        covered_tags=tuple(tag for tag in present if tag in signed),
        uncovered_tags=tuple(tag for tag in present if tag not in signed),
        profiles=() if scope.location else met,
    )


def met_profiles(
    key_kind: str | None, present: Collection[int], signed: Collection[int]
) -> tuple[Profile, ...]:
    """Return the profiles whose demands on key and coverage are met, the widest last."""
    if key_kind != "RSA":
        return ()
    return tuple(one for one in PROFILES if not unmet_tags(one, present, signed))


def holds_fragments(element: Element) -> bool:
    """Return whether pixel data in fragments lie in ``element``, at any depth."""
    inner = (e for item in element.items or () for e in item.elements)
    return element.fragments is not None or any(holds_fragments(e) for e in inner)


def _key_kind(certificate: x509.Certificate) -> str | None:
    key = certified_key(certificate)
    if key is None:
        return None
    return "RSA" if isinstance(key, rsa.RSAPublicKey) else "ECDSA"


def _mac_problems(file: DicomFile, scope: SignedScope, mac: MacParameters) -> list[str]:
    problems = []
    # The MAC parameters are not under the signature: whoever changes a file may change them too.
    if mac.algorithm not in DIGEST_SIZES:
        problems.append(f"the MAC algorithm is none of {', '.join(DIGEST_SIZES)}")
    signed = frozenset(mac.signed_tags)
    # Of elements beside the pixels the bytes are the same in all of these syntaxes, and a
    # signature over them alone has to outlast transcoding.
    has_pixels = PIXEL_DATA in signed or any(
        holds_fragments(e) for e in scope.elements if e.tag in signed
    )
    is_equal = mac.transfer_syntax_uid == file.transfer_syntax_uid
    if not is_equal and (has_pixels or not is_explicit_little_endian(mac.transfer_syntax_uid)):
        problems.append(OTHER_TRANSFER_SYNTAX)
    signable = {e.tag for e in scope.elements if is_signable(e)}
    lost = [tag for tag in mac.signed_tags if tag not in signable]
    if lost:
        problems.append(f"signed elements are absent or cannot be signed: {name_tags(lost)}")
    return problems


def _verify(
    source: ByteSource,
    scope: SignedScope,
    mac: MacParameters,
    signature: SignatureItem,
    certificate: x509.Certificate,
    value: bytes,
) -> None:
    key = certified_key(certificate)
    signed = frozenset(mac.signed_tags)
    digest = hashlib.new(mac.algorithm)
    elements = (e for e in scope.elements if e.tag in signed)
    for piece in signed_bytes(source, elements, source, signature.elements):
        digest.update(piece)
    if key is None or not fits(key, value, digest.digest(), mac.algorithm):
        raise NotTrustedError(DOES_NOT_FIT)
