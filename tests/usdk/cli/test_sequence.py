from __future__ import annotations

import numpy as np
import pytest

from usdk.cli.sequence import sequence_for
from usdk.errors import ArgumentError
from usdk.front_end import open_front_end
from usdk.probe import ArrayKind, Probe
from usdk.scan import scan_for


def simulated(name: str) -> Probe:
    with open_front_end(f"sim:{name}") as front_end:
        return front_end.probe


def test_angles_that_are_given_are_sent_by_any_array() -> None:
    for name in ("linear-l11-5v", "phased-p4-2v", "convex-c5-2v"):
        sequence = sequence_for(simulated(name), [-5.0, 5.0])
        assert sequence.describe() == "2 × plane"


@pytest.mark.parametrize(
    ("name", "described"),
    [
        ("linear-l11-5v", "3 × plane"),
        ("phased-p4-2v", "3 × diverging"),
        ("convex-c5-2v", "3 × diverging"),
    ],
)
def test_the_usual_sequence_lights_all_of_the_natural_scan(name: str, described: str) -> None:
    probe = simulated(name)
    sequence = sequence_for(probe, None)
    assert sequence.describe() == described
    points_m = scan_for(probe, depth_m=40e-3).points_m()[:, -1]
    lit = np.zeros(len(points_m), bool)
    for transmit in sequence.transmits:
        delays_s = transmit.element_delays_s(probe, 1540.0)
        arrival_s = transmit.arrival_time_s(points_m, probe, 1540.0)
        distances_m = np.linalg.norm(points_m[:, None] - probe.element_positions_m, axis=-1)
        # Huygens: where a wavefront passes, its first wavelet from the array arrives with it.
        first_s = np.min(delays_s + distances_m / 1540.0, axis=1)
        lit |= np.abs(first_s - arrival_s) < 0.1 / probe.centre_frequency_hz
    assert lit.mean() > 0.95


def test_an_array_of_no_usual_kind_needs_angles() -> None:
    probe = Probe.matrix(
        "m",
        n_elements_x=4,
        n_elements_y=4,
        pitch_m=3e-4,
        centre_frequency_hz=3e6,
        fractional_bandwidth=0.6,
    )
    assert probe.kind is ArrayKind.MATRIX
    with pytest.raises(ArgumentError, match="--angles"):
        sequence_for(probe, None)
