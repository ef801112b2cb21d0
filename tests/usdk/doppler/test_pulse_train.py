from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.doppler.pulse_train import MAX_PRF_HZ, PulseTrain
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "p", n_elements=4, pitch_m=2e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)


def recorded(angles: tuple[float, ...], prf_hz: float | None = 6e3, **settings: Any) -> Acquisition:
    n = len(angles)
    receive: dict[str, Any] = {"time_zero_s": (0.0,) * n} | settings
    return Acquisition(
        data=np.zeros((2, n, 4, 16), np.int16),
        probe=PROBE,
        sequence=plane_waves(angles, prf_hz=prf_hz),
        receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=16, **receive),
    )


def test_transmits_that_are_alike_are_pulses_each() -> None:
    train = PulseTrain.of(recorded((0, 0, 0)))
    assert (train.n_pulses_per_frame, train.prf_hz, train.transmit_rate_hz) == (3, 6e3, 6e3)
    assert train.pulse.data.shape[:2] == (1, 1)
    assert len(train.pulse.sequence) == 1


def test_several_angles_are_one_pulse() -> None:
    acquisition = recorded((-5, 0, 5))
    train = PulseTrain.of(acquisition)
    assert (train.n_pulses_per_frame, train.prf_hz, train.transmit_rate_hz) == (1, 2e3, 6e3)
    assert train.pulse is acquisition


def test_a_rate_that_is_given_is_that_of_the_pulses() -> None:
    train = PulseTrain.of(recorded((-5, 5), prf_hz=None), prf_hz=1e3)
    assert (train.prf_hz, train.transmit_rate_hz) == (1e3, 2e3)


@pytest.mark.parametrize(
    ("acquisition", "prf_hz", "message"),
    [
        (recorded((0,), prf_hz=None), None, "give prf_hz"),
        (recorded((0,)), 2 * MAX_PRF_HZ, "at most"),
        (recorded((0, 0), time_zero_s=(0.0, 1e-6)), None, "same time"),
    ],
)
def test_what_has_no_slow_time_is_refused(
    acquisition: Acquisition, prf_hz: float | None, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        PulseTrain.of(acquisition, prf_hz)
