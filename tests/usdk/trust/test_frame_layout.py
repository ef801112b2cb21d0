from __future__ import annotations

import struct
from itertools import accumulate

import numpy as np
import pytest
from pydicom.encaps import encapsulate

from usdk.errors import NotTrustedError
from usdk.trust.byte_source import MemorySource
from usdk.trust.dicom_elements import read_dicom
from usdk.trust.frame_layout import require_plain_layout

GOOD = [b"frame one.", b"frame two!", b"and three"]
OTHER = b"another picture."


def laid_out(dicom, fragments, table=(), extended=(), n_frames=3):
    """Return a file with these fragments, Basic Offset Table and Extended Offset Table entries."""
    fragments = [fragment + b"\0" * (len(fragment) % 2) for fragment in fragments]

    def change(ds):
        ds.NumberOfFrames = n_frames
        rest = encapsulate(fragments, has_bot=False)[8:] if fragments else b""
        head = struct.pack(f"<HHI{len(table)}I", 0xFFFE, 0xE000, 4 * len(table), *table)
        ds.PixelData = head + rest
        if extended:
            ds.ExtendedOffsetTable = struct.pack(f"<{len(extended)}Q", *(o for o, _ in extended))
            ds.ExtendedOffsetTableLengths = struct.pack(
                f"<{len(extended)}Q", *(n for _, n in extended)
            )

    return read_dicom(MemorySource(dicom("jpeg_ls_cine", change)))


def offsets(fragments):
    return list(accumulate((8 + len(f) + len(f) % 2 for f in fragments), initial=0))[:-1]


def entries(fragments):
    return [(o, len(f)) for o, f in zip(offsets(fragments), fragments, strict=True)]


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"table": offsets(GOOD)},
        {"extended": entries(GOOD)},
        {"extended": [(o, n + n % 2) for o, n in entries(GOOD)]},
    ],
)
def test_a_fragment_for_each_frame_in_order_is_plain(dicom, layout):
    require_plain_layout(laid_out(dicom, GOOD, **layout), 3)


def test_a_single_frame_may_be_of_several_fragments(dicom):
    require_plain_layout(laid_out(dicom, GOOD, n_frames=1), 1)
    require_plain_layout(laid_out(dicom, GOOD, table=[0], n_frames=1), 1)


HIDDEN = [GOOD[0], OTHER, *GOOD[1:]]
FRONT = [OTHER, OTHER, OTHER, *GOOD]
TURNED = [GOOD[2], GOOD[0], GOOD[1]]


@pytest.mark.parametrize(
    ("fragments", "layout"),
    [
        (HIDDEN, {"table": [offsets(HIDDEN)[n] for n in (0, 2, 3)]}),
        ([*GOOD, OTHER], {"table": offsets(GOOD)}),
        (FRONT, {"extended": entries(FRONT)[3:]}),
        (TURNED, {"extended": [entries(TURNED)[n] for n in (1, 2, 0)]}),
        (TURNED, {"table": [offsets(TURNED)[n] for n in (1, 2, 0)]}),
        (GOOD, {"extended": [(o, n - 4) for o, n in entries(GOOD)]}),
        (GOOD, {"extended": entries(GOOD)[:2]}),
        (GOOD, {"table": offsets(GOOD)[:2]}),
        (GOOD[:2], {}),
        ([], {}),
    ],
)
def test_what_two_readers_would_cut_differently_is_refused(dicom, fragments, layout):
    with pytest.raises(NotTrustedError, match=r"fragment for each frame|frames in their order"):
        require_plain_layout(laid_out(dicom, fragments, **layout), 3)


def test_native_pixels_are_as_long_as_their_frames(dicom):
    for kind, n_frames in (("grey", 1), ("cine", 3)):
        file = read_dicom(MemorySource(dicom(kind)))
        require_plain_layout(file, n_frames)
        with pytest.raises(NotTrustedError, match="more or fewer"):
            require_plain_layout(file, n_frames + 1)

    def excess(ds):
        ds.PixelData += b"more"

    with pytest.raises(NotTrustedError, match="more or fewer"):
        require_plain_layout(read_dicom(MemorySource(dicom("cine", excess))), 3)


def test_pixels_that_share_their_colours_are_shorter(dicom):
    def change(ds):
        ds.PhotometricInterpretation = "YBR_FULL_422"
        ds.PixelData = np.zeros(3 * 8 * 10 * 2, np.uint8).tobytes()

    require_plain_layout(read_dicom(MemorySource(dicom("cine", change))), 3)


def test_an_object_without_pixels_or_without_their_size_is_refused(dicom):
    def without(keyword):
        return read_dicom(MemorySource(dicom("grey", lambda ds: ds.pop(keyword))))

    for keyword in ("PixelData", "Rows", "BitsAllocated"):
        with pytest.raises(NotTrustedError, match=r"no pixels|is not one number"):
            require_plain_layout(without(keyword), 1)
