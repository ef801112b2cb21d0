"""Whether one signature fits the bytes it is over; who signed is judged elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from usdk.errors import NotTrustedError
from usdk.trust.byte_source import ByteSource
from usdk.trust.certificate_trust import parse_certificate
from usdk.trust.cryptography_extra import InvalidSignature, PKCS1v15, rsa, x509
from usdk.trust.dicom_structure import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    DicomFile,
    Element,
    Item,
    find_element,
)
from usdk.trust.dicom_tags import (
    DIGITAL_SIGNATURES_SEQUENCE,
    MAC_CALCULATION_TRANSFER_SYNTAX_UID,
    MAC_PARAMETERS_SEQUENCE,
    name_tag,
    name_tags,
)
from usdk.trust.mac_stream import is_outside, is_signable, signed_bytes
from usdk.trust.rsa_signer import PREHASHED
from usdk.trust.signature_item import MacParameters, SignatureItem, read_mac_parameters
from usdk.trust.signature_profile import Profile, unmet_tags
from usdk.trust.signer import DIGEST_SIZES
from usdk.trust.verification_report import SignatureReport

__all__ = ["CERTIFICATE_TYPE", "SignedScope", "check_signature", "sequence_items", "signed_scopes"]

CERTIFICATE_TYPE = "X509_1993_SIG"

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


def check_signature(
    file: DicomFile, scope: SignedScope, item: Item
) -> tuple[SignatureReport, x509.Certificate | None]:
    """Check one signature against the bytes of ``file``.

    Returns
    -------
    report : SignatureReport
        With a problem for everything that does not fit. Its certificate is not judged.
    certificate : cryptography.x509.Certificate or None
        The signer's, where it can be read.
    """
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
    certificate = attempt(lambda: parse_certificate(signature.certificate_der()))
    mac = None
    if report.mac_id is not None:
        number = report.mac_id
        items = sequence_items(scope.elements, MAC_PARAMETERS_SEQUENCE)
        mac = attempt(lambda: read_mac_parameters(source, items, number))
    if mac is not None:
        report = _with_coverage(report, scope, mac)
        attempt.problems += _mac_problems(file, scope, mac)
    if certificate is not None and mac is not None and not attempt.problems:
        attempt(lambda: _verify(source, scope, mac, signature, certificate))
    return replace(report, problems=tuple(attempt.problems)), certificate


def _with_coverage(
    report: SignatureReport, scope: SignedScope, mac: MacParameters
) -> SignatureReport:
    signed = frozenset(mac.signed_tags)
    present = [e.tag for e in scope.elements if not is_outside(e.tag)]
    met: Profile = "BASE" if unmet_tags("CREATOR", present, signed) else "CREATOR"
    return replace(
        report,
        algorithm=f"RSA-{mac.algorithm}",
        covered_tags=tuple(tag for tag in present if tag in signed),
        uncovered_tags=tuple(tag for tag in present if tag not in signed),
        profile=None if scope.location else met,
    )


def _mac_problems(file: DicomFile, scope: SignedScope, mac: MacParameters) -> list[str]:
    problems = []
    # The MAC parameters are not under the signature: whoever changes a file may change them too.
    if mac.algorithm not in DIGEST_SIZES:
        problems.append(f"the MAC algorithm is none of {', '.join(DIGEST_SIZES)}")
    expected = file.transfer_syntax_uid if file.is_encapsulated else EXPLICIT_VR_LITTLE_ENDIAN
    if mac.transfer_syntax_uid != expected:
        problems.append(f"{name_tag(MAC_CALCULATION_TRANSFER_SYNTAX_UID)} is not the file's")
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
) -> None:
    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise NotTrustedError("the signer's key is not RSA")
    value = signature.signature((key.key_size + 7) // 8)
    signed = frozenset(mac.signed_tags)
    digest = hashlib.new(mac.algorithm)
    elements = (e for e in scope.elements if e.tag in signed)
    for piece in signed_bytes(source, elements, source, signature.elements):
        digest.update(piece)
    try:
        key.verify(value, digest.digest(), PKCS1v15(), PREHASHED[mac.algorithm])
    except (InvalidSignature, ValueError) as error:
        raise NotTrustedError(
            "the signature does not fit: signed elements or the signature were changed"
        ) from error
