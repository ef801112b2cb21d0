from __future__ import annotations

import math
from dataclasses import replace

import pytest

from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, ReceiveRequest
from usdk.front_end.limits import require_within_limits
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.transmit import PlaneWave, SingleElement, Transmit, TransmitSequence

PROBE = Probe.linear(
    "eight", n_elements=8, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
CAPABILITIES = Capabilities(
    n_transmit_channels=4,
    n_receive_channels=8,
    sampling_frequencies_hz=(40e6, 20e6),
    max_samples=1000,
    max_transmits=3,
    max_prf_hz=5e3,
)
DEPTH = ReceiveRequest(depth_m=0.02)
QUARTER = PlaneWave(aperture=(0, 4))


def sequence(*transmits: Transmit, prf_hz: float | None = None) -> TransmitSequence:
    return TransmitSequence(transmits=transmits or (QUARTER,), prf_hz=prf_hz)


def require(
    program: TransmitSequence | None = None,
    receive: ReceiveRequest | None = DEPTH,
    **limits: object,
) -> None:
    capabilities = replace(CAPABILITIES, **limits)  # type: ignore[arg-type]
    require_within_limits(program, receive, PROBE, capabilities, "the device")


def test_what_is_just_within_the_limits_passes() -> None:
    require(sequence(QUARTER, QUARTER, SingleElement(element=7), prf_hz=5e3))
    for rate_hz in (20e6, 40e6, 40e6 * (1 + 1e-12)):
        require(receive=replace(DEPTH, sampling_frequency_hz=rate_hz))
    require(None, None)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (sequence(*[QUARTER] * 4), r"has 4 transmits, the device takes at most 3 \(max_transmits"),
        (sequence(prf_hz=5001), r"PRF of 5001 Hz, the device keeps at most 5000 Hz \(max_prf_hz"),
        (sequence(QUARTER, PlaneWave()), r"transmit 1 fires 8 .* at most 4 .*n_transmit_channels"),
        (sequence(SingleElement(element=8)), "element 8 does not exist"),
        (sequence(PlaneWave(aperture=(7, 9))), "needs 9 elements"),
    ],
)
def test_a_program_beyond_a_limit_is_refused_with_its_name_and_value(
    program: TransmitSequence, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        require(program)


def test_a_rate_that_is_not_on_offer_is_refused_with_those_that_are() -> None:
    receive = replace(DEPTH, sampling_frequency_hz=30e6)
    with pytest.raises(ArgumentError, match=r"30 MHz .* 20, 40 MHz \(sampling_frequencies_hz\)"):
        require(receive=receive)


def test_a_prf_limit_that_is_unknown_limits_nothing() -> None:
    require(sequence(prf_hz=1e6), max_prf_hz=math.nan)


def test_a_device_with_its_own_sequence_compares_by_itself() -> None:
    require(plane_waves((-1, 0, 1, 2)), sequence_is_fixed=True)
