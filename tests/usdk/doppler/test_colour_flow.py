"""Targets that move in plane waves sent and heard by a small probe, as point echoes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.demodulation import demodulate
from usdk.doppler import ColourFlow, Interleaved, SlowTime, colour_flow
from usdk.doppler.averaging import Averaging
from usdk.doppler.clutter import MeanFilter
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

C, FS, FC, PRF = 1540.0, 20e6, 5e6, 4e3
PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
BOX = LinearScan(x_m=np.linspace(-0.9e-3, 0.9e-3, 7), z_m=np.linspace(11e-3, 13e-3, 41))
PLACE_M = np.array([0.3e-3, 0.0, 12e-3])
SIZE = 8


def pulses(
    n_pulses: int = SIZE,
    *,
    velocity_m_s: tuple[float, float] = (0.0, 0.1),
    angle_deg: float = 0.0,
    still: float = 0.0,
    **changes: Any,
) -> Acquisition:
    """A point that moves with (v_x, v_z), another that stands still, ``still`` times as strong."""
    sequence = plane_waves([angle_deg], prf_hz=PRF)
    sample_s = np.arange(640) / FS
    data = np.zeros((n_pulses, 1, 16, 640), np.float32)
    for pulse, frame in enumerate(data):
        moved_m = PLACE_M + np.array([velocity_m_s[0], 0, velocity_m_s[1]]) * pulse / PRF
        for point_m, strength in ((moved_m, 1.0), (PLACE_M, still)):
            back_s = np.linalg.norm(PROBE.element_positions_m - point_m, axis=1) / C
            there_s = sequence.transmits[0].arrival_time_s(point_m, PROBE, C)
            late_s = sample_s - (there_s + back_s)[:, None]
            pulse_rf = np.exp(-((late_s * 2e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)
            frame[0] += strength * pulse_rf
    receive = ReceiveSettings(
        sampling_frequency_hz=FS, n_samples=640, time_zero_s=(0.0,), sound_speed_m_s=C
    )
    entries: dict[str, Any] = {
        "data": data,
        "probe": PROBE,
        "sequence": sequence,
        "receive": receive,
    }
    return Acquisition(**(entries | changes))


def plan_for(acquisition: Acquisition, **options: Any) -> ColourFlow:
    entries: dict[str, Any] = {"packet_size": SIZE, "scan": BOX, "clutter": None, **options}
    return ColourFlow(acquisition, **entries)


def at_the_point(flow_map: Any) -> float:
    """Velocity where the echo is strongest."""
    return float(flow_map.velocity_m_s.flat[flow_map.power.argmax()])


@pytest.mark.parametrize("estimator", ["autocorrelation", "2-D autocorrelation"])
@pytest.mark.parametrize("velocity_m_s", [-0.2, 0.05, 0.25])
def test_velocities_are_positive_towards_the_probe(estimator: str, velocity_m_s: float) -> None:
    acquisition = pulses(velocity_m_s=(0.0, -velocity_m_s))
    (flow_map,) = plan_for(acquisition, estimator=estimator)(acquisition)
    assert at_the_point(flow_map) == pytest.approx(velocity_m_s, rel=0.01)
    assert flow_map.nyquist_m_s == pytest.approx(C * PRF / (4 * FC))


@pytest.mark.parametrize("angle_deg", [-12.0, 10.0])
@pytest.mark.parametrize("estimator", ["autocorrelation", "2-D autocorrelation"])
def test_steered_waves_measure_along_the_middle_of_both_paths(
    angle_deg: float, estimator: str
) -> None:
    velocity_m_s = np.array([0.15, 0.1])
    acquisition = pulses(velocity_m_s=tuple(velocity_m_s), angle_deg=angle_deg)
    # The point stands before the middle of its aperture, so that echoes come back along −z.
    (flow_map,) = plan_for(acquisition, estimator=estimator, f_number=2.0)(acquisition)
    sent = np.array([math.sin(math.radians(angle_deg)), math.cos(math.radians(angle_deg))])
    along = (np.array([0, -1]) - sent) / 2
    assert at_the_point(flow_map) == pytest.approx(velocity_m_s @ along, rel=0.02)


def test_what_stands_still_is_taken_away() -> None:
    acquisition = pulses(velocity_m_s=(0.0, -0.15), still=100.0)
    (blind,) = plan_for(acquisition)(acquisition)
    assert abs(at_the_point(blind)) < 0.01
    flow = ColourFlow(acquisition, packet_size=SIZE, scan=BOX)
    assert at_the_point(flow(acquisition)[0]) == pytest.approx(0.15, rel=0.1)


@pytest.mark.parametrize("kind", ["int16", "RF", "IQ"])
def test_only_the_samples_of_the_box_are_worked_on_and_that_changes_nothing(kind: str) -> None:
    acquisition = pulses(still=3.0)
    if kind == "int16":
        acquisition = replace(acquisition, data=(acquisition.data * 999).astype(np.int16))
    if kind == "IQ":
        acquisition = demodulate(acquisition)
    plan = plan_for(acquisition)
    assert plan.n_bytes < plan_for(acquisition, scan=None).n_bytes / 2
    (packet,) = plan.packets(acquisition)
    iq = acquisition if kind == "IQ" else demodulate(acquisition)
    expected = plan_whole(iq)
    assert packet.shape == (*BOX.shape, SIZE)
    np.testing.assert_allclose(packet, expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize("packet_size", [2, 3, 5, 12, 16, 33])
@pytest.mark.parametrize("is_writable", [True, False])
def test_packets_of_any_size_are_the_pulses_beamformed_one_by_one(
    packet_size: int, is_writable: bool
) -> None:
    acquisition = pulses(packet_size, still=3.0)
    acquisition.data.flags.writeable = is_writable
    (packet,) = plan_for(acquisition, packet_size=packet_size).packets(acquisition)
    expected = plan_whole(demodulate(acquisition))
    np.testing.assert_allclose(packet, expected, atol=2e-5 * np.abs(expected).max())


def test_a_combination_that_is_no_sum_and_decimation_take_another_way() -> None:
    acquisition = pulses(still=3.0)
    for options in ({"combination": "coherence factor"}, {"decimation": 2}):
        (flow_map,) = plan_for(acquisition, clutter=MeanFilter(), **options)(acquisition)
        assert at_the_point(flow_map) == pytest.approx(-0.1, rel=0.05)


def plan_whole(iq: Acquisition) -> Any:
    from usdk.beamform import Beamformer

    plan = Beamformer.for_acquisition(iq, BOX)
    return np.stack([plan(frame) for frame in iq.data], axis=-1)


def test_arrays_in_a_notebook_give_the_same_as_recordings() -> None:
    acquisition = pulses(still=3.0)
    averaging = Averaging(n_lines=3, n_samples=5)
    plan = ColourFlow(acquisition, packet_size=SIZE, scan=BOX, averaging=averaging)
    (packet,), (expected,) = plan.packets(acquisition), plan(acquisition)
    slow_time = SlowTime(prf_hz=PRF, frequency_hz=FC, sound_speed_m_s=C)
    found = colour_flow(packet, slow_time, scan=BOX, averaging=averaging)
    for name in ("velocity_m_s", "power", "spread_m_s", "lag_one"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("cuts", [(1,) * 16, (5, 5, 6), (16,), (8, 8), (3, 13)])
def test_pulses_make_the_same_packets_however_they_come(cuts: tuple[int, ...]) -> None:
    acquisition = pulses(16, device_timestamps_s=np.arange(16) / PRF)
    whole = plan_for(acquisition)(acquisition)
    assert [m.sequence_number for m in whole] == [0, 1]
    assert [m.device_timestamp_s for m in whole] == pytest.approx([0, 8 / PRF])
    plan, found, start = plan_for(acquisition), [], 0
    for n_pulses in cuts:
        found += plan(acquisition[start : start + n_pulses])
        start += n_pulses
    assert len(found) == 2
    for one, other in zip(found, whole, strict=True):
        np.testing.assert_array_equal(one.velocity_m_s, other.velocity_m_s)
        assert one.device_timestamp_s == other.device_timestamp_s


def test_a_packet_with_a_lost_pulse_is_dropped_and_the_gap_is_told() -> None:
    gap = Gap(first_sequence_number=5, n_frames=3)
    numbers = np.concatenate((np.arange(5), np.arange(8, 24)))
    acquisition = pulses(21, sequence_numbers=numbers, gaps=(gap,))
    first, second = plan_for(acquisition)(acquisition)
    assert (first.sequence_number, second.sequence_number) == (1, 2)
    assert first.provenance is not None
    assert first.provenance.gaps == (gap,)
    assert second.provenance is not None
    assert second.provenance.gaps == ()


def test_persistence_begins_anew_after_a_gap() -> None:
    averaging = Averaging(persistence=0.8)
    still = pulses(8, velocity_m_s=(0, 0), sequence_numbers=np.arange(8))
    faster = pulses(8, velocity_m_s=(0, -0.2))
    alone = plan_for(faster, averaging=averaging)(faster)[0]
    plan = plan_for(still, averaging=averaging)
    plan(still)
    followed = plan(replace(faster, sequence_numbers=np.arange(8, 16)))[0]
    assert not np.allclose(followed.lag_one, alone.lag_one, rtol=0.1)
    plan.reset()
    plan(still)
    gap = Gap(first_sequence_number=8, n_frames=8)
    after = plan(replace(faster, sequence_numbers=np.arange(16, 24), gaps=(gap,)))[0]
    np.testing.assert_array_equal(after.lag_one, alone.lag_one)


def test_interleaved_packets_of_several_beams_are_followed_one_by_one() -> None:
    """The grey transmit and settling pulses between them are other echoes, and do not matter."""
    interleaved = Interleaved(
        colour=plane_waves([0]), b_mode=plane_waves([-5]), packet_size=SIZE, prf_hz=PRF
    )
    packets = pulses(16, velocity_m_s=(0.0, -0.1))
    data = np.concatenate(
        (np.zeros((2, 1, 16, 640), np.float32), packets.data.reshape(2, SIZE, 16, 640)), axis=1
    )
    times_zero_s = (0.0,) * (1 + SIZE)
    acquisition = replace(
        packets,
        data=data,
        sequence=interleaved.sequence,
        receive=replace(packets.receive, time_zero_s=times_zero_s),
        sequence_numbers=np.arange(2),
        device_timestamps_s=np.arange(2) * interleaved.frame_period_s,
        host_timestamps_s=np.full(2, np.nan),
    )
    _, split = interleaved.split(acquisition)
    maps = plan_for(split)(split)
    assert [m.sequence_number for m in maps] == [0, 1]
    for flow_map in maps:
        assert at_the_point(flow_map) == pytest.approx(0.1, rel=0.01)
        assert flow_map.slow_time.prf_hz == PRF


def test_the_noise_behind_the_filter_is_measured_on_packets_without_a_transmit() -> None:
    rng = np.random.default_rng(3)
    echoes = pulses(16)
    noise = replace(echoes, data=rng.normal(size=echoes.data.shape).astype(np.float32))
    plan = ColourFlow(echoes, packet_size=SIZE, scan=BOX)
    assert math.isnan(plan(echoes)[0].noise_power)
    measured = plan.measure_noise(noise)
    flow_map = plan(noise)[0]
    assert flow_map.noise_power == measured
    assert measured == pytest.approx(float(flow_map.power.mean()), rel=0.2)
    with pytest.raises(ArgumentError, match="at least 8 pulses"):
        plan.measure_noise(noise[:5])


def test_a_map_tells_what_it_was_made_from() -> None:
    acquisition = pulses()
    provenance = plan_for(acquisition, bandwidth_hz=2e6)(acquisition)[0].provenance
    assert provenance is not None
    told = dict(provenance.processing)
    assert told["demodulation"] == "5e+06 Hz, band 2e+06 Hz"
    assert told["clutter filter"] == "none"
    assert told["packet size"] == "8 pulses"
    assert told["slow-time PRF"] == "4000 Hz"
    assert told["Nyquist velocity"] == "0.308 m/s"
    assert "8 frames" in told["beamforming"]


def test_the_prf_of_slow_time_is_that_of_a_beam() -> None:
    acquisition = pulses()
    assert plan_for(acquisition).slow_time.prf_hz == PRF
    assert plan_for(acquisition, prf_hz=1e3).slow_time.prf_hz == 1e3
    corrected = plan_for(acquisition, frequency_hz=4.5e6)
    assert corrected.slow_time.frequency_hz == 4.5e6
    untold = replace(acquisition, sequence=replace(acquisition.sequence, prf_hz=None))
    with pytest.raises(ArgumentError, match="give prf_hz"):
        plan_for(untold)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"packet_size": 1}, "packet_size must be 2"),
        ({"prf_hz": -1}, "prf_hz must be positive"),
        ({"compounding": "incoherent"}, "one coherent image"),
        ({"compounding": "none"}, "one coherent image"),
        ({"estimator": "guess"}, "'guess' is not one of"),
        ({"clutter": 3}, "clutter must be of usdk.doppler, got int"),
        ({"averaging": 3}, "averaging must be of usdk.doppler, got int"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        plan_for(pulses(), **options)


def test_data_of_another_kind_are_refused() -> None:
    acquisition = pulses()
    plan = plan_for(acquisition)
    with pytest.raises(ArgumentError, match="make a new ColourFlow"):
        plan(pulses(angle_deg=3))
    broken = acquisition.data.copy()
    broken[3, 0, 2, 5] = np.nan
    with pytest.raises(ArgumentError, match="1 samples are NaN or infinite"):
        plan(replace(acquisition, data=broken))
    with pytest.raises(ArgumentError, match="bandwidth_hz and decimation are those of RF"):
        plan_for(demodulate(acquisition), decimation=2)
    with pytest.raises(ArgumentError, match="slow time is the last axis"):
        colour_flow(np.zeros((3, 8)), plan.slow_time, scan=BOX)
