"""Check regions that overlap: where two scales are equally right, a measurement is neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from usdk.dicom.findings import Finding
from usdk.dicom.regions import Region

__all__ = ["check_overlap"]

MAX_COMPARED = 64
"""Most regions that are compared with each other."""

_SCALE = ("spatial_format", "units_x", "units_y", "delta_x", "delta_y")


def check_overlap(regions: Sequence[tuple[str, Region]]) -> Iterator[Finding]:
    """Yield each pair of one priority and of different scales (Region Flags, bit 0).

    Parameters
    ----------
    regions : sequence of (place, Region)
        What each is called in findings.
    """
    for (place, region), (other_place, other) in combinations(regions[:MAX_COMPARED], 2):
        if region.is_low_priority != other.is_low_priority or not _meet(region, other):
            continue
        if any(getattr(region, name) != getattr(other, name) for name in _SCALE):
            yield Finding(
                "warning",
                f"{other_place}.RegionFlags",
                f"gives it the priority of {place}, which it overlaps and whose scale is another",
            )


def _meet(one: Region, other: Region) -> bool:
    return max(one.min_x0, other.min_x0) <= min(one.max_x1, other.max_x1) and max(
        one.min_y0, other.min_y0
    ) <= min(one.max_y1, other.max_y1)
