"""Geometry: everything of a beamformer's plan that is not a choice of method."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.acquisition import ReceiveSettings
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import Scan
from usdk.transmit import TransmitSequence

__all__ = ["Geometry"]


@dataclass(frozen=True, eq=False)
class Geometry:
    """What made the channel data, and where to look.

    Parameters
    ----------
    probe, sequence, receive
        What made the channel data.
    scan : Scan
        Where to look.

    Raises
    ------
    ArgumentError
        If sequence and receive settings do not fit each other.
    """

    probe: Probe
    sequence: TransmitSequence
    receive: ReceiveSettings
    scan: Scan

    def __post_init__(self) -> None:
        if len(self.receive.time_zero_s) != len(self.sequence):
            raise ArgumentError(
                f"time_zero_s has {len(self.receive.time_zero_s)} entries for "
                f"{len(self.sequence)} transmits"
            )

    @property
    def wavelength_m(self) -> float:
        """Wavelength of the pulse sent, m."""
        frequency_hz = self.sequence.frequency_hz or self.probe.centre_frequency_hz
        return self.receive.sound_speed_m_s / frequency_hz
