"""Colour end to end: channel data of B-mode and packets to the RGB frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.doppler import ColourMode, Interleaved
from usdk.scan import LinearScan
from usdk.sequences import plane_waves


@pytest.fixture(scope="module")
def interleaved() -> Interleaved:
    return Interleaved(
        b_mode=plane_waves([-6, 0, 6]), colour=plane_waves([0]), packet_size=12, prf_hz=6e3
    )


@pytest.fixture(scope="module")
def frame(eleven_waves: Acquisition, interleaved: Interleaved) -> Acquisition:
    """15 × 128 × 1800, int16: noise, since times do not depend on it."""
    n = interleaved.n_transmits
    rng = np.random.default_rng(0)
    return Acquisition(
        data=rng.integers(-2000, 2000, (1, n, 128, 1800), dtype=np.int16),
        probe=eleven_waves.probe,
        sequence=interleaved.sequence,
        receive=ReceiveSettings(
            sampling_frequency_hz=30.4e6, n_samples=1800, time_zero_s=(0.0,) * n
        ),
    )


@pytest.fixture(scope="module")
def mode(frame: Acquisition, interleaved: Interleaved) -> ColourMode:
    x_m, z_m = frame.probe.element_positions_m[:, 0], np.linspace(2e-3, 40e-3, 512)
    box = LinearScan(x_m=x_m[32:96], z_m=z_m[128:384])
    view = LinearScan(x_m=x_m, z_m=z_m)
    return ColourMode(
        frame, interleaved, box=box, estimator="2-D autocorrelation", grey={"scan": view}
    )


@pytest.mark.benchmark(group="colour, one frame")
def test_a_frame(benchmark: Any, mode: ColourMode, frame: Acquisition) -> None:
    benchmark.pedantic(mode, args=(frame,), rounds=30, warmup_rounds=2)


@pytest.mark.benchmark(group="colour, one frame")
def test_its_grey_picture(
    benchmark: Any, mode: ColourMode, frame: Acquisition, interleaved: Interleaved
) -> None:
    b_mode, _ = interleaved.split(frame)
    benchmark.pedantic(mode.b_mode, args=(b_mode,), rounds=30, warmup_rounds=2)


@pytest.mark.benchmark(group="colour, one frame")
def test_its_flow_map(
    benchmark: Any, mode: ColourMode, frame: Acquisition, interleaved: Interleaved
) -> None:
    _, packets = interleaved.split(frame)
    benchmark.pedantic(mode.flow, args=(packets,), rounds=30, warmup_rounds=2)


@pytest.mark.benchmark(group="colour, the plan")
def test_the_plan(benchmark: Any, frame: Acquisition, interleaved: Interleaved) -> None:
    benchmark.pedantic(ColourMode, args=(frame, interleaved), rounds=3, warmup_rounds=1)
