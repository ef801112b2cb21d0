"""Parts of an acquisition of an interleaved sequence: its first transmits, and its pulses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, Gap
from usdk.errors import ArgumentError
from usdk.transmit import TransmitSequence

__all__ = ["first_transmits", "pulse_frames"]

_TIME_ZERO_TOLERANCE_S = 1e-9


def first_transmits(acquisition: Acquisition, sequence: TransmitSequence) -> Acquisition:
    """Return the frames of an acquisition with as many transmits as a sequence has, and no more."""
    n = len(sequence)
    return replace(
        acquisition,
        data=acquisition.data[:, :n],
        sequence=sequence,
        receive=replace(acquisition.receive, time_zero_s=acquisition.receive.time_zero_s[:n]),
    )


def pulse_frames(
    acquisition: Acquisition,
    beams: TransmitSequence,
    pulses: NDArray[np.intp],
    *,
    prf_hz: float,
) -> Acquisition:
    """Return an acquisition with one frame for each pulse of its packets.

    Parameters
    ----------
    acquisition : Acquisition
        Frames of the whole sequence.
    beams : TransmitSequence
        One pulse of each beam.
    pulses : ndarray of int, (packet_size, n_beams)
        Place of each pulse in the whole sequence.
    prf_hz : float
        Rate of all transmits, Hz.

    Raises
    ------
    ArgumentError
        If the pulses of a beam count their time differently.
    """
    times_s = np.array(acquisition.receive.time_zero_s)
    if np.ptp(times_s[pulses], axis=0).max() > _TIME_ZERO_TOLERANCE_S:
        raise ArgumentError("pulses of one packet differ in their time zero: record them alike")
    size = len(pulses)
    numbers = acquisition.sequence_numbers[:, None] * size + np.arange(size)
    sent_s = np.add.outer(acquisition.device_timestamps_s, pulses[:, 0] / prf_hz)
    return replace(
        acquisition,
        data=_pulse_data(acquisition.data, pulses),
        sequence=beams,
        receive=replace(acquisition.receive, time_zero_s=tuple(times_s[pulses[0]])),
        sequence_numbers=numbers.ravel(),
        device_timestamps_s=sent_s.ravel(),
        host_timestamps_s=np.repeat(acquisition.host_timestamps_s, size),
        gaps=tuple(_pulse_gap(gap, size) for gap in acquisition.gaps),
    )


def _pulse_data(data: NDArray[Any], pulses: NDArray[np.intp]) -> NDArray[Any]:
    """Return (n_frames * packet_size, n_beams, ...), a view where pulses follow each other."""
    order = pulses.ravel()
    first, stop = int(order[0]), int(order[0]) + order.size
    is_run = bool(np.array_equal(order, np.arange(first, stop)))
    kept = data[:, first:stop] if is_run else data[:, order]
    return kept.reshape(-1, pulses.shape[1], *data.shape[2:])


def _pulse_gap(gap: Gap, packet_size: int) -> Gap:
    return replace(
        gap,
        first_sequence_number=gap.first_sequence_number * packet_size,
        n_frames=gap.n_frames * packet_size,
    )
