"""The tags, lengths and values of a DICOM file, as they lie in its bytes.

A signature is over bytes, so nothing here decodes a value: an element is its tag, its VR and the
range of offsets that it occupies (PS3.5 section 7, PS3.10 section 7). The file may come from
anyone. What a reader would have to guess about (an order that is not ascending, a reserved byte
that is not zero, an odd length) is refused, because two readers that guess differently see two
objects under one signature.
"""

from __future__ import annotations

import struct

from usdk.errors import DataDamagedError
from usdk.trust import dicom_tags as tags
from usdk.trust.byte_source import ByteSource, MemorySource
from usdk.trust.dicom_structure import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    LONG_VRS,
    SHORT_VRS,
    DicomFile,
    Element,
    Item,
    find_element,
)
from usdk.trust.dicom_tags import name_tag

__all__ = ["MAX_DEPTH", "MAX_ELEMENTS", "is_explicit_little_endian", "read_data_set", "read_dicom"]

MAX_DEPTH = 32
"""Sequences within sequences that are followed."""

MAX_ELEMENTS = 500_000
"""Elements, items and fragments in one file, at all depths together."""

MAX_META_BYTES = 1 << 20
"""Longest file meta information."""

_UNDEFINED = 0xFFFFFFFF
_FIRST_DATA_GROUP = 0x0008
_ENCAPSULATED = (
    "1.2.840.10008.1.2.4.",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.1.98",
    "1.2.840.10008.1.2.8.",
)
# JPIP: the pixels are at a URL, and a signature would be over the URL alone.
_REFERENCED = tuple(f"1.2.840.10008.1.2.4.{last}" for last in (94, 95, 204, 205))


def read_dicom(source: ByteSource) -> DicomFile:
    """Read the structure of a DICOM file in an Explicit VR Little Endian transfer syntax.

    Raises
    ------
    DataDamagedError
        The bytes are no such file; the message names tag and offset, never a value.
    """
    if source.size < 132 or source.read(128, 4) != b"DICM":
        raise DataDamagedError("not a DICOM file: no 'DICM' at offset 128; send a part-10 file")
    reader = _Reader(source)
    meta, offset = reader.read_meta()
    uid = _transfer_syntax(source, meta)
    reader.encapsulated = uid != EXPLICIT_VR_LITTLE_ENDIAN
    elements, _ = reader.read_elements(offset, source.size, depth=0)
    return DicomFile(source, meta, elements, uid)


def read_data_set(data: bytes) -> tuple[ByteSource, tuple[Element, ...]]:
    """Return the elements of a bare native data set in memory, with the source they lie in."""
    source = MemorySource(data)
    return source, _Reader(source).read_elements(0, source.size, depth=0)[0]


def is_explicit_little_endian(transfer_syntax_uid: str) -> bool:
    """Return whether elements lie in Explicit VR Little Endian, pixels native or compressed."""
    return transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN or (
        transfer_syntax_uid.startswith(_ENCAPSULATED) and transfer_syntax_uid not in _REFERENCED
    )


def _transfer_syntax(source: ByteSource, meta: tuple[Element, ...]) -> str:
    element = find_element(meta, tags.TRANSFER_SYNTAX_UID)
    if element is None or element.vr != b"UI" or element.n_bytes > 64:
        raise DataDamagedError(f"no usable {name_tag(tags.TRANSFER_SYNTAX_UID)} in the file meta")
    value = source.read(element.value_offset, element.n_bytes)
    uid = value.removesuffix(b"\0").decode("ascii", "replace")
    if not is_explicit_little_endian(uid):
        raise DataDamagedError(
            "the transfer syntax is not Explicit VR Little Endian, native or encapsulated:"
            " transcode the file first (dcmconv +te), and sign after that"
        )
    return uid


def _hold_unknown(items: tuple[Item, ...]) -> bool:
    return any(element.holds_unknown for item in items for element in item.elements)


