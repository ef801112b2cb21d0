from __future__ import annotations

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.doppler.packet_cutting import PacketCutter
from usdk.probe import Probe
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "p", n_elements=4, pitch_m=2e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)


def pulses(numbers, gaps=()):
    """Return pulses whose sample is their number, a second apart."""
    numbers = np.asarray(numbers, np.int64)
    data = np.zeros((numbers.size, 1, 4, 8), np.float32)
    data[...] = numbers[:, None, None, None]
    return Acquisition(
        data=data,
        probe=PROBE,
        sequence=plane_waves(prf_hz=1e3),
        receive=ReceiveSettings(sampling_frequency_hz=20e6, n_samples=8, time_zero_s=(0.0,)),
        sequence_numbers=numbers,
        device_timestamps_s=numbers.astype(float),
        host_timestamps_s=numbers + 0.5,
        gaps=tuple(Gap(first_sequence_number=first, n_frames=n) for first, n in gaps),
    )


def packets(cutter, *acquisitions):
    """Return the numbers of the pulses of each packet, and what starts it."""
    found, held = [], []
    for acquisition in acquisitions:
        for run in cutter.runs(acquisition):
            held = held if run.place else []
            assert len(held) == run.place
            held = held + acquisition.sequence_numbers[run.first : run.stop].tolist()
            if run.packet is not None:
                found.append((held, run.packet))
    return found


@pytest.mark.parametrize("ends", [(12,), (1, 12), (3, 4, 5, 12), range(1, 13)])
def test_packets_do_not_depend_on_how_pulses_are_cut_into_acquisitions(ends):
    starts = (0, *ends)
    parts = [pulses(range(a, b)) for a, b in zip(starts, ends, strict=False)]
    found = packets(PacketCutter(4), *parts)
    assert [numbers for numbers, _ in found] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert [start.sequence_number for _, start in found] == [0, 1, 2]
    assert [start.device_timestamp_s for _, start in found] == [0, 4, 8]
    assert [start.host_timestamp_s for _, start in found] == [0.5, 4.5, 8.5]


def test_what_a_gap_leaves_of_a_packet_is_dropped():
    found = packets(PacketCutter(3), pulses([0, 1, 2, 3, 6, 7, 8, 9, 10, 11], gaps=[(4, 2)]))
    assert [numbers for numbers, _ in found] == [[0, 1, 2], [6, 7, 8], [9, 10, 11]]
    assert [start.is_after_gap for _, start in found] == [False, True, False]
    assert [len(start.gaps) for _, start in found] == [0, 1, 0]


def test_a_jump_without_a_gap_record_begins_a_packet_too():
    found = packets(PacketCutter(2), pulses([5]), pulses([7, 8]), pulses([3, 4]))
    assert [numbers for numbers, _ in found] == [[7, 8], [3, 4]]


def test_a_reset_forgets_the_pulses_of_a_packet_that_was_not_completed():
    cutter = PacketCutter(3)
    assert packets(cutter, pulses([0, 1])) == []
    cutter.reset()
    assert [numbers for numbers, _ in packets(cutter, pulses([2, 3, 4]))] == [[2, 3, 4]]
