"""Aligned data are planned when they are asked for, and for one run of points at a time."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform import aligned_reader
from usdk.beamform.aligned_reader import AlignedReader
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=400, time_zero_s=(0.0,))
SCAN = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 9), z_m=np.linspace(4e-3, 12e-3, 21))
DATA = np.random.default_rng(0).standard_normal((1, 16, 400)).astype(np.float32)


@pytest.mark.parametrize("interpolation", ["linear", "band-limited"])
def test_a_run_of_points_is_that_part_of_all(
    interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[slice] = []

    class CountedPlan(aligned_reader.AlignedPlan):
        def __init__(self, geometry: Geometry, method: Method, points: slice) -> None:
            made.append(points)
            super().__init__(geometry, method, points)

    monkeypatch.setattr(aligned_reader, "AlignedPlan", CountedPlan)
    method = Method(f_number=1.0, interpolation=Interpolation(interpolation))
    read = AlignedReader(Geometry(PROBE, plane_waves([5]), RECEIVE, SCAN), method)
    assert made == []
    whole = read(DATA, slice(None), None)
    part = read(DATA, slice(40, 60), None)
    again = read(2 * DATA, slice(40, 60), None)
    assert made == [slice(0, 189), slice(40, 60)]
    assert part.samples.any()
    assert np.array_equal(part.samples, whole.samples[40:60])
    assert np.array_equal(part.apodization, whole.apodization[40:60])
    assert np.array_equal(again.samples, 2 * part.samples)
