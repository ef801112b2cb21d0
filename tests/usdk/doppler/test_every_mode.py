"""Every mode makes the same of a live stream, frame by frame, and of a recording at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import usdk
from usdk.acquisition import Acquisition
from usdk.doppler import ColourFlow, ColourMMode, ColourMode, Interleaved, colour_box
from usdk.doppler.spectral import PulsedWaveDoppler, SampleVolume
from usdk.doppler.vector import VectorDoppler
from usdk.scan import LinearScan, LineScan
from usdk.sequences import plane_waves
from usdk.tissue_motion import TissueTracking
from usdk.transmit import TransmitSequence

ADDRESS = (
    "sim:linear-l11-5v?scene=vessel&waveform=steady&psv_m_s=0.4&depth_m=0.008&radius_m=0.002"
    "&length_m=0.004"
)
DEPTH_M = 12e-3
PLAN = Interleaved(colour=plane_waves([0]), b_mode=plane_waves([-8, 8]), packet_size=6, prf_hz=6e3)
SEQUENCES: dict[str, tuple[TransmitSequence, int]] = {
    "pulses": (plane_waves([0], prf_hz=5e3), 40),
    "angles": (plane_waves([-10, 10], prf_hz=8e3), 12),
    "interleaved": (PLAN.sequence, 3),
}
SCAN = LinearScan(x_m=np.arange(-5, 6) * 0.3e-3, z_m=np.arange(5e-3, 11e-3, 60e-6))
BOX = colour_box(SCAN, x_m=(-1.2e-3, 1.2e-3), z_m=(6e-3, 10e-3))
LINE = LineScan(start_m=(0, 5e-3), end_m=(0, 11e-3), n_samples=80, start_depth_m=5e-3)
VOLUME = SampleVolume(centre_m=(0, 8e-3), length_m=2e-3)

GREY: dict[str, Any] = {"grey": {"scan": SCAN, "reference": 1e3}, "box": BOX}
# Of each mode: what it plays, its plan with its options, and what stands for its result.
MODES: dict[str, tuple[str, Any, dict[str, Any], Callable[[Any], Any]]] = {
    "flow maps": (
        "pulses",
        ColourFlow,
        {"scan": SCAN, "packet_size": 8},
        lambda one: one.velocity_m_s,
    ),
    "colour": ("interleaved", ColourMode, {"interleaved": PLAN, **GREY}, lambda one: one.pixels),
    "power": ("interleaved", ColourMode, {"colours": "power", **GREY}, lambda one: one.pixels),
    "dealiased colour": (
        "interleaved",
        ColourMode,
        {"dealias": True, **GREY},
        lambda one: one.pixels,
    ),
    "spectral": (
        "pulses",
        PulsedWaveDoppler,
        {
            "sample_volume": VOLUME,
            "n_window": 16,
            "sweep_s": 8e-3,
            "n_columns": 4,
            "reference": 1.0,
        },
        lambda one: one.pixels,
    ),
    "colour M-mode": (
        "pulses",
        ColourMMode,
        {
            "line": LINE,
            "packet_size": 8,
            "sweep_s": 8e-3,
            "n_columns": 5,
            "reference_power": 1e3,
            "m_mode": {"reference": 1e3},
        },
        lambda one: one.overlay.velocity_m_s,
    ),
    "vector": (
        "angles",
        VectorDoppler,
        {"scan": SCAN, "packet_size": 6},
        lambda one: one.velocity_m_s,
    ),
    "tissue motion": (
        "pulses",
        TissueTracking,
        {"scan": SCAN},
        lambda one: one.displacement_m[..., -1],
    ),
}


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    for name, (sequence, n_frames) in SEQUENCES.items():
        with usdk.open_front_end(ADDRESS) as front_end:
            front_end.configure(sequence, depth_m=DEPTH_M)
            usdk.save_recording(folder / name, front_end.read(n_frames, timeout_s=60))
    return {name: folder / name for name in SEQUENCES}


def last(results: Any) -> Any:
    return results[-1] if isinstance(results, list) else results


@pytest.mark.parametrize("mode", MODES)
def test_a_live_stream_and_a_recording_give_the_same(
    mode: str, recordings: dict[str, Path]
) -> None:
    source, plan, options, values = MODES[mode]
    acquisition: Acquisition = usdk.load_recording(recordings[source])
    at_once = values(last(plan(acquisition, **options)(acquisition)))
    stream = usdk.Stream(f"file:{recordings[source]}")
    branch = stream.to(usdk.Planned(plan, **options), name="mode", capacity=64, when_full="block")
    outlet = branch.outlet(name="display", capacity=64)
    with stream:
        live = list(outlet)
    assert live
    np.testing.assert_array_equal(values(live[-1]), at_once)
    assert np.ptp(at_once[np.isfinite(at_once)].astype(float)) > 0
