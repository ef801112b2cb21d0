"""What was asked for is what was set, and the answer says what was really set."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from usdk.conformance.bench import Bench
from usdk.conformance.check import Check, check
from usdk.conformance.expect import NotApplicableError, require, require_refusal
from usdk.conformance.program import middle_aperture
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, Configuration, FrontEndState, ReceiveRequest
from usdk.probe import ArrayKind, Probe
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    Transmit,
    TransmitSequence,
)

__all__ = ["CHECKS"]

MANY_TRANSMITS = 64
MAX_RATES_TRIED = 8
SOUND_SPEED_M_S = 1480.0
RATE_TOLERANCE = 1e-6

_CONFIGURATION = "Configuration"
_DEEPER = (1.0, 1.5, 2.0)


@check("configure.answer", "configure returns what was really set", requires=_CONFIGURATION)
def answer(bench: Bench) -> str | None:
    """See that sequence, rate, samples and clock are given, and within the limits."""
    front_end, program = bench.ready()
    configuration, limits = front_end.configuration, front_end.capabilities
    receive, n_transmits = configuration.receive, len(configuration.sequence)
    require(
        front_end.state is FrontEndState.CONFIGURED,
        f"after configure the state is {front_end.state}",
        expected="configured",
        advice="leave the state to the base class",
    )
    require(
        program.sequence is None or configuration.sequence == program.sequence,
        f"asked for {program.sequence and program.sequence.describe()}, "
        f"set {configuration.sequence.describe()}",
        expected="the sequence that was asked for, or ArgumentError",
        advice="return the sequence as it came; what the device rounds belongs into time_zero_s",
    )
    require(
        len(receive.time_zero_s) == n_transmits,
        f"{len(receive.time_zero_s)} values of time_zero_s for {n_transmits} transmits",
        expected="one for each transmit",
        advice="compute them with usdk.acquisition.time_zero_s",
    )
    require(
        receive.n_samples <= limits.max_samples and n_transmits <= limits.max_transmits,
        f"{n_transmits} transmits of {receive.n_samples} samples were set",
        expected=f"at most {limits.max_transmits} of {limits.max_samples}",
        advice="declare the true limits in capabilities",
    )
    require(
        _is_offered(receive.sampling_frequency_hz, limits) or receive.demodulation_frequency_hz > 0,
        f"it samples at {receive.sampling_frequency_hz:g} Hz",
        expected=f"one of {limits.sampling_frequencies_hz}",
        advice="list in capabilities the rates at which samples really come",
    )
    _require_frame_rate(configuration, limits)
    return f"{n_transmits} transmits, {receive.n_samples} samples"


@check("configure.depth", "the record reaches the depth asked for", requires=_CONFIGURATION)
def depth(bench: Bench) -> str | None:
    """See that the last sample is taken after the echo from there has come back."""
    front_end, program = bench.ready()
    if program.receive is None:
        has = front_end.configuration.receive
        wanted_m = has.reach_m / 2
        if wanted_m <= 0:
            raise NotApplicableError("its record ends before it begins to look")
        set_to = front_end.configure(None, ReceiveRequest(depth_m=wanted_m)).receive
        require(
            set_to.depth_m <= wanted_m * (1 + RATE_TOLERANCE),
            f"asked to look {wanted_m * 1e3:.2f} mm deep, depth_m is {set_to.depth_m * 1e3:.2f} mm",
            expected="wanted_depth_m to be what was asked for",
            advice="keep the depth asked for in ReceiveSettings.wanted_depth_m",
        )
        require_refusal(
            ArgumentError,
            "a depth beyond its samples",
            lambda: front_end.configure(None, ReceiveRequest(depth_m=has.reach_m * 1.5)),
            advice="refuse a depth that the fixed record does not reach",
        )
        return f"{has.reach_m * 1e3:.1f} mm"
    reached_m = 0.0
    for factor in _DEEPER:
        wanted_m = program.receive.depth_m * factor
        request = replace(program.receive, depth_m=wanted_m)
        try:
            receive = front_end.configure(program.sequence, request).receive
        except ArgumentError:
            break
        reached_m = receive.reach_m
        require(
            reached_m >= wanted_m,
            f"asked for {wanted_m * 1e3:.1f} mm, the samples reach {reached_m * 1e3:.1f} mm",
            expected="at least the depth asked for",
            advice="listen for 2 × depth / sound speed and the length of the pulse, after the "
            "wave has left",
        )
    return f"{reached_m * 1e3:.1f} mm"


@check("configure.rate", "every sampling frequency on offer can be set", requires=_CONFIGURATION)
def rate(bench: Bench) -> str | None:
    """Ask for each rate, and see that it was set."""
    front_end, program = bench.ready()
    limits = front_end.capabilities
    receive = program.receive
    if receive is None:
        receive = ReceiveRequest(depth_m=max(front_end.configuration.receive.reach_m / 2, 1e-6))
    rates_hz = limits.sampling_frequencies_hz[:MAX_RATES_TRIED]
    # The least depth, so that the number of samples is no reason to refuse.
    for rate_hz in rates_hz:
        request = replace(receive, sampling_frequency_hz=rate_hz)
        set_hz = front_end.configure(program.sequence, request).receive.sampling_frequency_hz
        require(
            math.isclose(set_hz, rate_hz, rel_tol=RATE_TOLERANCE),
            f"asked for {rate_hz:g} Hz, set {set_hz:g} Hz",
            expected="the rate that was asked for",
            advice="set it, or take it from capabilities",
        )
    return f"{len(rates_hz)} rates"


@check("configure.sound-speed", "it computes with the sound speed given", requires=_CONFIGURATION)
def sound_speed(bench: Bench) -> str | None:
    """See that the answer names the sound speed for which delays were computed."""
    front_end, program = bench.adjustable()
    assert program.receive is not None
    request = replace(program.receive, sound_speed_m_s=SOUND_SPEED_M_S)
    try:
        receive = front_end.configure(program.sequence, request).receive
    except ArgumentError as error:
        raise NotApplicableError(f"it refuses {SOUND_SPEED_M_S:g} m/s: {error}") from None
    require(
        receive.sound_speed_m_s == SOUND_SPEED_M_S,
        f"asked for {SOUND_SPEED_M_S:g} m/s, set {receive.sound_speed_m_s:g} m/s",
        expected="the sound speed that was asked for",
        advice="compute firing delays with ReceiveRequest.sound_speed_m_s and return it",
    )
    return None


@check(
    "configure.again", "a second configure takes the place of the first", requires=_CONFIGURATION
)
def again(bench: Bench) -> str | None:
    """See that what is read after a change is of the new configuration."""
    front_end, program = bench.adjustable()
    assert program.sequence is not None
    assert program.receive is not None
    bench.read(front_end)
    front_end.stop()
    other = TransmitSequence(transmits=program.sequence.transmits[:1])
    request = program.receive
    for factor in (1.5, 0.75, 1.0):
        try:
            request = replace(program.receive, depth_m=program.receive.depth_m * factor)
            configuration = front_end.configure(other, request)
        except ArgumentError:
            continue
        _require_read(bench, front_end, configuration)
        return f"{request.depth_m * 1e3:.1f} mm"
    raise NotApplicableError("it takes no other program")


def _is_offered(rate_hz: float, limits: Capabilities) -> bool:
    return any(
        math.isclose(rate_hz, offered, rel_tol=RATE_TOLERANCE)
        for offered in limits.sampling_frequencies_hz
    )


def _require_frame_rate(configuration: Configuration, limits: Capabilities) -> None:
    rate_hz, n_transmits = configuration.frame_rate_hz, len(configuration.sequence)
    if limits.sequence_is_fixed and math.isnan(rate_hz):
        return
    require(
        math.isfinite(rate_hz) and rate_hz > 0,
        f"frame_rate_hz is {rate_hz!r}",
        expected="positive and finite",
        advice="compute it from the pulse repetition frequency that is really set",
    )
    require(
        not rate_hz * n_transmits > limits.max_prf_hz * (1 + RATE_TOLERANCE),
        f"{rate_hz:g} frames/s of {n_transmits} transmits exceed max_prf_hz = "
        f"{limits.max_prf_hz:g}",
        expected="a frame rate within the declared limit",
        advice="divide the pulse repetition frequency by the number of transmits",
    )


def _require_read(bench: Bench, front_end: WatchedFrontEnd, configuration: Configuration) -> None:
    acquisition = bench.read(front_end)
    expected = (
        1,
        len(configuration.sequence),
        front_end.probe.n_elements,
        configuration.receive.n_samples,
    )
    require(
        acquisition.data.shape == expected and acquisition.sequence == configuration.sequence,
        f"read {acquisition.sequence.describe()} of shape {acquisition.data.shape}",
        expected=f"{configuration.sequence.describe()} of shape {expected}",
        advice="take the shape from the configuration that was set last, and drop what the "
        "device still sends of the one before",
    )


Waves = Callable[[Probe, Capabilities, float], tuple[Transmit, ...]]


def _plane(probe: Probe, limits: Capabilities, depth_m: float) -> tuple[Transmit, ...]:
    return (PlaneWave(azimuth_rad=math.radians(3), aperture=middle_aperture(probe, limits)),)


def _diverging(probe: Probe, limits: Capabilities, depth_m: float) -> tuple[Transmit, ...]:
    source_m = (0.0, 0.0, -depth_m)
    if probe.kind is ArrayKind.CURVED:
        x_m, y_m, z_m = (float(value) for value in probe.centre_of_curvature_m)
        source_m = (x_m, y_m, z_m)
    return (DivergingWave(source_m=source_m, aperture=middle_aperture(probe, limits)),)


def _focused(probe: Probe, limits: Capabilities, depth_m: float) -> tuple[Transmit, ...]:
    aperture = middle_aperture(probe, limits)
    return (FocusedWave(focus_m=(0.0, 0.0, depth_m / 2), aperture=aperture),)


def _single(probe: Probe, limits: Capabilities, depth_m: float) -> tuple[Transmit, ...]:
    return (SingleElement(element=probe.n_elements - 1),)


def _many(probe: Probe, limits: Capabilities, depth_m: float) -> tuple[Transmit, ...]:
    n_transmits = min(MANY_TRANSMITS, limits.max_transmits)
    return tuple(SingleElement(element=index % probe.n_elements) for index in range(n_transmits))


def _sends(name: str, title: str, waves: Waves) -> Check:
    """Return the check that a kind of transmit is set and read, or refused with a reason."""

    def run(bench: Bench) -> str | None:
        front_end, program = bench.adjustable()
        assert program.receive is not None
        transmits = waves(front_end.probe, front_end.capabilities, program.receive.depth_m)
        sequence = TransmitSequence(transmits=transmits)
        try:
            configuration = front_end.configure(sequence, program.receive)
        except ArgumentError as error:
            raise NotApplicableError(f"it refuses {sequence.describe()}: {error}") from None
        require(
            configuration.sequence == sequence,
            f"asked for {sequence.describe()}, set {configuration.sequence.describe()}",
            expected="the sequence that was asked for, or ArgumentError",
            advice="send what was asked for, or refuse it",
        )
        _require_read(bench, front_end, configuration)
        return f"{sequence.describe()}, {configuration.receive.n_samples} samples"

    return check(f"configure.{name}", title, requires=_CONFIGURATION)(run)


CHECKS = (
    answer,
    depth,
    rate,
    sound_speed,
    _sends("plane", "a steered plane wave is set and read", _plane),
    _sends("diverging", "a diverging wave is set and read", _diverging),
    _sends("focused", "a focused wave is set and read", _focused),
    _sends("single-element", "the last element alone is set and read", _single),
    _sends("many", f"{MANY_TRANSMITS} transmits in a frame are set and read", _many),
    again,
)
