"""What no signature covers: it may frame the object, and may say nothing of its own.

The preamble, the file meta information, padding and the MAC Parameters Sequence lie outside every
signature (PS3.10 section 7.1, PS3.3 C.12.1.1.3.1.1). Whoever forwards a file could put there the
head of another format, a picture that it shows, or a text.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource
from usdk.trust.dicom_structure import DicomFile, Element, Item, find_element
from usdk.trust.dicom_tags import name_tag
from usdk.trust.signature_check import sequence_items

__all__ = ["mac_parameters_problems", "unsigned_content"]

_PREAMBLE_BYTES = 128
_MAX_META_VALUE_BYTES = 64
"""Longest value of the file meta elements below: a UID's."""

# Transfer syntax and UIDs, version, who wrote the file, sent it and received it.
_META_ELEMENTS = frozenset((0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13, 0x16, 0x17, 0x18))
_MAC_ELEMENTS = frozenset(
    (
        0x04000000,
        tags.MAC_ID_NUMBER,
        tags.MAC_CALCULATION_TRANSFER_SYNTAX_UID,
        tags.MAC_ALGORITHM,
        tags.DATA_ELEMENTS_SIGNED,
        tags.DATA_SET_TRAILING_PADDING,
    )
)


def unsigned_content(file: DicomFile) -> list[str]:
    """Return which parts outside every signature hold more than they are for; empty if none."""
    problems = []
    if file.source.read(0, _PREAMBLE_BYTES).strip(b"\0"):
        problems.append("the preamble is not empty, and no signature covers it")
    odd = [
        e.tag
        for e in file.meta
        if e.tag & 0xFFFF not in _META_ELEMENTS or e.n_bytes > _MAX_META_VALUE_BYTES
    ]
    if odd:
        problems.append(
            f"the file meta information holds {tags.name_tags(odd)}, which no signature covers"
        )
    padding = [
        e
        for level in _levels(file.elements)
        for e in level
        if e.tag == tags.DATA_SET_TRAILING_PADDING
    ]
    if any(_holds_data(file.source, element) for element in padding):
        problems.append("the padding is not empty, and no signature covers it")
    return problems


def mac_parameters_problems(file: DicomFile) -> list[str]:
    """Return what is wrong with MAC parameters beside those that a signature uses.

    Parameters that no signature names are what is left of one that was removed.
    """
    problems: dict[str, None] = {}
    for level in _levels(file.elements):
        parameters = sequence_items(level, tags.MAC_PARAMETERS_SEQUENCE)
        if any(e.tag not in _MAC_ELEMENTS for item in parameters for e in item.elements):
            problems[
                f"{name_tag(tags.MAC_PARAMETERS_SEQUENCE)} holds elements that are not its own"
            ] = None
        signatures = sequence_items(level, tags.DIGITAL_SIGNATURES_SEQUENCE)
        used = {_mac_id(file.source, item) for item in signatures}
        if any(_mac_id(file.source, item) not in used for item in parameters):
            problems["a signature was removed: its MAC parameters are left"] = None
    return list(problems)


def _levels(elements: tuple[Element, ...]) -> Iterator[tuple[Element, ...]]:
    """Yield the elements of the data set, and of each item at any depth."""
    yield elements
    for item in chain.from_iterable(element.items or () for element in elements):
        yield from _levels(item.elements)


def _mac_id(source: ByteSource, item: Item) -> bytes | None:
    element = find_element(item.elements, tags.MAC_ID_NUMBER)
    return None if element is None else source.read(element.value_offset, min(element.n_bytes, 4))


def _holds_data(source: ByteSource, element: Element) -> bool:
    return any(
        piece.strip(b"\0") for piece in source.chunks(element.value_offset, element.value_end)
    )
