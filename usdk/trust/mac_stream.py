"""What a DICOM signature is over: the byte stream of PS3.3 C.12.1.1.3.1.1, in one function."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource
from usdk.trust.dicom_structure import LONG_VRS, Element

__all__ = ["is_outside", "is_signable", "signed_bytes"]

_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCE_DELIMITATION = b"\xfe\xff\xdd\xe0"
_OUTSIDE = frozenset(
    (
        tags.LENGTH_TO_END,
        tags.MAC_PARAMETERS_SEQUENCE,
        tags.DIGITAL_SIGNATURES_SEQUENCE,
        tags.DATA_SET_TRAILING_PADDING,
    )
)
_NOT_YET_KNOWN = frozenset(
    (
        tags.CERTIFICATE_OF_SIGNER,
        tags.SIGNATURE,
        tags.CERTIFIED_TIMESTAMP_TYPE,
        tags.CERTIFIED_TIMESTAMP,
    )
)


def is_outside(tag: int) -> bool:
    """Return whether ``tag`` is rightly under no signature: it says nothing of the object.

    These are group lengths, trailing padding, and the signatures themselves.
    """
    return tag & 0xFFFF == 0 or tag in _OUTSIDE


def is_signable(element: Element) -> bool:
    """Return whether a signature may cover ``element``: its tag allows it and no part is UN."""
    group = element.tag >> 16
    by_tag = not is_outside(element.tag) and group >= 0x0008 and group != 0xFFFA
    return by_tag and not element.holds_unknown


def signed_bytes(
    source: ByteSource,
    elements: Iterable[Element],
    signature_source: ByteSource,
    signature_elements: Iterable[Element],
) -> Iterator[bytes]:
    """Yield the bytes that one signature is over, in pieces.

    Parameters
    ----------
    source, elements
        The signed elements of the data set in ascending order of tags, and where they lie. What
        is not signable is left out.
    signature_source, signature_elements
        The elements of the item of the Digital Signatures Sequence, which follow the data set's;
        the certificate, the signature and its time stamp are left out, as they come later.

    Yields
    ------
    bytes
        Explicit VR Little Endian. A value is as in the file, padding included. A sequence has no
        length: its tag, VR and two reserved bytes, then for each item the item tag and the item's
        signable elements, then the sequence delimitation tag. Encapsulated pixel data is the same
        with the bytes of each fragment, its offset table first, and always OB.
    """
    for element in elements:
        yield from _element_bytes(source, element)
    for element in signature_elements:
        if element.tag not in _NOT_YET_KNOWN:
            yield from _element_bytes(signature_source, element)


def _element_bytes(source: ByteSource, element: Element) -> Iterator[bytes]:
    if not is_signable(element):
        return
    if element.items is not None:
        yield source.read(element.offset, 4) + b"SQ\0\0"
        for item in element.items:
            yield _ITEM
            for inner in item.elements:
                yield from _element_bytes(source, inner)
        yield _SEQUENCE_DELIMITATION
    elif element.fragments is not None:
        yield source.read(element.offset, 4) + b"OB\0\0"
        for start, end in element.fragments:
            yield _ITEM
            yield from source.chunks(start, end)
        yield _SEQUENCE_DELIMITATION
    else:
        n_header = 12 if element.vr in LONG_VRS else 8
        yield source.read(element.offset, n_header)
        yield from source.chunks(element.value_offset, element.value_end)
