"""Limits: what is asked of a front-end, compared with what it declares, before it hears of it."""

from __future__ import annotations

import math

import numpy as np

from usdk.errors import ArgumentError
from usdk.front_end.description import Capabilities, ReceiveRequest
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["require_within_limits"]

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
    _require_channels(sequence, probe, capabilities, model)


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
