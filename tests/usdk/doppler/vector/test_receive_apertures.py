from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.doppler.vector.receive_apertures import apertures_of, part_of
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import PlaneWave, TransmitSequence

PROBE = Probe.linear(
    "p", n_elements=8, pitch_m=2e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECORDED = Acquisition(
    data=np.zeros((1, 1, 8, 16), np.int16),
    probe=PROBE,
    sequence=plane_waves(),
    receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=16, time_zero_s=(0.0,)),
)


def test_the_whole_array_listens_unless_apertures_are_asked_for():
    assert apertures_of(RECORDED, None) == [(0, 8)]
    assert apertures_of(RECORDED, np.array([[0, 3], [5, 8]])) == [(0, 3), (5, 8)]


@pytest.mark.parametrize("wanted", [[], [(0, 9)], [(3, 3)], [(-1, 4)], [3], [(0, "far")]])
def test_apertures_lie_within_the_probe(wanted):
    with pytest.raises(ArgumentError, match="receive_apertures must"):
        apertures_of(RECORDED, wanted)


def test_waves_that_part_of_the_array_sends_are_refused():
    part = TransmitSequence(transmits=(PlaneWave(aperture=(0, 4)),))
    with pytest.raises(ArgumentError, match="whole array"):
        apertures_of(replace(RECORDED, sequence=part), [(0, 4)])


def test_a_part_has_the_places_of_its_elements():
    assert part_of(PROBE, 0, 8) is PROBE
    part = part_of(PROBE, 2, 5)
    np.testing.assert_array_equal(part.element_positions_m, PROBE.element_positions_m[2:5])
    np.testing.assert_array_equal(part.element_normals, PROBE.element_normals[2:5])
