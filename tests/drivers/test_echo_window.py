from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.probe import ArrayKind, Probe
from usdk.transmit import PlaneWave, SingleElement, TransmitSequence
from usdk_drivers.echo_window import deepest_within, last_echo_s
from usdk_drivers.simulator import PROBES, simulated_probe

C_M_S = 1540.0


def test_the_window_is_the_longest_path_of_a_plane_wave_by_hand() -> None:
    probe = Probe.linear(
        "three", n_elements=3, pitch_m=10e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.5
    )
    angle_rad = math.radians(10)
    sequence = TransmitSequence(transmits=(PlaneWave(azimuth_rad=angle_rad),), n_cycles=2.0)
    # Out to the edge that the wave reaches last, back to the element at the other end.
    out_m = 10e-3 * math.sin(angle_rad) + 40e-3 * math.cos(angle_rad)
    back_m = math.hypot(20e-3, 40e-3)
    pulse_s = (2.0 + 2 / 0.5) / 5e6
    (end_s,) = last_echo_s(40e-3, sequence, probe, C_M_S)
    assert end_s == pytest.approx((out_m + back_m) / C_M_S + pulse_s, rel=1e-12)


def test_a_phased_array_listens_to_its_whole_sector() -> None:
    probe = simulated_probe("phased-p4-2v")
    assert probe.kind is ArrayKind.PHASED
    sequence = TransmitSequence(transmits=(SingleElement(element=0),))
    depth_m = 0.1
    corner_m = depth_m * np.array([math.sin(math.pi / 4), 0.0, math.cos(math.pi / 4)])
    path_m = np.linalg.norm(probe.element_positions_m - corner_m, axis=1)
    (end_s,) = last_echo_s(depth_m, sequence, probe, C_M_S)
    assert end_s > (path_m[0] + path_m.max()) / C_M_S


@pytest.mark.parametrize("name", PROBES)
def test_the_deepest_depth_fills_the_time_allowed(name: str) -> None:
    probe = simulated_probe(name)
    sequence = TransmitSequence(transmits=(PlaneWave(), PlaneWave(azimuth_rad=0.3)))
    allowed_s = last_echo_s(0.07, sequence, probe, C_M_S)
    assert deepest_within(allowed_s, sequence, probe, C_M_S) == pytest.approx(0.07, abs=1e-9)


def test_no_depth_fits_no_time() -> None:
    probe = simulated_probe("phased-p4-2v")
    sequence = TransmitSequence(transmits=(PlaneWave(),))
    assert deepest_within(np.array([0.0]), sequence, probe, C_M_S) == 0.0
