"""Focused beams: nothing jumps at the focal depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.scan import LinearScan
from usdk.transmit import FocusedWave, TransmitSequence

FOCUS_M = 20e-3


@pytest.fixture(scope="module")
def lines(recording: Callable[[str], Acquisition]) -> Acquisition:
    return demodulate(recording("simus/l11_5v_focused49.npz"))


def jump(iq: Acquisition, depth_m: float, weighting: str) -> float:
    """How much 0.2 µm of depth change the picture, in parts of it, over all columns."""
    scan = LinearScan(
        x_m=np.linspace(-12.03e-3, 12.01e-3, 301), z_m=depth_m + np.array([-0.1e-6, 0.1e-6])
    )
    plan = Beamformer.for_acquisition(iq, scan, weighting=weighting)
    before, after = plan(iq.data[0]).T.astype(complex)
    return float(np.linalg.norm(after - before) / np.linalg.norm(after))


@pytest.mark.parametrize("weighting", ["lines", "retrospective"])
def test_the_picture_is_as_smooth_at_the_focus_as_elsewhere(
    lines: Acquisition, weighting: str
) -> None:
    """Measured: 0.012 at the focus, 0.010 to 0.012 at 16 and 24 mm: the carrier's own turn."""
    elsewhere = [jump(lines, depth_m, weighting) for depth_m in (16e-3, 24e-3)]
    assert jump(lines, FOCUS_M, weighting) < 1.2 * max(elsewhere)


@pytest.mark.parametrize("weighting", ["lines", "retrospective"])
def test_without_the_transition_it_would_jump(lines: Acquisition, weighting: str) -> None:
    """Measured: 1.26: the wave would arrive earlier and later by its distance from the axis."""
    waves = [w for w in lines.sequence.transmits if isinstance(w, FocusedWave)]
    hard = TransmitSequence(transmits=tuple(replace(w, transition_m=1e-9) for w in waves))
    assert jump(replace(lines, sequence=hard), FOCUS_M, weighting) > 0.5


def test_lines_are_the_default_of_focused_beams(lines: Acquisition) -> None:
    scan = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 9), z_m=np.linspace(15e-3, 25e-3, 9))
    assert Beamformer.for_acquisition(lines, scan).method.weighting == "lines"


def width_m(iq: Acquisition, point_m: tuple[float, float], weighting: str) -> float:
    """Full width at half maximum of a point's envelope across the beams."""
    x_m = point_m[0] + np.linspace(-2e-3, 2e-3, 161)
    z_m = point_m[1] + np.linspace(-0.5e-3, 0.5e-3, 51)
    plan = Beamformer.for_acquisition(iq, LinearScan(x_m=x_m, z_m=z_m), weighting=weighting)
    profile = np.abs(plan(iq.data[0])).max(axis=1)
    fine_m = np.linspace(x_m[0], x_m[-1], 8001)
    high = np.interp(fine_m, x_m, profile) > profile.max() / 2
    return float(np.ptp(fine_m[high]))


@pytest.mark.parametrize("point_m", [(0.0, 10e-3), (0.0, 30e-3), (-10e-3, 30e-3), (10e-3, 30e-3)])
def test_retrospective_beams_are_narrower_before_and_behind_the_focus(
    lines: Acquisition, point_m: tuple[float, float]
) -> None:
    """Measured, lines and retrospective: 0.377 and 0.339 mm at 10 mm, 0.395 and 0.344 at 30."""
    narrow, wide = (width_m(lines, point_m, name) for name in ("retrospective", "lines"))
    assert narrow < 0.93 * wide


def test_retrospective_beams_leave_a_hole_darker(lines: Acquisition, data_dir: Path) -> None:
    """Measured: −22.9 dB with lines, −29.6 dB with retrospective beams."""
    ((x_m, z_m, radius_m),) = np.load(data_dir / "simus/l11_5v_focused49.npz")["cysts_m"]
    scan = LinearScan(
        x_m=x_m + np.linspace(-2, 2, 81) * radius_m, z_m=z_m + np.linspace(-2, 2, 241) * radius_m
    )
    points_m = scan.points_m()
    from_middle = np.hypot(points_m[..., 0] - x_m, points_m[..., 2] - z_m) / radius_m
    inside, about = from_middle < 0.7, (from_middle > 1.3) & (from_middle < 2)
    contrast_db = {}
    for weighting in ("lines", "retrospective"):
        plan = Beamformer.for_acquisition(lines, scan, weighting=weighting)
        power = np.abs(plan(lines.data[0])) ** 2
        contrast_db[weighting] = 10 * np.log10(power[inside].mean() / power[about].mean())
    assert contrast_db["retrospective"] < contrast_db["lines"] - 4


def test_the_transition_moves_no_point(lines: Acquisition, locate: Any, data_dir: Path) -> None:
    """Measured: less than 0.02 mm between 0.5 and 4 mm of transition."""
    for x_m, z_m in np.load(data_dir / "simus/l11_5v_focused49.npz")["points_m"]:
        found = []
        for transition_m in (0.5e-3, 4e-3):
            waves = tuple(replace(w, transition_m=transition_m) for w in lines.sequence.transmits)  # type: ignore[call-arg]
            changed = replace(lines, sequence=TransmitSequence(transmits=waves))
            found.append(locate(changed, (x_m, z_m), weighting="lines"))
        assert np.allclose(found[0], found[1], rtol=0, atol=0.05e-3)
