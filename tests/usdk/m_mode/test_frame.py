from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.m_mode import MModeFrame
from usdk.scan import LineScan


def frame_of(pixels: object) -> MModeFrame:
    return MModeFrame(
        pixels=np.asarray(pixels),
        has_echoes=np.ones(4, np.bool_),
        line=LineScan(start_m=(0, 0.01), end_m=(0, 0.03), n_samples=5, start_depth_m=0.01),
        start_s=2.0,
        column_s=0.5,
        dynamic_range_db=60.0,
        provenance=Provenance(
            probe="L", sequence="1 × plane", transmit_frequency_hz=5e6, sound_speed_m_s=1540.0
        ),
    )


def test_rows_are_depths_and_columns_are_times() -> None:
    frame = frame_of(np.zeros((5, 4), np.uint8))
    assert frame.row_m == pytest.approx(5e-3)
    assert frame.depth_m(2) == pytest.approx(0.02)
    assert frame.time_s(0) == pytest.approx(2.25)
    assert frame.time_s(3) == pytest.approx(3.75)


@pytest.mark.parametrize("pixels", [np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.float32)])
def test_pixels_fit_the_line_and_the_columns(pixels: object) -> None:
    with pytest.raises(ArgumentError, match=r"uint8 of shape \(5, 4\)"):
        frame_of(pixels)
