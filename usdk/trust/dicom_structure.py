"""Where the parts of a DICOM file lie in its bytes: elements, items and fragments by offset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from usdk.trust.byte_source import ByteSource

__all__ = [
    "EXPLICIT_VR_LITTLE_ENDIAN",
    "LONG_VRS",
    "SHORT_VRS",
    "DicomFile",
    "Element",
    "Item",
    "find_element",
]

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""VRs with a length of two bytes (PS3.5 table 7.1-2)."""

LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""VRs with two reserved bytes and a length of four bytes (PS3.5 table 7.1-1)."""


@dataclass(frozen=True, slots=True)
class Element:
    """One data element.

    Attributes
    ----------
    tag : int
        Group in the upper 16 bits, element in the lower.
    vr : bytes
        Value representation, two letters.
    offset, value_offset, value_end, end : int
        Where the tag begins, where the value begins, where the value ends, and where the next
        element begins (after a delimiter, where the length is undefined).
    items : tuple of Item or None
        The items of a sequence; None of anything else.
    fragments : tuple of (int, int) or None
        Start and end of each fragment of encapsulated pixel data, its offset table first; None of
        anything else.
    holds_unknown : bool
        Whether the element is UN, or a sequence that holds UN at any depth.
    """

    tag: int
    vr: bytes
    offset: int
    value_offset: int
    value_end: int
    end: int
    items: tuple[Item, ...] | None = None
    fragments: tuple[tuple[int, int], ...] | None = None
    holds_unknown: bool = False

    @property
    def n_bytes(self) -> int:
        """Length of the value, bytes."""
        return self.value_end - self.value_offset


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a sequence: its elements, and where its bytes begin and end, tag included."""

    offset: int
    end: int
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class DicomFile:
    """What a file holds: file meta elements, data set elements, and its transfer syntax UID."""

    source: ByteSource
    meta: tuple[Element, ...]
    elements: tuple[Element, ...]
    transfer_syntax_uid: str

    @property
    def is_encapsulated(self) -> bool:
        """Whether the transfer syntax compresses pixel data into fragments."""
        return self.transfer_syntax_uid != EXPLICIT_VR_LITTLE_ENDIAN


def find_element(elements: Iterable[Element], tag: int) -> Element | None:
    """Return the first element with ``tag``, or None."""
    return next((element for element in elements if element.tag == tag), None)
