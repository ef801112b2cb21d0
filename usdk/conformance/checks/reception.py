"""Gain over time and receive apertures: refused beyond the limits, told as set, and really done."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from usdk.conformance.bench import Bench
from usdk.conformance.check import check
from usdk.conformance.expect import NotApplicableError, require, require_refusal
from usdk.conformance.program import Program
from usdk.conformance.watched import WatchedFrontEnd
from usdk.errors import ArgumentError
from usdk.front_end import GainCurve, TgcLimits
from usdk.gain_curve import MAX_GAIN_POINTS

__all__ = ["CHECKS"]

EFFECT_SHARE = 1 / 3
"""Least part of a gain that must show in the samples, dB by dB: noise behind it does not rise."""

_RECEPTION = "Reception"
_GAIN_STEP_DB = 12.0
_ADVICE = (
    "compare with capabilities in _configure and raise ArgumentError before anything is sent "
    "to the device"
)


def _gain(bench: Bench) -> tuple[WatchedFrontEnd, Program, TgcLimits]:
    front_end, program = bench.adjustable()
    limits = front_end.capabilities.tgc
    if limits is None:
        raise NotApplicableError("it has no gain over time")
    return front_end, program, limits


def _with_gain(program: Program, curve: GainCurve) -> Program:
    assert program.receive is not None
    return replace(program, receive=replace(program.receive, tgc=curve))


@check("gain.limits", "a gain beyond its range is refused", requires=_RECEPTION)
def gain_limits(bench: Bench) -> str | None:
    """Ask for 1 dB more than the greatest gain, 1 dB less than the least, and too many points."""
    front_end, program, limits = _gain(bench)
    n_points = limits.max_points + 1
    wrong = {
        "a gain above the greatest": GainCurve.constant(limits.greatest_db + 1),
        "a gain below the least": GainCurve.constant(limits.least_db - 1),
    }
    if n_points <= MAX_GAIN_POINTS:
        times_s = tuple(k * max(limits.step_s, 1e-6) for k in range(n_points))
        wrong["a curve of too many points"] = GainCurve(
            times_s=times_s, gains_db=(limits.least_db,) * n_points
        )
    for what, curve in wrong.items():
        asked = _with_gain(program, curve)
        require_refusal(ArgumentError, what, partial(asked.set_on, front_end), advice=_ADVICE)
    return f"{limits.least_db:g} to {limits.greatest_db:g} dB"


@check("gain.told", "the gain that is set is told, rounded to its steps", requires=_RECEPTION)
def gain_told(bench: Bench) -> str | None:
    """Set a rising curve between the steps; compare what is told, in configuration and data."""
    front_end, program, limits = _gain(bench)
    span_db = limits.greatest_db - limits.least_db
    times_s = (0.0, 2.3 * max(limits.step_s, 1e-6), 9.7 * max(limits.step_s, 1e-6))
    gains_db = tuple(limits.least_db + part * span_db for part in (0.0, 0.32, 0.91))
    asked = GainCurve(times_s=times_s[: limits.max_points], gains_db=gains_db[: limits.max_points])
    receive = _with_gain(program, asked).set_on(front_end).receive
    advice = "return in ReceiveSettings.tgc the curve that the device really makes"
    told = receive.tgc
    require(told is not None, "no gain was told", expected="the curve that is set", advice=advice)
    assert told is not None
    step_db, step_s = limits.step_db, limits.step_s
    # Between points a shift in time changes the gain by the slope.
    slope_db_s = max((abs(np.diff(asked.gains_db)) / np.diff(asked.times_s)).tolist(), default=0.0)
    allowed_db = step_db / 2 + slope_db_s * step_s / 2 + 1e-6 + 0.01 * span_db
    worst_db = float(np.max(np.abs(told.at(asked.times_s) - np.array(asked.gains_db))))
    require(
        worst_db <= allowed_db,
        f"a gain was told that is off by {worst_db:.2f} dB",
        expected=f"within {allowed_db:.2f} dB, with steps of {step_db:g} dB and {step_s:g} s",
        advice=advice,
    )
    require(
        limits.least_db - 1e-6
        <= min(told.gains_db)
        <= max(told.gains_db)
        <= limits.greatest_db + 1e-6,
        f"a gain of {min(told.gains_db):g} to {max(told.gains_db):g} dB was told",
        expected="one in the range of capabilities",
        advice=advice,
    )
    require(
        bench.read(front_end).receive.tgc == told,
        "the data tell another gain than the configuration",
        expected="the same in both",
        advice="describe an acquisition with what was set when it was made",
    )
    return f"off by {worst_db:.3f} dB at most"


@check("gain.effect", "more gain makes greater samples", requires=_RECEPTION)
def gain_effect(bench: Bench) -> str | None:
    """Compare the samples at two gains; what is clipped or silent tells nothing."""
    front_end, program, limits = _gain(bench)
    step_db = min(_GAIN_STEP_DB, limits.greatest_db - limits.least_db)
    if step_db < 3:
        raise NotApplicableError("its gain goes over less than 3 dB")
    rms = []
    for gain_db in (limits.least_db, limits.least_db + step_db):
        _with_gain(program, GainCurve.constant(gain_db)).set_on(front_end)
        rms.append(float(np.sqrt(np.mean(np.abs(bench.read(front_end).data.astype(float)) ** 2))))
        front_end.stop()
    if min(rms) == 0:
        raise NotApplicableError("its samples are 0: put something in front of the probe")
    rise_db = 20 * math.log10(rms[1] / rms[0])
    require(
        rise_db >= EFFECT_SHARE * step_db,
        f"with {step_db:g} dB more gain the samples rose by {rise_db:.1f} dB",
        expected=f"at least {EFFECT_SHARE * step_db:.1f} dB",
        advice="send the curve to the amplifier, and not to the configuration alone",
    )
    return f"{rise_db:.1f} dB for {step_db:g} dB"


@check("aperture.limits", "more elements than receive channels are refused", requires=_RECEPTION)
def aperture_limits(bench: Bench) -> str | None:
    """Ask for one element more than can listen, and for one that is not there."""
    front_end, program = bench.adjustable()
    n_channels, n_elements = front_end.capabilities.n_receive_channels, front_end.probe.n_elements
    assert program.sequence is not None
    assert program.receive is not None
    wrong = {"a receive aperture beyond the array": (n_elements - 1, n_elements + 1)}
    if n_channels < n_elements:
        wrong["more elements than n_receive_channels"] = (0, n_channels + 1)
    for what, aperture in wrong.items():
        apertures = (aperture,) * len(program.sequence)
        asked = replace(program, receive=replace(program.receive, apertures=apertures))
        require_refusal(ArgumentError, what, partial(asked.set_on, front_end), advice=_ADVICE)
    return f"{n_channels} channels, {n_elements} elements"


@check("aperture.zeros", "elements that are not received are told, and 0", requires=_RECEPTION)
def aperture_zeros(bench: Bench) -> str | None:
    """Receive with half of the array, and compare samples with the aperture that is told."""
    front_end, program = bench.adjustable()
    n_channels, n_elements = front_end.capabilities.n_receive_channels, front_end.probe.n_elements
    assert program.sequence is not None
    assert program.receive is not None
    if n_elements < 2:
        raise NotApplicableError("it has one element")
    width = min(n_channels, max(1, n_elements // 2))
    aperture = (n_elements - width, n_elements)
    apertures = (aperture,) * len(program.sequence)
    try:
        replace(program, receive=replace(program.receive, apertures=apertures)).set_on(front_end)
    except ArgumentError as error:
        raise NotApplicableError(f"it always receives all elements: {error}") from None
    acquisition = bench.read(front_end)
    heard = np.any(acquisition.data, axis=(0, 1, 3))
    if acquisition.receive.apertures is None and heard[: aperture[0]].any():
        raise NotApplicableError("it always receives all elements, and says so")
    require(
        acquisition.receive.apertures == apertures,
        f"of elements {aperture} the apertures {acquisition.receive.apertures} were told",
        expected=f"{aperture} for each transmit",
        advice="return in ReceiveSettings.apertures which elements listen",
    )
    require(
        not heard[: aperture[0]].any(),
        f"elements that were not received hold samples, {int(heard[: aperture[0]].sum())} of them",
        expected="0 where nothing was received",
        advice="clear the samples of elements that do not listen, and put what came in its place",
    )
    return f"elements {aperture[0]} to {aperture[1] - 1} of {n_elements}"


CHECKS = (gain_limits, gain_told, gain_effect, aperture_limits, aperture_zeros)
