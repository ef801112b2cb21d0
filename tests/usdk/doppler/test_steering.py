from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.doppler.steering import beam_angle_rad, depth_period_s
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import plane_waves
from usdk.transmit import DivergingWave, FocusedWave, TransmitSequence

LINES = LinearScan(x_m=np.linspace(-1e-2, 1e-2, 5), z_m=np.linspace(1e-2, 2e-2, 11))
FAN = SectorScan(angles_rad=np.linspace(-0.4, 0.4, 5), ranges_m=np.linspace(1e-2, 2e-2, 11))
STRAIGHT_S = 2 * 1e-3 / 1540


def beams(*focuses_m: tuple[float, float], origins_m: tuple[float, ...]) -> TransmitSequence:
    return TransmitSequence(
        transmits=tuple(
            FocusedWave(focus_m=(x, 0, z), origin_m=(at, 0, 0))
            for (x, z), at in zip(focuses_m, origins_m, strict=True)
        )
    )


def test_waves_sent_aslant_and_received_straight_look_halfway() -> None:
    sequence = plane_waves((20,))
    assert beam_angle_rad(sequence, LINES) == pytest.approx(math.radians(10))
    expected_s = STRAIGHT_S * (1 + math.cos(math.radians(20))) / 2
    assert depth_period_s(sequence, LINES, 1540.0) == pytest.approx(expected_s)


def test_angles_that_are_compounded_count_by_their_mean() -> None:
    assert beam_angle_rad(plane_waves((-10, 0, 10)), LINES) == pytest.approx(0)
    assert beam_angle_rad(plane_waves((10, 20)), LINES) == pytest.approx(math.radians(7.5))


def test_parallel_beams_have_an_angle_and_others_none() -> None:
    parallel = beams((2e-3, 2e-2), (7e-3, 2e-2), origins_m=(0.0, 5e-3))
    assert beam_angle_rad(parallel, LINES) == pytest.approx(math.atan2(2, 20) / 2)
    fanned = beams((-4e-3, 2e-2), (4e-3, 2e-2), origins_m=(0.0, 0.0))
    assert math.isnan(beam_angle_rad(fanned, LINES))
    # Where nothing is known the beams are taken for straight.
    assert depth_period_s(fanned, LINES, 1540.0) == pytest.approx(STRAIGHT_S)


def test_lines_that_fan_out_and_waves_that_diverge_have_no_one_angle() -> None:
    assert math.isnan(beam_angle_rad(plane_waves((20,)), FAN))
    assert depth_period_s(plane_waves((20,)), FAN, 1540.0) == pytest.approx(STRAIGHT_S)
    diverging = TransmitSequence(transmits=(DivergingWave(source_m=(0, 0, -1e-2)),))
    assert math.isnan(beam_angle_rad(diverging, LINES))
