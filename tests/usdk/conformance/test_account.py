from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.conformance.account import Account
from usdk.conformance.expect import DeviationError, NotApplicableError
from usdk.probe import Probe
from usdk.sequences import plane_waves


def frames(numbers: Sequence[int], *gaps: tuple[int, int], **losses: Any) -> Acquisition:
    return Acquisition(
        data=np.zeros((len(numbers), 1, 2, 3), np.int16),
        probe=Probe.linear(
            "p", n_elements=2, pitch_m=1e-3, centre_frequency_hz=1e6, fractional_bandwidth=0.5
        ),
        sequence=plane_waves(),
        receive=ReceiveSettings(sampling_frequency_hz=1e6, n_samples=3, time_zero_s=(0.0,)),
        sequence_numbers=np.array(numbers),
        gaps=tuple(Gap(first_sequence_number=a, n_frames=n, **losses) for a, n in gaps),
    )


def take_all(run: list[Acquisition]) -> None:
    account = Account(0)
    for acquisition in run:
        account.take(acquisition)


def test_received_and_lost_make_up_the_numbers() -> None:
    account = Account(0)
    account.take(frames([2, 3, 6], (0, 2), (4, 2), n_packets_lost=3, n_packets_damaged=1))
    account.take(frames([7], (8, 4)))
    account.take(frames([12]))
    assert (account.n_received, account.n_lost) == (5, 8)
    assert (account.n_packets_lost, account.n_packets_damaged) == (6, 2)


@pytest.mark.parametrize(
    ("run", "seen"),
    [
        ([frames([1])], "frames 0 to 0 were neither"),
        ([frames([0, 2])], "frames 1 to 1 were neither"),
        ([frames([0]), frames([5], (1, 3))], "frames 4 to 4 were neither"),
        ([frames([0, 1], (1, 1))], "counted twice"),
        ([frames([0, 3], (1, 3))], "counted twice"),
        ([frames([0], (1, 2)), frames([3], (1, 2))], "counted twice"),
        ([frames([0], (1, 0))], "a gap of 0 frames"),
        ([frames([0], (1, 1), n_packets_lost=-1)], "-1 packets lost"),
    ],
)
def test_what_does_not_add_up_is_found(run: list[Acquisition], seen: str) -> None:
    with pytest.raises(DeviationError, match=seen):
        take_all(run)


def test_a_part_of_a_run_begins_where_it_begins() -> None:
    account = Account(None)
    account.take(frames([102], (100, 2)))
    assert (account.n_received, account.n_lost) == (1, 2)


def test_numbers_that_do_not_rise_are_for_another_check() -> None:
    for run in ([frames([0, 0])], [frames([0, 1]), frames([1])]):
        with pytest.raises(NotApplicableError, match=r"data\.numbers"):
            take_all(run)
