from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.doppler import Interleaved, greatest_prf_hz
from usdk.errors import ArgumentError
from usdk.front_end import Capabilities, Configuration
from usdk.probe import Probe
from usdk.sequences import focused_lines, plane_waves
from usdk.transmit import MAX_TRANSMITS, PlaneWave, TransmitSequence

PROBE = Probe.linear(
    "L", n_elements=4, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
GREY = plane_waves([-6, 0, 6])
FLAT = plane_waves([0])
THREE = plane_waves([-12, 1, 12])


def frames(interleaved: Interleaved, n_frames: int = 1, **changes: Any) -> Acquisition:
    """Samples that tell frame and transmit."""
    n = interleaved.n_transmits
    data = np.zeros((n_frames, n, 4, 16), np.int16)
    data += np.arange(n_frames, dtype=np.int16)[:, None, None, None] * 100
    data += np.arange(n, dtype=np.int16)[:, None, None]
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=16, time_zero_s=(0.0,) * n)
    entries: dict[str, Any] = {
        "data": data,
        "probe": PROBE,
        "sequence": interleaved.sequence,
        "receive": receive,
    }
    return Acquisition(**(entries | changes))


def kinds(interleaved: Interleaved) -> list[float]:
    """Angles of the sequence, degrees."""
    waves = interleaved.sequence.transmits
    return [round(math.degrees(w.azimuth_rad)) for w in waves if isinstance(w, PlaneWave)]


def test_pulses_of_a_beam_follow_each_other_or_beams_take_turns() -> None:
    packet = Interleaved(colour=THREE, b_mode=FLAT, packet_size=2, prf_hz=6e3)
    turns = replace(packet, order="interleaved")
    assert kinds(packet) == [0, -12, -12, 1, 1, 12, 12]
    assert kinds(turns) == [0, -12, 1, 12, -12, 1, 12]
    assert packet.slow_time_prf_hz == 6e3
    assert turns.slow_time_prf_hz == 2e3
    assert packet.sequence.prf_hz == 6e3


def test_rates_and_the_nyquist_velocity_are_known_before_a_scan() -> None:
    plan = Interleaved(colour=FLAT, b_mode=GREY, packet_size=12, prf_hz=6e3, n_settling=1)
    assert plan.n_transmits == 16
    assert plan.frame_rate_hz == 375.0
    assert plan.frame_period_s == pytest.approx(1 / 375)
    slow_time = plan.slow_time(frequency_hz=5e6, sound_speed_m_s=1500)
    assert slow_time.nyquist_m_s == pytest.approx(1500 * 6e3 / (4 * 5e6))
    assert greatest_prf_hz(0.05, 1500) == 15e3


@pytest.mark.parametrize("order", ["packet", "interleaved"])
@pytest.mark.parametrize("colour", [FLAT, THREE], ids=["one", "three"])
def test_packets_hold_every_pulse_of_every_beam_in_order(order: str, colour: Any) -> None:
    plan = Interleaved(
        colour=colour, b_mode=GREY, packet_size=4, prf_hz=6e3, order=order, n_settling=2
    )
    b_mode, packets = plan.split(frames(plan, 2))
    assert b_mode is not None
    np.testing.assert_array_equal(b_mode.data[..., 0, 0], [[0, 1, 2], [100, 101, 102]])
    sent = plan.sequence.transmits
    for pulse in range(8):
        for beam in range(len(colour)):
            value = int(packets.data[pulse, beam, 0, 0])
            frame, place = divmod(value, 100)
            assert frame == pulse // 4
            assert sent[place] == colour.transmits[beam]
            # Pulses kept are the last four of the six that were sent of this beam.
            n_before = sum(wave == sent[place] for wave in sent[3:place])
            assert n_before == 2 + pulse % 4
    assert packets.sequence.prf_hz == pytest.approx(plan.slow_time_prf_hz * len(colour))


