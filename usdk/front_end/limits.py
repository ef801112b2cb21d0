"""Limits: what is asked of a front-end, compared with what it declares, before it hears of it."""

from __future__ import annotations

import math

import numpy as np

from usdk.errors import ArgumentError, DeviceFailedError
from usdk.front_end.description import Capabilities, Configuration, ReceiveRequest
from usdk.gain_curve import GainCurve
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["require_kept_limits", "require_within_limits"]

# What arithmetic, or a device's rounding, may add to a limit that is met exactly.
_TOLERANCE = 1 + 1e-6
# Which elements fire does not depend on it.
_SOUND_SPEED_M_S = 1540.0


def require_within_limits(
    sequence: TransmitSequence | None,
    receive: ReceiveRequest | None,
    probe: Probe,
    capabilities: Capabilities,
    model: str,
) -> None:
    """Refuse what exceeds a declared limit; the driver checks what it alone can know.

    How many samples a depth takes, for one, depends on when a device begins to listen. A device
    with a sequence of its own compares what is asked with that.

    Raises
    ------
    ArgumentError
        With the name of the limit, its value, and what was asked.
    """
    if capabilities.sequence_is_fixed:
        return
    if receive is not None:
        _require_rate(receive, capabilities, model)
        if receive.tgc is not None:
            _require_gain(receive.tgc, capabilities, model)
    if sequence is None:
        return
    if len(sequence) > capabilities.max_transmits:
        raise ArgumentError(
            f"the sequence has {len(sequence)} transmits, {model} takes at most "
            f"{capabilities.max_transmits} (max_transmits): send fewer"
        )
    if sequence.prf_hz is not None and sequence.prf_hz > capabilities.max_prf_hz:
        raise ArgumentError(
            f"the sequence asks for a PRF of {sequence.prf_hz:g} Hz, {model} keeps at most "
            f"{capabilities.max_prf_hz:g} Hz (max_prf_hz): ask for less"
        )
    _require_duty(sequence, probe, capabilities, model)
    if receive is not None and receive.apertures is not None:
        _require_apertures(receive.apertures, sequence, probe, capabilities, model)
    _require_channels(sequence, probe, capabilities, model)


def require_kept_limits(
    configuration: Configuration, probe: Probe, capabilities: Capabilities, model: str
) -> None:
    """Refuse what a device says that it set if it is beyond the limits that it declares itself.

    Where no PRF is asked for the device chooses one: it must not send for longer than it may.

    Raises
    ------
    DeviceFailedError
        With the name of the limit, its value, and what was set.
    """
    can, sequence, receive = capabilities, configuration.sequence, configuration.receive
    if can.sequence_is_fixed:
        return
    prf_hz = configuration.frame_rate_hz * len(sequence)
    frequency_hz = sequence.frequency_hz or probe.centre_frequency_hz
    found = {
        "max_prf_hz": (prf_hz, can.max_prf_hz),
        "max_duty_cycle": (sequence.n_cycles / frequency_hz * prf_hz, can.max_duty_cycle),
        "max_cycles": (sequence.n_cycles, can.max_cycles),
        "max_transmits": (len(sequence), can.max_transmits),
        "max_samples": (receive.n_samples, can.max_samples),
    }
    for name, (is_set, most) in found.items():
        # A rate that the device does not tell is unknown, not too fast.
        if most is not None and is_set > most * _TOLERANCE:
            raise DeviceFailedError(
                f"{model} set {is_set:g} where it declares at most {most:g} ({name}): it is not "
                "started; ask for a PRF, and tell the maker"
            )


def _require_gain(tgc: GainCurve, capabilities: Capabilities, model: str) -> None:
    if capabilities.tgc is None:
        raise ArgumentError(
            f"{model} has no gain over time (tgc): leave it out, and let the picture's own "
            "processing make up for attenuation"
        )
    capabilities.tgc.require(tgc, model)


def _require_duty(
    sequence: TransmitSequence, probe: Probe, capabilities: Capabilities, model: str
) -> None:
    """Refuse pulses that are too long, or too long for how often they come."""
    n_cycles, greatest = sequence.n_cycles, capabilities.max_cycles
    if greatest is not None and n_cycles > greatest:
        raise ArgumentError(
            f"the pulse has {n_cycles:g} cycles, {model} sends at most {greatest:g} (max_cycles): "
            "send a shorter one"
        )
    most = capabilities.max_duty_cycle
    if most is None or sequence.prf_hz is None:
        return
    duty = n_cycles / (sequence.frequency_hz or probe.centre_frequency_hz) * sequence.prf_hz
    if duty > most:
        raise ArgumentError(
            f"a pulse of {n_cycles:g} cycles at a PRF of {sequence.prf_hz:g} Hz sends for "
            f"{duty:.3%} of the time, {model} for at most {most:.3%} (max_duty_cycle): lower the "
            "PRF, or send a shorter pulse"
        )


def _require_apertures(
    apertures: tuple[tuple[int, int], ...],
    sequence: TransmitSequence,
    probe: Probe,
    capabilities: Capabilities,
    model: str,
) -> None:
    if len(apertures) != len(sequence):
        raise ArgumentError(
            f"{len(apertures)} receive apertures for {len(sequence)} transmits: give one "
            "(first, stop) per transmit"
        )
    for index, (first, stop) in enumerate(apertures):
        if stop > probe.n_elements:
            raise ArgumentError(
                f"receive aperture {index} ends at element {stop}, {probe.name} has "
                f"{probe.n_elements} elements"
            )
        if stop - first > capabilities.n_receive_channels:
            raise ArgumentError(
                f"transmit {index} is to be received by {stop - first} elements, {model} has "
                f"{capabilities.n_receive_channels} channels (n_receive_channels): send it twice "
                "with half an aperture each, see usdk.multiplexed"
            )


def _require_rate(receive: ReceiveRequest, capabilities: Capabilities, model: str) -> None:
    wanted_hz = receive.sampling_frequency_hz
    rates_hz = capabilities.sampling_frequencies_hz
    if wanted_hz is None or any(math.isclose(wanted_hz, one, rel_tol=1e-9) for one in rates_hz):
        return
    offer = ", ".join(f"{rate_hz / 1e6:g}" for rate_hz in sorted(rates_hz))
    raise ArgumentError(
        f"{wanted_hz / 1e6:g} MHz is not on offer; {model} samples at {offer} MHz "
        "(sampling_frequencies_hz): ask for one of these, or for none"
    )


def _require_channels(
    sequence: TransmitSequence, probe: Probe, capabilities: Capabilities, model: str
) -> None:
    # One transmit at a time: all delays of a long sequence on a matrix array would be gigabytes.
    for index, transmit in enumerate(sequence.transmits):
        delays_s = transmit.element_delays_s(probe, _SOUND_SPEED_M_S)
        n_firing = int(np.count_nonzero(~np.isnan(delays_s)))
        if n_firing > capabilities.n_transmit_channels:
            raise ArgumentError(
                f"transmit {index} fires {n_firing} elements, {model} at most "
                f"{capabilities.n_transmit_channels} at once (n_transmit_channels): give the "
                "transmits an aperture"
            )
