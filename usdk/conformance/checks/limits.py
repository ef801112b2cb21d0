"""What exceeds a declared limit is refused, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from usdk.conformance.bench import Bench
from usdk.conformance.check import Check, check
from usdk.conformance.expect import DeviationError, NotApplicableError, require, require_refusal
from usdk.conformance.program import Program
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError, UsdkError
from usdk.transmit import MAX_TRANSMITS, PlaneWave, SingleElement, TransmitSequence

__all__ = ["CHECKS"]

PRF_FACTOR = 2.0
SAMPLES_FACTOR = 2.0
# Between the rates that converters have, and beyond the greatest.
RATE_FACTOR = 1.37

_LIMITS = "Limits"
_ADVICE = (
    "compare with capabilities in _configure and raise ArgumentError before anything is sent "
    "to the device"
)

Excess = Callable[[WatchedFrontEnd, Program], Program]


def _transmits(front_end: WatchedFrontEnd, program: Program) -> Program:
    limit = front_end.capabilities.max_transmits
    if limit >= MAX_TRANSMITS:
        raise NotApplicableError(f"it takes as many transmits as a sequence can have ({limit})")
    transmits = (SingleElement(element=0),) * (limit + 1)
    return replace(program, sequence=TransmitSequence(transmits=transmits))


def _prf(front_end: WatchedFrontEnd, program: Program) -> Program:
    assert program.sequence is not None
    prf_hz = PRF_FACTOR * front_end.capabilities.max_prf_hz
    return replace(program, sequence=replace(program.sequence, prf_hz=prf_hz))


def _samples(front_end: WatchedFrontEnd, program: Program) -> Program:
    assert program.receive is not None
    limits, receive = front_end.capabilities, program.receive
    rate_hz = max(limits.sampling_frequencies_hz)
    listening_s = SAMPLES_FACTOR * limits.max_samples / rate_hz
    depth_m = listening_s * receive.sound_speed_m_s / 2
    return replace(
        program, receive=replace(receive, depth_m=depth_m, sampling_frequency_hz=rate_hz)
    )


def _rate(front_end: WatchedFrontEnd, program: Program) -> Program:
    assert program.receive is not None
    rate_hz = RATE_FACTOR * max(front_end.capabilities.sampling_frequencies_hz)
    return replace(program, receive=replace(program.receive, sampling_frequency_hz=rate_hz))


def _channels(front_end: WatchedFrontEnd, program: Program) -> Program:
    n_firing, n_elements = front_end.capabilities.n_transmit_channels, front_end.probe.n_elements
    if n_firing >= n_elements:
        raise NotApplicableError("all of its elements can fire at once")
    wave = PlaneWave(aperture=(0, n_firing + 1))
    return replace(program, sequence=TransmitSequence(transmits=(wave,)))


def _element(front_end: WatchedFrontEnd, program: Program) -> Program:
    nobody = SingleElement(element=front_end.probe.n_elements)
    return replace(program, sequence=TransmitSequence(transmits=(nobody,)))


_EXCESSES: tuple[tuple[str, str, Excess], ...] = (
    ("transmits", "more transmits than max_transmits", _transmits),
    ("prf", "a pulse repetition frequency above max_prf_hz", _prf),
    ("samples", "more samples than max_samples", _samples),
    ("rate", "a sampling frequency that is not on offer", _rate),
    ("channels", "more firing elements than n_transmit_channels", _channels),
    ("element", "an element that the probe does not have", _element),
)


def _refuses(name: str, what: str, excess: Excess) -> Check:
    def run(bench: Bench) -> str | None:
        front_end, program = bench.adjustable()
        too_much = excess(front_end, program)
        error = require_refusal(
            ArgumentError, what, lambda: too_much.set_on(front_end), advice=_ADVICE
        )
        return str(error)

    return check(f"limits.{name}", f"{what} is refused", requires=_LIMITS)(run)


@check("limits.unchanged", "what is refused changes nothing", requires=_LIMITS)
def unchanged(bench: Bench) -> str | None:
    """Compare configuration, state and data after each refusal with those before."""
    front_end, program = bench.adjustable()
    configuration, state = front_end.configuration, front_end.state
    n_refused = 0
    for _, what, excess in _EXCESSES:
        with suppress(NotApplicableError):
            try:
                excess(front_end, program).set_on(front_end)
            except (UsdkError, DeviationError):
                # Whether it was refused as it must be is for another check to say.
                n_refused += 1
            else:
                configuration = program.set_on(front_end)
        require(
            front_end.configuration == configuration and front_end.state is state,
            f"after {what} was refused, the state is {front_end.state} and the configuration "
            "is another",
            expected="state and configuration as before",
            advice=_ADVICE,
        )
        acquisition = bench.read(front_end)
        expected = (
            1,
            len(configuration.sequence),
            front_end.probe.n_elements,
            configuration.receive.n_samples,
        )
        require(
            acquisition.data.shape == expected and acquisition.receive == configuration.receive,
            f"after {what} was refused, data of shape {acquisition.data.shape} came",
            expected=f"shape {expected}, as set before",
            advice=_ADVICE,
        )
        front_end.stop()
        state = front_end.state
    return f"{n_refused} refusals"


CHECKS = (*(_refuses(*entry) for entry in _EXCESSES), unchanged)
