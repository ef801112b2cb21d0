"""What a signature must cover to meet a profile of PS3.15 Annex C."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from usdk.errors import ArgumentError
from usdk.trust import dicom_tags as tags

__all__ = ["PROFILES", "Profile", "unmet_tags"]

Profile = Literal["BASE", "CREATOR", "AUTHORIZATION"]

PROFILES: tuple[Profile, ...] = ("BASE", "CREATOR", "AUTHORIZATION")
"""Base, Creator and Authorization RSA digital signature profiles (PS3.15 C.1, C.2, C.3)."""

_ALWAYS = frozenset(
    (tags.SOP_CLASS_UID, tags.SOP_INSTANCE_UID, tags.STUDY_INSTANCE_UID, tags.SERIES_INSTANCE_UID)
)

# PS3.15 C.2 and C.3 name modules; these are their attributes at the top level (PS3.3 Annex C).
# fmt: off
_WHERE_PRESENT = frozenset((
    0x00080008, 0x00080012, 0x00080013, 0x00080023, 0x00080033, 0x00080070, 0x00080080,
    0x00080081, 0x00081010, 0x00081040, 0x00081041, 0x00081090, 0x00082218, 0x00082228,
    0x00181000, 0x00181002, 0x00181008, 0x0018100A, 0x0018100B, 0x00181020, 0x00181050,
    0x00181200, 0x00181201, 0x00181204, 0x00181205, 0x00200013, 0x00200020, 0x00200062,
    0x00200242, 0x00204000, 0x00209161, 0x00209162, 0x00209163, 0x00209228, 0x00220028,
    0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011, 0x00280034,
    0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280106, 0x00280107, 0x00280120,
    0x00280121, 0x00280300, 0x00280301, 0x00280302, 0x00281101, 0x00281102, 0x00281103,
    0x00281201, 0x00281202, 0x00281203, 0x00282000, 0x00282002, 0x00282110, 0x00282112,
    0x00282114, 0x00286010, 0x00287FE0, 0x00409096, 0x00700001, 0x00880200, 0x20500020,
    0x52009229, 0x52009230, 0x7FE00001, 0x7FE00002, 0x7FE00003, 0x7FE00010,
))

# C.2 alone has the General Equipment module and the creation date and time.
_CREATORS_ALONE = frozenset((
    0x00080012, 0x00080013, 0x00080070, 0x00080080, 0x00080081, 0x00081010, 0x00081040,
    0x00081041, 0x00081090, 0x00181000, 0x00181002, 0x00181008, 0x0018100A, 0x0018100B,
    0x00181020, 0x00181050, 0x00181200, 0x00181201, 0x00181204, 0x00181205, 0x00280120,
))
# fmt: on
_REPEATING_GROUPS = (0x5000, 0x6000)
"""Curves and overlays, each in the even groups from the first to 1E above it."""


def unmet_tags(profile: Profile, present: Collection[int], covered: Collection[int]) -> list[int]:
    """Return the tags that ``profile`` wants signed and ``covered`` lacks, ascending.

    Parameters
    ----------
    profile : {"BASE", "CREATOR", "AUTHORIZATION"}
        The last demands also what the approving person has seen, which is known to nobody else:
        `sign_dicom` signs all there is, and what it could not is for `verify_dicom` to refuse.
    present : collection of int
        Tags at the top level of the data set.
    covered : collection of int
        Tags that the signature is over.

    Raises
    ------
    ArgumentError
        The profile is none of these.
    """
    if profile not in PROFILES:
        raise ArgumentError(f"profile must be one of {', '.join(PROFILES)}")
    if profile == "BASE":
        return []
    wanted = _ALWAYS | {tag for tag in present if _is_of_named_module(tag)}
    if profile == "AUTHORIZATION":
        wanted -= _CREATORS_ALONE
    return sorted(wanted.difference(covered))


def _is_of_named_module(tag: int) -> bool:
    group = tag >> 16
    repeating = any(first <= group <= first + 0x1E for first in _REPEATING_GROUPS)
    return tag in _WHERE_PRESENT or (repeating and group % 2 == 0 and tag & 0xFFFF != 0)