@pytest.mark.parametrize(("colour", "order"), [(FLAT, "packet"), (THREE, "interleaved")])
def test_parts_of_one_frame_share_its_memory(colour: Any, order: str) -> None:
    plan = Interleaved(colour=colour, b_mode=GREY, packet_size=4, prf_hz=6e3, order=order)
    acquisition = frames(plan, 3)
    b_mode, packets = plan.split(acquisition[1:2])
    assert b_mode is not None
    assert np.shares_memory(b_mode.data, acquisition.data)
    assert np.shares_memory(packets.data, acquisition.data)


def test_pulses_have_their_own_numbers_and_times_and_gaps_count_pulses() -> None:
    plan = Interleaved(colour=FLAT, b_mode=GREY, packet_size=2, prf_hz=1e3)
    acquisition = frames(
        plan,
        2,
        sequence_numbers=[4, 7],
        device_timestamps_s=[1.0, 1.015],
        host_timestamps_s=[9.0, 9.5],
        gaps=(Gap(first_sequence_number=5, n_frames=2, n_packets_lost=3),),
    )
    b_mode, packets = plan.split(acquisition)
    assert b_mode is not None
    assert packets.sequence_numbers.tolist() == [8, 9, 14, 15]
    np.testing.assert_allclose(packets.device_timestamps_s, [1.003, 1.004, 1.018, 1.019])
    assert packets.host_timestamps_s.tolist() == [9, 9, 9.5, 9.5]
    assert packets.gaps == (Gap(first_sequence_number=10, n_frames=4, n_packets_lost=3),)
    assert packets.is_after_gap(2)
    assert b_mode.gaps == acquisition.gaps


def test_without_b_mode_there_is_none() -> None:
    plan = Interleaved(colour=FLAT, packet_size=4, prf_hz=6e3)
    assert plan.split(frames(plan))[0] is None
    assert "no B-mode" in plan.describe()


def test_the_prf_that_was_really_sent_counts() -> None:
    plan = Interleaved(colour=FLAT, packet_size=4, prf_hz=6e3)
    slower = replace(plan.sequence, prf_hz=5e3)
    assert plan.split(frames(plan, sequence=slower))[1].sequence.prf_hz == 5e3
    receive = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=2000, time_zero_s=(0.0,) * 4)
    configuration = Configuration(sequence=slower, receive=receive, frame_rate_hz=1250.0)
    assert plan.as_set(configuration).frame_rate_hz == 1250.0
    unsaid = replace(configuration, sequence=replace(slower, prf_hz=None))
    assert plan.as_set(unsaid).prf_hz == 5e3
    long = replace(configuration, receive=replace(receive, n_samples=5000))
    with pytest.raises(ArgumentError, match="at most 4000 Hz, or less depth"):
        plan.as_set(long)


def test_a_prf_that_sound_or_the_front_end_cannot_follow_is_refused() -> None:
    plan = Interleaved(colour=FLAT, b_mode=GREY, packet_size=12, prf_hz=10e3)
    plan.require(depth_m=0.077)
    with pytest.raises(ArgumentError, match="at most 9625 Hz, or less depth"):
        plan.require(depth_m=0.08)
    can = Capabilities(
        n_transmit_channels=4,
        n_receive_channels=4,
        sampling_frequencies_hz=(20e6,),
        max_samples=4000,
        max_transmits=15,
        max_prf_hz=10e3,
    )
    plan.require(can)
    with pytest.raises(ArgumentError, match="16 transmits, the front-end takes 15"):
        replace(plan, n_settling=1).require(can)
    with pytest.raises(ArgumentError, match="at most 9000 Hz"):
        plan.require(replace(can, max_prf_hz=9e3))
    # A recording that does not tell its PRF has no limit.
    plan.require(replace(can, max_prf_hz=math.nan))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"packet_size": 1}, "packet_size must be 2"),
        ({"packet_size": "many"}, "packet_size must be a whole number"),
        ({"n_settling": -1}, "n_settling must be 0"),
        ({"prf_hz": None}, "give prf_hz"),
        ({"prf_hz": 0}, "prf_hz must be positive"),
        ({"order": "random"}, "'random' is not one of packet, interleaved"),
        ({"b_mode": plane_waves([0], n_cycles=4)}, "same frequency_hz and n_cycles"),
        ({"b_mode": PlaneWave()}, "b_mode must be a usdk.TransmitSequence"),
        ({"packet_size": MAX_TRANSMITS}, "at most 4096: take fewer beams"),
    ],
)
def test_what_cannot_be_sent_is_refused(changes: dict[str, Any], said: str) -> None:
    entries: dict[str, Any] = {"colour": FLAT, "b_mode": GREY, "prf_hz": 1e3, **changes}
    with pytest.raises(ArgumentError, match=said):
        Interleaved(**entries)


