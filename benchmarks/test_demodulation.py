"""RF to IQ: ours, and the same mixing and filter with numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.signal import oaconvolve

from usdk.acquisition import Acquisition
from usdk.demodulation import Demodulator


@pytest.mark.benchmark(group="demodulation, pybf (3 x 192 x 2313)")
def test_ours(benchmark: Any, recording: Callable[[str], Acquisition]) -> None:
    rf = recording("pybf/rf_dataset.hdf5")
    plan = Demodulator(rf)
    benchmark(plan, rf)


@pytest.mark.benchmark(group="demodulation, pybf (3 x 192 x 2313)")
def test_scipy(benchmark: Any, recording: Callable[[str], Acquisition]) -> None:
    rf = recording("pybf/rf_dataset.hdf5")
    plan = Demodulator(rf)
    receive = rf.receive
    time_s = np.array(receive.time_zero_s)[:, None, None] + np.arange(receive.n_samples) / (
        receive.sampling_frequency_hz
    )
    carrier = np.exp(-2j * np.pi * plan.frequency_hz * time_s).astype(np.complex64)
    taps = 2 * plan._taps.reshape(1, 1, -1)

    def demodulate() -> Any:
        return oaconvolve(rf.data[0].astype(np.float32) * carrier, taps, mode="same", axes=2)

    theirs = benchmark(demodulate)
    ours = plan(rf).data[0]
    assert np.abs(theirs - ours).max() < 1e-3 * np.abs(ours).max()


@pytest.mark.benchmark(group="demodulation, W1 (11 x 128 x 2112)")
def test_ours_w1(benchmark: Any, eleven_waves: Acquisition) -> None:
    benchmark(Demodulator(eleven_waves), eleven_waves)
