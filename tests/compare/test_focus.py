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


def jump(iq: Acquisition, depth_m: float) -> float:
    """How much 0.2 µm of depth change the picture, in parts of it, over all columns."""
    scan = LinearScan(
        x_m=np.linspace(-12.03e-3, 12.01e-3, 301), z_m=depth_m + np.array([-0.1e-6, 0.1e-6])
    )
    before, after = Beamformer.for_acquisition(iq, scan)(iq.data[0]).T.astype(complex)
    return float(np.linalg.norm(after - before) / np.linalg.norm(after))


def test_the_picture_is_as_smooth_at_the_focus_as_elsewhere(lines: Acquisition) -> None:
    """Measured: 0.0117 at the focus, 0.0102 and 0.0112 at 16 and 24 mm: the carrier's own turn."""
    elsewhere = [jump(lines, depth_m) for depth_m in (16e-3, 24e-3)]
    assert jump(lines, FOCUS_M) < 1.2 * max(elsewhere)


def test_without_the_transition_it_would_jump(lines: Acquisition) -> None:
    """Measured: 1.26: the wave would arrive earlier and later by its distance from the axis."""
    waves = [w for w in lines.sequence.transmits if isinstance(w, FocusedWave)]
    hard = TransmitSequence(transmits=tuple(replace(w, transition_m=1e-9) for w in waves))
    assert jump(replace(lines, sequence=hard), FOCUS_M) > 0.5


def test_the_transition_moves_no_point(lines: Acquisition, locate: Any, data_dir: Path) -> None:
    """Measured: less than 0.02 mm between 0.5 and 4 mm of transition."""
    for x_m, z_m in np.load(data_dir / "simus/l11_5v_focused49.npz")["points_m"]:
        found = []
        for transition_m in (0.5e-3, 4e-3):
            waves = tuple(replace(w, transition_m=transition_m) for w in lines.sequence.transmits)  # type: ignore[call-arg]
            changed = replace(lines, sequence=TransmitSequence(transmits=waves))
            found.append(locate(changed, (x_m, z_m)))
        assert np.allclose(found[0], found[1], rtol=0, atol=0.05e-3)