def test_an_acquisition_of_something_else_is_refused() -> None:
    plan = Interleaved(colour=FLAT, b_mode=GREY, packet_size=4, prf_hz=6e3)
    other = replace(plan, packet_size=5)
    with pytest.raises(ArgumentError, match=r"use Interleaved\.of"):
        plan.split(frames(other))
    uneven = replace(frames(plan).receive, time_zero_s=(0.0,) * 5 + (1e-6,) * 2)
    with pytest.raises(ArgumentError, match="differ in their time zero"):
        plan.split(frames(plan, receive=uneven))


@given(
    n_grey=st.integers(0, 4),
    n_beams=st.integers(1, 4),
    packet_size=st.integers(2, 6),
    order=st.sampled_from(["packet", "interleaved"]),
)
def test_packets_are_recognised_in_the_sequence_that_was_sent(
    n_grey: int, n_beams: int, packet_size: int, order: str
) -> None:
    plan = Interleaved(
        colour=plane_waves(np.arange(n_beams) * 2.0),
        b_mode=plane_waves(np.arange(n_grey) * 2.0 - 9) if n_grey else None,
        packet_size=packet_size,
        prf_hz=4e3,
        order=order if n_beams > 1 else "packet",
    )
    assert Interleaved.of(plan.sequence) == plan
    assert Interleaved.of(plan.sequence, packet_size=packet_size, order=plan.order) == plan


def test_focused_beams_and_settling_pulses_are_recognised() -> None:
    lines = focused_lines(PROBE, n_lines=3, focus_depth_m=2e-3, n_aperture=2, prf_hz=4e3)
    plan = Interleaved(colour=lines, packet_size=8, n_settling=2)
    assert Interleaved.of(plan.sequence, n_settling=2) == plan
    assert Interleaved.of(plan.sequence).packet_size == 10


def test_a_packet_size_tells_a_b_mode_transmit_from_a_pulse() -> None:
    plan = Interleaved(colour=FLAT, b_mode=plane_waves([-6, 6, 0]), packet_size=12, prf_hz=4e3)
    assert Interleaved.of(plan.sequence).packet_size == 13
    assert Interleaved.of(plan.sequence, packet_size=12) == plan


@pytest.mark.parametrize(
    ("angles", "options", "said"),
    [
        ([-6, 0, 6], {}, "does not end in packets: give the packet_size"),
        ([0] * 8, {"packet_size": 9}, "does not end in packets of 9 pulses"),
        ([0, 0, 4, 4, 0, 0, 4, 4], {}, "more than one way"),
        ([0] * 32, {"packet_size": 8}, "more than one way"),
        ([0, 4, 0, 4], {"order": "packet"}, "does not end in packets"),
    ],
)
def test_a_sequence_that_cannot_be_read_says_what_to_give(
    angles: list[float], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        Interleaved.of(plane_waves(angles, prf_hz=1e3), **options)


def test_a_sequence_that_tells_no_prf_needs_one() -> None:
    sequence = TransmitSequence(transmits=FLAT.transmits * 8)
    with pytest.raises(ArgumentError, match="give prf_hz"):
        Interleaved.of(sequence)
    assert Interleaved.of(sequence, prf_hz=2e3).slow_time_prf_hz == 2e3
    with pytest.raises(ArgumentError, match=r"must be a usdk\.TransmitSequence"):
        Interleaved.of(sequence.transmits)  # type: ignore[arg-type]


def test_what_is_no_capability_or_configuration_is_refused_by_name() -> None:
    plan = Interleaved(colour=plane_waves([0]), prf_hz=4e3)
    with pytest.raises(ArgumentError, match="capabilities"):
        plan.require("fast")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="configuration"):
        plan.as_set(None)  # type: ignore[arg-type]
