"""Colour Doppler from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.flow_overlay import FlowKind
from usdk.io import load_frames

DISK = Path(__file__).parents[2] / "data" / "pymust" / "PWI_disk.mat"
POINTS = "sim:linear-l11-5v?scene=points&frames=2"
QUICK = ("--depth-mm", "12", "--angles", "0")


def test_a_colour_scan_sends_packets_and_shows_both_ends_of_them(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk(
        *("scan", POINTS, *QUICK, "--mode", "colour", "--packet-size", "4", "--prf-hz", "5000"),
        *("--frames", "2", "-o", tmp_path / "flow.npz", "--json", "--clutter", "none"),
        *("--box-mm", "-10,10,8,11", "--scale-cm-s", "10"),
    )
    assert json.loads(outcome.out)["sequence"] == "5 × plane"
    assert json.loads(outcome.out)["frame_rate_hz"] == pytest.approx(1000.0)
    frames = load_frames(tmp_path / "flow.npz")
    assert len(frames) == 2
    overlay = frames[0].overlay
    assert overlay is not None
    assert overlay.prf_hz == 5000
    assert overlay.scale == (-0.1, 0.1)
    # The wires stand still.
    shown = np.isfinite(overlay.velocity_m_s)
    assert shown.any()
    assert np.median(np.abs(overlay.velocity_m_s[shown])) < 2e-3


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("power", FlowKind.POWER),
        ("directional-power", FlowKind.DIRECTIONAL_POWER),
        ("variance", FlowKind.VARIANCE),
    ],
)
def test_every_mode_shows_what_it_says(
    usdk: Any, tmp_path: Path, mode: str, kind: FlowKind
) -> None:
    outcome = usdk(
        *("scan", POINTS, *QUICK, "--mode", mode, "--packet-size", "3", "--clutter", "none"),
        *("-o", tmp_path / "flow.npz"),
    )
    assert outcome.status == 0
    (frame,) = load_frames(tmp_path / "flow.npz")
    assert frame.overlay is not None
    assert frame.overlay.kind is kind


@pytest.mark.skipif(not DISK.exists(), reason="the recording is not part of a release")
def test_the_pulses_of_a_recording_become_packets(usdk: Any, tmp_path: Path) -> None:
    outcome = usdk(
        *("scan", f"file:{DISK}", "--mode", "colour", "--packet-size", "16", "--clutter", "none"),
        *("-o", tmp_path / "disk.npz", "--box-mm", "-7,5,17,30"),
    )
    assert outcome.status == 0, outcome.err
    frames = load_frames(tmp_path / "disk.npz")
    assert [frame.sequence_number for frame in frames] == [0, 1]
    overlay = frames[0].overlay
    assert overlay is not None
    shown = np.isfinite(overlay.velocity_m_s)
    columns = np.broadcast_to(np.arange(shown.shape[1]), shown.shape)[shown]
    slope = np.polyfit(columns * frames[0].raster.pixel_size_m, overlay.velocity_m_s[shown], 1)[0]
    assert 55 < abs(slope) < 66


@pytest.mark.parametrize(
    "words",
    [
        ("--box-mm", "1,2,3"),
        ("--box-mm", "a,b,c,d"),
        ("--scale-cm-s", "-1"),
        ("--flow-angle-deg", "89"),
        ("--wall-cm-s", "-1"),
        ("--packet-size", "1"),
        ("--prf-hz", "1e6"),
    ],
)
def test_what_cannot_be_scanned_is_refused(usdk: Any, words: tuple[str, ...]) -> None:
    outcome = usdk("scan", POINTS, *QUICK, "--mode", "colour", *words)
    assert outcome.status == 2
    assert "Traceback" not in outcome.err


def test_a_recording_without_packets_needs_their_size(usdk: Any, tmp_path: Path) -> None:
    record = tmp_path / "two.usrec"
    usdk("scan", POINTS, "--depth-mm", "12", "--angles", "-5,5", "--record", record)
    outcome = usdk("scan", f"file:{record}", "--mode", "colour")
    assert outcome.status == 2
    assert "packet" in outcome.err