class _Reader:
    def __init__(self, source: ByteSource) -> None:
        self.source = source
        self.encapsulated = False
        self._n_elements = 0

    def read_meta(self) -> tuple[tuple[Element, ...], int]:
        """Read group 0002, which is Explicit VR Little Endian in every file."""
        elements: list[Element] = []
        offset = 132
        while offset + 4 <= self.source.size and self.source.read(offset, 2) == b"\x02\x00":
            if offset > MAX_META_BYTES:
                raise self._damaged("the file meta information is too long", 0x00020000, offset)
            element = self._read_element(offset, self.source.size, 0, explicit=True)
            if elements and element.tag <= elements[-1].tag:
                raise self._damaged("out of ascending order", element.tag, offset)
            if element.items is not None:
                raise self._damaged("a sequence in the file meta", element.tag, offset)
            elements.append(element)
            offset = element.end
        if elements and elements[0].tag == tags.FILE_META_INFORMATION_GROUP_LENGTH:
            length = elements[0]
            value = self.source.read(length.value_offset, length.n_bytes)
            if value != struct.pack("<I", offset - length.end):
                raise self._damaged("contradicts the file meta's length", length.tag, length.offset)
        return tuple(elements), offset

    def read_elements(
        self, offset: int, limit: int, depth: int, *, delimited: bool = False, explicit: bool = True
    ) -> tuple[tuple[Element, ...], int]:
        """Read elements up to ``limit``, or up to an item delimitation if ``delimited``."""
        elements: list[Element] = []
        previous = -1
        while offset < limit:
            if delimited and self._tag(offset, limit) == tags.ITEM_DELIMITATION_ITEM:
                self._expect_no_length(offset, limit)
                return tuple(elements), offset + 8
            element = self._read_element(offset, limit, depth, explicit=explicit)
            if element.tag <= previous:
                raise self._damaged("repeated or out of ascending order", element.tag, offset)
            if element.tag >> 16 < _FIRST_DATA_GROUP:
                raise self._damaged("not of a composite object's data set", element.tag, offset)
            previous = element.tag
            elements.append(element)
            offset = element.end
        if delimited:
            raise self._damaged("the item is not closed", tags.ITEM_DELIMITATION_ITEM, offset)
        return tuple(elements), offset

    def _read_element(self, offset: int, limit: int, depth: int, *, explicit: bool) -> Element:
        self._count(offset)
        tag = self._tag(offset, limit)
        if tag >> 16 == tags.ITEM >> 16:
            raise self._damaged("a delimiter out of place", tag, offset)
        if explicit:
            vr, start, length = self._explicit_header(tag, offset, limit)
            self._refuse_smuggling(tag, vr, length, offset)
        else:
            vr, start = b"UN", offset + 8
            length = self._u32(offset + 4, tag, limit)
        if length != _UNDEFINED:
            end = start + length
            if end > limit:
                raise self._damaged(f"{length} bytes go beyond the end at {limit}", tag, offset)
            if length % 2:
                raise self._damaged("an odd length, which readers change", tag, offset)
            if vr != b"SQ":
                return Element(tag, vr, offset, start, end, end, holds_unknown=vr == b"UN")
            items, _ = self._read_items(start, end, depth, tag)
            return Element(tag, vr, offset, start, end, end, items, None, _hold_unknown(items))
        if vr == b"SQ":
            items, end = self._read_items(start, limit, depth, tag, delimited=True)
            return Element(tag, vr, offset, start, end - 8, end, items, None, _hold_unknown(items))
        if vr == b"UN":
            # PS3.5 section 6.2.2: such a value is a sequence in Implicit VR.
            _, end = self._read_items(start, limit, depth, tag, delimited=True, explicit=False)
            return Element(tag, vr, offset, start, end - 8, end, holds_unknown=True)
        if tag != tags.PIXEL_DATA or vr not in (b"OB", b"OW") or not self.encapsulated:
            raise self._damaged("an undefined length where none may be", tag, offset)
        fragments, end = self._read_fragments(start, limit, tag)
        return Element(tag, vr, offset, start, end - 8, end, None, fragments)

    def _read_items(
        self,
        offset: int,
        limit: int,
        depth: int,
        tag: int,
        *,
        delimited: bool = False,
        explicit: bool = True,
    ) -> tuple[tuple[Item, ...], int]:
        if depth >= MAX_DEPTH:
            raise self._damaged(f"sequences are nested deeper than {MAX_DEPTH}", tag, offset)
        items: list[Item] = []
        while offset < limit:
            self._count(offset)
            mark = self._tag(offset, limit)
            if delimited and mark == tags.SEQUENCE_DELIMITATION_ITEM:
                self._expect_no_length(offset, limit)
                return tuple(items), offset + 8
            if mark != tags.ITEM:
                raise self._damaged("no item where one must begin", tag, offset)
            length = self._u32(offset + 4, mark, limit)
            start = offset + 8
            if length != _UNDEFINED and start + length > limit:
                raise self._damaged(f"an item of {length} bytes goes beyond the end", tag, offset)
            elements, end = self.read_elements(
                start,
                limit if length == _UNDEFINED else start + length,
                depth + 1,
                delimited=length == _UNDEFINED,
                explicit=explicit,
            )
            items.append(Item(offset, end, elements))
            offset = end
        if delimited:
            raise self._damaged("the sequence is not closed", tag, offset)
        return tuple(items), offset

    def _read_fragments(
        self, offset: int, limit: int, tag: int
    ) -> tuple[tuple[tuple[int, int], ...], int]:
        fragments: list[tuple[int, int]] = []
        while True:
            self._count(offset)
            mark = self._tag(offset, limit)
            if mark == tags.SEQUENCE_DELIMITATION_ITEM:
                self._expect_no_length(offset, limit)
                return tuple(fragments), offset + 8
            if mark != tags.ITEM:
                raise self._damaged("no fragment where one must begin", tag, offset)
            length = self._u32(offset + 4, mark, limit)
            end = offset + 8 + length
            if end > limit or length % 2:
                raise self._damaged(f"a fragment of {length} bytes is odd or cut", tag, offset)
            fragments.append((offset + 8, end))
            offset = end

    def _explicit_header(self, tag: int, offset: int, limit: int) -> tuple[bytes, int, int]:
        self._need(8, tag, offset, limit)
        header = self.source.read(offset, 8)
        vr = header[4:6]
        if vr in SHORT_VRS:
            return vr, offset + 8, header[6] | header[7] << 8
        if vr not in LONG_VRS:
            raise self._damaged("no VR of PS3.5 follows the tag", tag, offset)
        if header[6:8] != b"\0\0":
            raise self._damaged("the reserved bytes are not zero", tag, offset)
        return vr, offset + 12, self._u32(offset + 8, tag, limit)

    def _refuse_smuggling(self, tag: int, vr: bytes, length: int, offset: int) -> None:
        """No signature covers these, so they may hold nothing but what they are for."""
        counts = tag & 0xFFFF == 0 or tag == tags.LENGTH_TO_END
        if counts and (vr, length) != (b"UL", 4):
            raise self._damaged("a group length that is not one number of VR UL", tag, offset)
        if tag == tags.DATA_SET_TRAILING_PADDING and vr != b"OB":
            raise self._damaged("padding that is not of VR OB", tag, offset)

    def _tag(self, offset: int, limit: int) -> int:
        self._need(4, 0, offset, limit)
        group, element = struct.unpack("<HH", self.source.read(offset, 4))
        return int(group) << 16 | int(element)

    def _u32(self, offset: int, tag: int, limit: int) -> int:
        self._need(4, tag, offset, limit)
        return int.from_bytes(self.source.read(offset, 4), "little")

    def _expect_no_length(self, offset: int, limit: int) -> None:
        if self._u32(offset + 4, 0, limit) != 0:
            raise self._damaged("a delimiter has a length", self._tag(offset, limit), offset)

    def _need(self, n_bytes: int, tag: int, offset: int, limit: int) -> None:
        if offset + n_bytes > limit:
            raise self._damaged(f"cut: {n_bytes} more bytes are due before {limit}", tag, offset)

    def _count(self, offset: int) -> None:
        self._n_elements += 1
        if self._n_elements > MAX_ELEMENTS:
            raise self._damaged(f"more than {MAX_ELEMENTS} elements", 0, offset)

    def _damaged(self, what: str, tag: int, offset: int) -> DataDamagedError:
        place = f"{name_tag(tag)} at offset {offset}" if tag else f"offset {offset}"
        return DataDamagedError(f"{place}: {what}; fetch the file again, or re-encode it")
