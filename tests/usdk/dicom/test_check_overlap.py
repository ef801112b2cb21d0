from __future__ import annotations

from dataclasses import replace

import pytest

from usdk.dicom import Region
from usdk.dicom.check_overlap import check_overlap

TISSUE = Region(
    spatial_format=1,
    data_type=1,
    flags=2,
    min_x0=0,
    min_y0=0,
    max_x1=99,
    max_y1=49,
    units_x=3,
    units_y=3,
    delta_x=0.01,
    delta_y=0.01,
)


def messages(*regions):
    return [f.attribute for f in check_overlap([(f"r{n}", r) for n, r in enumerate(regions)])]


def test_two_scales_at_one_place_are_told():
    other = replace(TISSUE, min_y0=49, max_y1=80, delta_y=0.02)
    assert messages(TISSUE, other) == ["r1.RegionFlags"]


@pytest.mark.parametrize(
    "changes",
    [
        {"min_y0": 50, "max_y1": 80, "delta_y": 0.02},  # beside
        {"data_type": 2, "max_x1": 50},  # a colour box of the same scale
        {"flags": 3, "delta_y": 0.02},  # below
    ],
)
def test_what_is_clear_is_not(changes):
    assert messages(TISSUE, replace(TISSUE, **changes)) == []
