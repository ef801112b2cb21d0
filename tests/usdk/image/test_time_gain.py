from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.image.time_gain import TimeGain
from usdk.scan import LinearScan, SectorScan


def test_attenuation_is_undone_as_it_came() -> None:
    # An echo from depth d has lost α f 2 d: at 0.5 dB/(cm MHz), 5 MHz and 4 cm, 20 dB.
    gain = TimeGain.from_attenuation(0.5, frequency_hz=5e6, depth_m=0.08)
    assert gain.gain_db(np.array([0.0, 0.04, 0.08, 0.2])) == pytest.approx([0, 20, 40, 40])
    scan = LinearScan(x_m=np.linspace(-0.01, 0.01, 5), z_m=np.linspace(0.0, 0.08, 200))
    echoes = np.exp(-2 * (0.5 / 8.685889638) * 5 * (scan.z_m * 100)) * np.ones((5, 1))
    compensated = echoes * gain.amplitudes(scan)
    assert compensated == pytest.approx(np.ones((5, 200)), rel=1e-5)


def test_knots_are_joined_by_straight_lines_in_decibels() -> None:
    gain = TimeGain(depths_m=(0.01, 0.03, 0.05), gains_db=(-6, 10, 4))
    depths_m = np.array([0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.09])
    assert gain.gain_db(depths_m) == pytest.approx([-6, -6, 2, 10, 7, 4, 4])
    assert TimeGain(depths_m=(0.02,), gains_db=(3,)).gain_db(depths_m) == pytest.approx([3] * 7)
    assert gain.describe() == "-6 dB at 10 mm, 10 dB at 30 mm, 4 dB at 50 mm"


def test_depth_counts_from_the_face() -> None:
    gain = TimeGain(depths_m=(0.0, 0.1), gains_db=(0, 20))
    angles_rad = np.linspace(-0.5, 0.5, 7)
    phased = SectorScan(angles_rad=angles_rad, ranges_m=np.array([0.0, 0.05, 0.1]))
    assert gain.amplitudes(phased)[0] == pytest.approx([1, 10**0.5, 10])
    convex = SectorScan(
        angles_rad=angles_rad, ranges_m=np.array([0.06, 0.11, 0.16]), apex_m=(0.0, -0.06)
    )
    assert gain.amplitudes(convex)[0] == pytest.approx([1, 10**0.5, 10])
    assert gain.amplitudes(convex).dtype == np.float32


@pytest.mark.parametrize(
    ("depths_m", "gains_db", "match"),
    [
        ((), (), "one gain for each depth"),
        ((0.0, 0.1), (1.0,), "one gain for each depth"),
        ((0.1, 0.1), (1.0, 2.0), "increase"),
        ((0.2, 0.1), (1.0, 2.0), "increase"),
        ((0.0, float("nan")), (1.0, 2.0), "finite"),
        ((0.0, 0.1), (1.0, float("inf")), "finite"),
        ((0.0, 0.1), (1.0, 201.0), "200 dB"),
        (("a",), (1.0,), "numbers"),
        (0.1, 1.0, "numbers"),
    ],
)
def test_knots_that_cannot_be_are_refused(depths_m: Any, gains_db: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        TimeGain(depths_m=depths_m, gains_db=gains_db)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_tissue_has_positive_attenuation(bad: float) -> None:
    for attenuation, frequency_hz, depth_m in ((bad, 5e6, 0.1), (0.5, bad, 0.1), (0.5, 5e6, bad)):
        with pytest.raises(ArgumentError, match="positive"):
            TimeGain.from_attenuation(attenuation, frequency_hz=frequency_hz, depth_m=depth_m)
