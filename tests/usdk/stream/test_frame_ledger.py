"""Frames sent are counted by their numbers, frames lost by the gaps."""

from __future__ import annotations

from typing import Any

import numpy as np

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk.stream.frame_ledger import FrameLedger

PROBE = Probe.linear(
    "toy", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,))


def frames(*numbers: int, gaps: tuple[Any, ...] = ()) -> Acquisition:
    return Acquisition(
        data=np.zeros((len(numbers), 1, 2, 8), np.float32),
        probe=PROBE,
        sequence=plane_waves(),
        receive=RECEIVE,
        sequence_numbers=np.array(numbers),
        gaps=tuple(
            Gap(first_sequence_number=f, n_frames=n, n_packets_lost=p, n_packets_damaged=d)
            for f, n, p, d in gaps
        ),
    )


def test_gaps_before_between_and_after_the_frames_add_up() -> None:
    ledger = FrameLedger()
    ledger.begin_run()
    ledger.take(frames(2, 3, 6, gaps=((0, 2, 2, 0), (4, 2, 1, 1), (7, 1, 0, 1))))
    counts = ledger.statistics()
    assert (counts.n_frames_sent, counts.n_frames_received) == (8, 3)
    assert (counts.n_frames_lost, counts.n_frames_damaged) == (4, 1)
    assert (counts.n_packets_lost, counts.n_packets_damaged) == (3, 2)
    assert counts.adds_up


def test_a_gap_that_the_driver_does_not_report_does_not_add_up() -> None:
    ledger = FrameLedger()
    ledger.begin_run()
    ledger.take(frames(0))
    ledger.take(frames(2))
    assert not ledger.statistics().adds_up


def test_a_device_that_begins_anew_goes_on_counting() -> None:
    ledger = FrameLedger()
    ledger.begin_run()
    ledger.take(frames(0, 1))
    ledger.end_run(0)
    ledger.leave(0.5)
    ledger.begin_run()
    ledger.take(frames(1, gaps=((0, 1, 1, 0),)))
    counts = ledger.statistics()
    assert (counts.n_frames_sent, counts.n_frames_received, counts.n_frames_lost) == (4, 3, 1)
    assert (counts.n_departures, counts.absent_s) == (1, 0.5)
    assert counts.adds_up


def test_a_recording_of_two_runs_counts_both() -> None:
    ledger = FrameLedger()
    ledger.begin_run()
    ledger.take(frames(0, 1))
    ledger.take(frames(0, 1))
    assert ledger.statistics().n_frames_sent == 4
    assert ledger.statistics().adds_up


def test_what_was_lost_after_the_last_frame_is_counted_once() -> None:
    ledger = FrameLedger()
    ledger.begin_run()
    ledger.take(frames(1, gaps=((0, 1, 1, 0),)))
    ledger.end_run(3)
    counts = ledger.statistics()
    assert (counts.n_frames_sent, counts.n_frames_lost) == (4, 3)
    assert counts.adds_up
