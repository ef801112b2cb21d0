"""What may be asked of a front-end that sends its own sequence, as a recording does."""

from __future__ import annotations

import math
from dataclasses import replace

from usdk.errors import ArgumentError
from usdk.front_end import Configuration, ReceiveRequest
from usdk.transmit import TransmitSequence

__all__ = ["agree_on_fixed"]


def agree_on_fixed(
    configuration: Configuration,
    sequence: TransmitSequence | None,
    receive: ReceiveRequest | None,
) -> Configuration:
    """Return ``configuration`` with the depth that is asked for, and refuse what else differs.

    Raises
    ------
    ArgumentError
        With what the front-end does have.
    """
    if sequence is not None and sequence != configuration.sequence:
        raise ArgumentError(
            f"this front-end sends its own sequence ({configuration.sequence.describe()}) and "
            "takes no other: call configure without one"
        )
    if receive is None:
        return configuration
    has = configuration.receive
    rate_hz = receive.sampling_frequency_hz
    if rate_hz is not None and not math.isclose(rate_hz, has.sampling_frequency_hz, rel_tol=1e-9):
        raise ArgumentError(
            f"this front-end samples at {has.sampling_frequency_hz / 1e6:g} MHz and at no other "
            "frequency: ask for none"
        )
    if receive.depth_m > has.reach_m:
        raise ArgumentError(
            f"this front-end's samples reach {has.reach_m * 1e3:.1f} mm: ask for no more"
        )
    return replace(configuration, receive=replace(has, wanted_depth_m=receive.depth_m))
