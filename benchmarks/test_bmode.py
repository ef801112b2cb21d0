"""End to end: channel data as they come from a device, to the grey frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from usdk.acquisition import Acquisition
from usdk.bmode import BMode
from usdk.scan import LinearScan

RECORDINGS = {
    "pybf": "pybf/rf_dataset.hdf5",
    "soleym": "soleym/rf_dataset.hdf5",
    "phased": "simus/p4_2v_diverging7.npz",
    "convex": "simus/c5_2v_allfire_sta12.npz",
    "disk": "pymust/PWI_disk.mat",
}


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.benchmark(group="B-mode, one frame, end to end")
def test_a_frame(benchmark: Any, recording: Callable[[str], Acquisition], name: str) -> None:
    rf = recording(RECORDINGS[name])
    plan = BMode(rf)
    benchmark.pedantic(plan, args=(rf,), rounds=9, warmup_rounds=1)


@pytest.mark.benchmark(group="B-mode, one frame, end to end")
def test_w1(benchmark: Any, eleven_waves: Acquisition, w1_scan: LinearScan) -> None:
    plan = BMode(eleven_waves, scan=w1_scan)
    benchmark.pedantic(plan, args=(eleven_waves,), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.benchmark(group="B-mode, the plan")
def test_a_plan(benchmark: Any, recording: Callable[[str], Acquisition], name: str) -> None:
    rf = recording(RECORDINGS[name])
    benchmark.pedantic(BMode, args=(rf,), rounds=3, warmup_rounds=1)
