from __future__ import annotations

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.doppler.sample_window import sample_window
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import diverging_waves, focused_lines, plane_waves
from usdk.transmit import TransmitSequence

LINEAR = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
PHASED = Probe.linear(
    "P",
    kind="phased",
    n_elements=32,
    pitch_m=0.2e-3,
    centre_frequency_hz=3e6,
    fractional_bandwidth=0.6,
)
BOX = LinearScan(x_m=np.linspace(-2e-3, 3e-3, 9), z_m=np.linspace(10e-3, 16e-3, 60))
FAN = SectorScan(angles_rad=np.linspace(-0.4, 0.2, 9), ranges_m=np.linspace(12e-3, 18e-3, 60))


@pytest.mark.parametrize(
    ("probe", "sequence", "scan", "f_number"),
    [
        (LINEAR, plane_waves([0]), BOX, 1.0),
        (LINEAR, plane_waves([-12, 5]), BOX, 1.5),
        (LINEAR, focused_lines(LINEAR, n_lines=6, focus_depth_m=12e-3), BOX, 1.0),
        (PHASED, diverging_waves(PHASED, tilts_deg=[-10, 10]), FAN, 0.0),
        (PHASED, diverging_waves(PHASED), BOX, 0.0),
    ],
    ids=["plane", "steered", "focused", "diverging", "open"],
)
def test_no_sample_outside_the_window_counts_and_it_is_tight(
    probe: Probe, sequence: TransmitSequence, scan: LinearScan, f_number: float
) -> None:
    n = len(sequence)
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=1400, time_zero_s=(-1e-6,) * n)
    first, stop = sample_window(probe, sequence, receive, scan, f_number=f_number, margin=1)
    assert 0 < first < stop < 1400
    plan = Beamformer(probe, sequence, receive, scan, f_number=f_number, normalize=False)
    data = np.ones((n, 32, 1400), np.float32)
    whole = plan(data)
    outside = data.copy()
    outside[..., first:stop] = 0
    assert not plan(outside).any()
    if probe is LINEAR and len(sequence) == 6:
        return  # Of beams that do not reach the box no sample is read, but all count here.
    # A few samples at either end are read.
    ends = data.copy()
    ends[..., first + 4 : stop - 4] = 0
    assert np.abs(plan(ends)).sum() > 0
    np.testing.assert_array_equal(plan(data - outside), whole)


def test_points_that_nothing_hears_leave_the_record_as_it_is() -> None:
    behind = LinearScan(x_m=[0.0, 1e-3], z_m=[-5e-3, -4e-3])
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=100, time_zero_s=(0.0,))
    beyond = LinearScan(x_m=[0.0, 1e-3], z_m=[0.1, 0.11])
    for scan in (behind, beyond):
        window = sample_window(LINEAR, plane_waves(), receive, scan, f_number=1.0, margin=1)
        assert window == (0, 100)
