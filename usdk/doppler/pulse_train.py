"""PulseTrain: which transmits of an acquisition are the pulses of one slow time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from usdk.acquisition import Acquisition
from usdk.arguments import positive
from usdk.errors import ArgumentError

__all__ = ["MAX_PRF_HZ", "PulseTrain"]

MAX_PRF_HZ = 100e3


@dataclass(frozen=True, eq=False, kw_only=True)
class PulseTrain:
    """How frames are pulses.

    Parameters
    ----------
    n_pulses_per_frame : int
        Pulses of a frame: its transmits where they are all alike; else 1, their sum.
    prf_hz : float
        Rate of the pulses, Hz.
    transmit_rate_hz : float
        Rate of the transmits, Hz.
    pulse : Acquisition
        Description of a single pulse, with samples that mean nothing.
    """

    n_pulses_per_frame: int
    prf_hz: float
    transmit_rate_hz: float
    pulse: Acquisition

    @classmethod
    def of(cls, acquisition: Acquisition, prf_hz: float | None = None) -> PulseTrain:
        """Return the pulses of acquisitions like this one.

        Parameters
        ----------
        acquisition : Acquisition
            It is read only for its description.
        prf_hz : float, optional
            Rate of the pulses, Hz; from the sequence when absent.

        Raises
        ------
        ArgumentError
            If the PRF is not known, or transmits that are alike are recorded differently.
        """
        sequence = acquisition.sequence
        is_repeated = len(set(sequence.transmits)) == 1
        n_per_frame = len(sequence) if is_repeated else 1
        n_per_pulse = len(sequence) // n_per_frame
        if prf_hz is None:
            if sequence.prf_hz is None:
                raise ArgumentError("the sequence tells no prf_hz: give prf_hz, the pulses' rate")
            prf_hz = sequence.prf_hz / n_per_pulse
        prf_hz = positive(prf_hz, "prf_hz")
        if prf_hz > MAX_PRF_HZ:
            raise ArgumentError(f"prf_hz is at most {MAX_PRF_HZ:g}, got {prf_hz:g}")
        return cls(
            n_pulses_per_frame=n_per_frame,
            prf_hz=prf_hz,
            transmit_rate_hz=prf_hz * n_per_pulse,
            pulse=_one_transmit(acquisition) if n_per_frame > 1 else acquisition,
        )


def _one_transmit(acquisition: Acquisition) -> Acquisition:
    """Return the description of data whose frames have one of several transmits alike."""
    sequence, receive = acquisition.sequence, acquisition.receive
    if len(set(receive.time_zero_s)) != 1:
        raise ArgumentError("transmits that are alike must be recorded from the same time on")
    return replace(
        acquisition,
        data=acquisition.data[:1, :1],
        sequence=replace(sequence, transmits=sequence.transmits[:1]),
        receive=replace(receive, time_zero_s=receive.time_zero_s[:1]),
        sequence_numbers=np.empty(0, np.int64),
        device_timestamps_s=np.empty(0),
        host_timestamps_s=np.empty(0),
        gaps=(),
    )
