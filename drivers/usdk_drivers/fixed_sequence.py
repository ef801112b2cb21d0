"""What a recording is as a front-end: its device, its limits, and what may be asked of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

from usdk.acquisition import DeviceInfo, ReceiveSettings
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, Configuration, ReceiveRequest
from usdk.probe import Probe
from usdk.transmit import TransmitSequence

__all__ = ["Recorded", "agree_on_fixed", "recorded_capabilities", "recorded_device"]


class Recorded(Protocol):
    """What a recording tells of all its frames: an `Acquisition` does, and a file's header."""

    @property
    def probe(self) -> Probe:
        """What was listened with."""

    @property
    def sequence(self) -> TransmitSequence:
        """What each frame sent."""

    @property
    def receive(self) -> ReceiveSettings:
        """How it was received."""

    @property
    def device(self) -> DeviceInfo | None:
        """Who made it."""


def recorded_device(recording: Recorded) -> DeviceInfo:
    """Return who made a recording; "unknown" if it does not tell."""
    return recording.device or DeviceInfo(manufacturer="unknown", model="recording")


def recorded_capabilities(recording: Recorded, frame_rate_hz: float) -> Capabilities:
    """Return what a recording holds, and no more; ``max_prf_hz`` is NaN if it does not tell."""
    return Capabilities(
        n_transmit_channels=recording.probe.n_elements,
        n_receive_channels=recording.probe.n_elements,
        sampling_frequencies_hz=(recording.receive.sampling_frequency_hz,),
        max_samples=recording.receive.n_samples,
        max_transmits=len(recording.sequence),
        max_prf_hz=frame_rate_hz * len(recording.sequence),
        sequence_is_fixed=True,
    )


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
    if receive.tgc not in (None, has.tgc) or receive.apertures not in (None, has.apertures):
        raise ArgumentError(
            "this front-end has its own gain and receive apertures: ask for none of them"
        )
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
