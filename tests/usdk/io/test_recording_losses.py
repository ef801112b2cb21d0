from __future__ import annotations

import math

from usdk.acquisition import Gap
from usdk.io.recording_chunks import FramePrefix
from usdk.io.recording_losses import LossCount


def frame(index: int, number: int) -> FramePrefix:
    return FramePrefix(index, number, math.nan, math.nan)


def test_nothing_lost_is_no_gap() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    losses.frame(frame(1, 6))
    losses.end(2, 0)
    assert losses.take() == ()


def test_a_jump_of_sequence_numbers_alone_is_the_writers_own() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    losses.frame(frame(1, 9))
    losses.end(2, 0)
    assert losses.take() == ()


def test_lost_frames_are_counted_by_their_index() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    losses.damaged(3)
    losses.frame(frame(4, 100))
    assert losses.take() == (Gap(first_sequence_number=6, n_frames=3, n_packets_damaged=3),)


def test_frames_lost_at_the_start_are_counted_back_from_the_first_whole_one() -> None:
    losses = LossCount()
    losses.damaged(2)
    losses.frame(frame(2, 12))
    assert losses.take() == (Gap(first_sequence_number=10, n_frames=2, n_packets_damaged=2),)


def test_a_lost_gap_record_is_made_up_from_the_sequence_numbers() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    recorded = Gap(first_sequence_number=6, n_frames=2)
    losses.recorded(recorded)
    losses.damaged(1)
    losses.frame(frame(1, 12))
    lost = Gap(first_sequence_number=6, n_frames=4, n_packets_damaged=1)
    assert losses.take() == (recorded, lost)


def test_frames_missing_before_the_end_are_known_from_it() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    losses.damaged(2)
    losses.end(3, 0)
    assert losses.take() == (Gap(first_sequence_number=6, n_frames=2, n_packets_damaged=2),)


def test_a_missing_end_is_a_lost_packet() -> None:
    losses = LossCount()
    losses.frame(frame(0, 5))
    losses.end(None, 1)
    assert losses.take() == (Gap(first_sequence_number=6, n_frames=1, n_packets_lost=1),)


def test_gaps_are_handed_out_once() -> None:
    losses = LossCount()
    losses.recorded(Gap(first_sequence_number=0, n_frames=1))
    assert len(losses.take()) == 1
    assert losses.take() == ()
