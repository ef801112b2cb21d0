from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import usdk
from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.bmode import BMode
from usdk.doppler import Averaging, ColourMode, Interleaved, colour, colour_box
from usdk.doppler.clutter import PolynomialFilter
from usdk.doppler.colours import FlowThresholds, VelocityScale
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import focused_lines, plane_waves
from usdk.tiles import N_THREADS_VARIABLE
from usdk.transmit import Transmit, TransmitSequence
from usdk_drivers.simulator import flow_truth

C, FS, FC, PRF, SIZE = 1540.0, 20e6, 5e6, 4e3, 8
PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
VIEW = LinearScan(x_m=PROBE.element_positions_m[:, 0], z_m=np.linspace(8e-3, 16e-3, 161))
BOX = colour_box(VIEW, x_m=(-1e-3, 1.5e-3), z_m=(11e-3, 13e-3))
PLACE_M, STILL_M = np.array([0.3e-3, 0, 12e-3]), np.array([-1.2e-3, 0, 9.5e-3])
PLAN = Interleaved(
    colour=plane_waves([0]), b_mode=plane_waves([-8, 0, 8]), packet_size=SIZE, prf_hz=PRF
)
OPTIONS: dict[str, Any] = {
    "box": BOX,
    "clutter": None,
    "averaging": None,
    "grey": {"scan": VIEW, "reference": 4.0},
    "thresholds": FlowThresholds(below_reference_db=20),
}


def echo(transmit: Transmit, point_m: Any) -> Any:
    """RF of one point, (16, 480)."""
    sample_s = np.arange(480) / FS
    back_s = np.linalg.norm(PROBE.element_positions_m - point_m, axis=1) / C
    there_s = transmit.arrival_time_s(point_m, PROBE, C)
    late_s = sample_s - (there_s + back_s)[:, None]
    return np.exp(-((late_s * 2e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)


def frames(
    n_frames: int = 1, *, plan: Interleaved = PLAN, velocity_m_s: float = 0.1, **changes: Any
) -> Acquisition:
    """A point that comes nearer, and one that stands still above it."""
    n = plan.n_transmits
    sequence = plan.sequence
    data = np.zeros((n_frames, n, 16, 480), np.float32)
    for k in range(n_frames * n):
        transmit = sequence.transmits[k % n]
        moved_m = PLACE_M - [0, 0, velocity_m_s * (k % n) / PRF]
        data[k // n, k % n] = echo(transmit, moved_m) + echo(transmit, STILL_M)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS, n_samples=480, time_zero_s=(0.0,) * n, sound_speed_m_s=C
    )
    entries: dict[str, Any] = {
        "data": data,
        "probe": PROBE,
        "sequence": sequence,
        "receive": receive,
        "device_timestamps_s": np.arange(n_frames) * plan.frame_period_s,
    }
    return Acquisition(**(entries | changes))


def test_a_frame_shows_flow_in_colour_over_the_grey_picture() -> None:
    acquisition = frames()
    (frame,) = ColourMode(acquisition, PLAN, **OPTIONS)(acquisition)
    assert frame.is_colour
    overlay = frame.overlay
    assert overlay is not None
    coloured = np.isfinite(overlay.velocity_m_s)
    # The moving point is in colour, all else is the picture that B-mode makes.
    b_mode, _ = PLAN.split(acquisition)
    assert b_mode is not None
    (grey,) = BMode(b_mode, **OPTIONS["grey"])(b_mode)
    np.testing.assert_array_equal(
        frame.pixels[~coloured], grey.pixels[~coloured][:, None] * [1, 1, 1]
    )
    rows, columns = np.nonzero(coloured)
    size_m = frame.raster.pixel_size_m
    x_m, z_m = frame.raster.x_m + columns * size_m, frame.raster.z_m + rows * size_m
    assert np.hypot(x_m - PLACE_M[0], z_m - PLACE_M[2]).max() < 1.5e-3
    assert np.median(overlay.velocity_m_s[coloured]) == pytest.approx(0.1, rel=0.03)
    assert overlay.nyquist_m_s == pytest.approx(C * PRF / 4 / FC)
    assert overlay.prf_hz == PRF
    assert overlay.frequency_hz == FC
    assert overlay.steering_rad == 0


@pytest.mark.parametrize(
    ("colours", "kind"),
    [
        ("red-blue", FlowKind.VELOCITY),
        ("variance", FlowKind.VARIANCE),
        ("power", FlowKind.POWER),
        ("directional power", FlowKind.DIRECTIONAL_POWER),
    ],
)
def test_every_kind_of_map_makes_frames(colours: str, kind: FlowKind) -> None:
    acquisition = frames()
    frame = colour(acquisition, PLAN, colours=colours, **OPTIONS)
    assert frame.overlay is not None
    assert frame.overlay.kind is kind
    assert (np.ptp(frame.pixels.astype(int), axis=2) > 0).any()


def test_a_recording_is_recognised_and_frames_keep_its_times_and_gaps() -> None:
    gap = Gap(first_sequence_number=4, n_frames=2)
    acquisition = frames(
        3,
        sequence_numbers=[3, 6, 7],
        device_timestamps_s=np.array([3, 6, 7]) * PLAN.frame_period_s,
        gaps=(gap,),
    )
    mode = ColourMode(acquisition, **OPTIONS)
    assert mode.interleaved == PLAN
    made = mode(acquisition)
    assert [frame.sequence_number for frame in made] == [3, 6, 7]
    assert [frame.provenance.gaps for frame in made] == [(), (gap,), ()]
    np.testing.assert_allclose(
        [frame.device_timestamp_s for frame in made], acquisition.device_timestamps_s
    )
    assert mode.frame_rate.made_hz == pytest.approx(PLAN.frame_rate_hz)
    assert mode.frame_rate.received_hz == pytest.approx(PLAN.frame_rate_hz / 2)


def test_a_frame_tells_every_step_and_both_frame_rates() -> None:
    acquisition = frames(2)
    frame = ColourMode(acquisition, PLAN, **OPTIONS)(acquisition)[1]
    told = dict(frame.provenance.processing)
    assert told["interleaving"].startswith("B-mode 3 × plane; colour 1 × plane, packets of 8")
    assert told["frame rate predicted"] == told["frame rate measured"] == "363.6 Hz"
    assert told["colour packet size"] == "8 pulses"
    assert told["colour clutter filter"] == "none"
    assert told["colour Nyquist velocity"] == "0.308 m/s"
    assert "dynamic range" in told
    assert "beamforming" in told
    assert "colour beamforming" in told
    assert frame.provenance.sequence == "11 × plane"
    assert frame.provenance.prf_hz == PRF


def test_persistence_begins_anew_after_a_gap_and_a_reset() -> None:
    options = {**OPTIONS, "averaging": Averaging(persistence=0.9)}
    first, second = frames(velocity_m_s=-0.1), frames(velocity_m_s=0.15)
    mode = ColourMode(first, PLAN, **options)

    def velocity(acquisition: Acquisition, number: int, gaps: tuple[Gap, ...] = ()) -> float:
        mode(replace(acquisition, sequence_numbers=np.array([number]), gaps=gaps))
        flow_map = mode.flow_map
        assert flow_map is not None
        return float(flow_map.velocity_m_s.flat[flow_map.power.argmax()])

    assert velocity(first, 0) == pytest.approx(-0.1, rel=0.03)
    assert velocity(second, 1) < 0.1
    assert velocity(second, 5, (Gap(first_sequence_number=2, n_frames=3),)) == pytest.approx(
        0.15, rel=0.03
    )
    velocity(first, 6)
    mode.reset()
    assert mode.flow_map is None
    assert velocity(second, 7) == pytest.approx(0.15, rel=0.03)


def test_without_b_mode_the_first_pulse_makes_the_grey_picture() -> None:
    plan = replace(PLAN, b_mode=None)
    acquisition = frames(2, plan=plan)
    grey = {**OPTIONS["grey"], "persistence": 0.5}
    made = ColourMode(acquisition, **{**OPTIONS, "grey": grey})(acquisition)
    assert [frame.sequence_number for frame in made] == [0, 1]
    single = replace(
        acquisition,
        data=acquisition.data[:, :1],
        sequence=replace(plan.colour, prf_hz=PRF),
        receive=replace(acquisition.receive, time_zero_s=(0.0,)),
    )
    expected = BMode(single, **grey)(single)
    for frame, other in zip(made, expected, strict=True):
        assert frame.overlay is not None
        is_grey = np.isnan(frame.overlay.velocity_m_s)
        np.testing.assert_array_equal(frame.pixels[is_grey][:, 0], other.pixels[is_grey])


@pytest.mark.parametrize("order", ["packet", "interleaved"])
def test_lines_that_are_focused_make_the_same_flow_in_either_order(order: str) -> None:
    lines = focused_lines(PROBE, n_lines=5, focus_depth_m=12e-3, n_aperture=12)
    plan = Interleaved(colour=lines, packet_size=SIZE, prf_hz=5 * PRF, order=order)
    n, data = plan.n_transmits, np.zeros((1, plan.n_transmits, 16, 480), np.float32)
    # Each beam's own slow time: pulse t of a beam is t / PRF after its first.
    pulse_s = np.empty(n)
    pulse_s[plan.pulses] = (np.arange(SIZE) / plan.slow_time_prf_hz)[:, None]
    for k, transmit in enumerate(plan.sequence.transmits):
        data[0, k] = echo(transmit, PLACE_M - [0, 0, 0.12 * pulse_s[k]])
    acquisition = replace(frames(plan=plan), data=data)
    mode = ColourMode(acquisition, plan, **OPTIONS)
    mode(acquisition)
    flow_map = mode.flow_map
    assert flow_map is not None
    assert flow_map.slow_time.prf_hz == (5 * PRF if order == "packet" else PRF)
    velocity_m_s = flow_map.velocity_m_s.flat[flow_map.power.argmax()]
    assert velocity_m_s == pytest.approx(0.12, rel=0.03)


def test_steering_and_the_angle_of_flow_are_kept_beside_the_picture() -> None:
    plan = replace(PLAN, colour=plane_waves([10]))
    scale = VelocityScale(angle_rad=math.radians(60))
    frame = colour(frames(plan=plan), plan, scale=scale, **OPTIONS)
    assert frame.overlay is not None
    assert frame.overlay.steering_rad == pytest.approx(math.radians(5))
    assert frame.overlay.angle_rad == pytest.approx(math.radians(60))
    assert np.nanmedian(frame.overlay.velocity_m_s) == pytest.approx(0.2, rel=0.05)


def test_a_sector_view_has_a_sector_box() -> None:
    view = SectorScan(angles_rad=np.linspace(-0.3, 0.3, 41), ranges_m=np.linspace(8e-3, 16e-3, 161))
    acquisition = frames()
    options = {**OPTIONS, "box": None, "grey": {"scan": view}}
    frame = colour(acquisition, PLAN, **options)
    assert frame.overlay is not None
    assert math.isnan(frame.overlay.steering_rad)
    assert np.nanmedian(frame.overlay.velocity_m_s) == pytest.approx(0.1, rel=0.05)


def test_the_whole_view_is_the_box_when_none_is_given() -> None:
    mode = ColourMode(frames(), PLAN)
    x0, x1, z0, z1 = mode.flow.scan.bounds_m
    positions_m = PROBE.element_positions_m[:, 0]
    assert (x0, x1) == pytest.approx((positions_m[0], positions_m[-1]), abs=1e-9)
    assert z0 == pytest.approx(2e-3)
    assert z1 == pytest.approx(frames().receive.depth_m)


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(N_THREADS_VARIABLE, "1")


@pytest.mark.usefixtures("one_thread")
def test_memory_is_planned_once_and_stated() -> None:
    acquisition = frames()
    ColourMode(acquisition, PLAN, **OPTIONS)(acquisition)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        mode = ColourMode(acquisition, PLAN, **OPTIONS)
        frame = mode(acquisition)
        held = tracemalloc.get_traced_memory()[0] - before
        for _ in range(5):
            frame = mode(acquisition)
        later = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.reset_peak()
        frame = mode(acquisition)
        at_most = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    n_pixels, n_points = frame[0].pixels.size // 3, math.prod(BOX.shape)
    # RGB and two values a pixel; velocity, power, spread and lag one a point.
    result_bytes = n_pixels * (3 + 4 + 4) + n_points * (4 + 4 + 4 + 8)
    assert later == pytest.approx(held, abs=20_000)
    assert mode.n_bytes + result_bytes == pytest.approx(held, rel=0.1)
    # The frame before is let go after the new one is made; its kernels take scratch.
    assert at_most < held + result_bytes + n_pixels + 1_000_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"interleaved": 3}, r"must be a usdk\.doppler\.Interleaved, got int"),
        ({"colours": "mauve"}, "mauve"),
        ({"packet_size": 4}, "packet_size"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises((ArgumentError, TypeError), match=said):
        ColourMode(frames(), **options)


def test_one_frame_at_a_time_for_the_short_way() -> None:
    with pytest.raises(ArgumentError, match=r"take one \(acquisition\[:1\]\)"):
        colour(frames(2), PLAN)
    with pytest.raises(ArgumentError, match=r"usdk\.Acquisition"):
        colour(frames().data, PLAN)  # type: ignore[arg-type]


def test_an_acquisition_of_another_sequence_is_refused() -> None:
    mode = ColourMode(frames(), PLAN, **OPTIONS)
    other = replace(PLAN, packet_size=4)
    with pytest.raises(ArgumentError, match="is not that of these packets"):
        mode(frames(plan=other))
    slower = replace(PLAN, prf_hz=2e3)
    with pytest.raises(ArgumentError, match="planned for another"):
        mode(frames(plan=slower))


def test_live_frames_come_from_a_front_end() -> None:
    plan = Interleaved(
        colour=plane_waves([0]), b_mode=plane_waves([-8, 8]), packet_size=4, prf_hz=6e3
    )
    with usdk.open_front_end("sim:linear-l11-5v?frames=2") as front_end:
        plan.require(front_end.capabilities, depth_m=8e-3)
        plan = plan.as_set(front_end.configure(plan.sequence, depth_m=8e-3))
        first = front_end.read()
        mode = ColourMode(first, plan)
        made = mode(first)
        for acquisition in front_end.stream(2):
            made += mode(acquisition)
    assert [frame.sequence_number for frame in made] == [0, 1, 2]
    assert all(frame.is_colour for frame in made)
    assert mode.frame_rate.made_hz == pytest.approx(plan.frame_rate_hz)


def test_aliasing_appears_where_the_flow_is_too_fast_and_is_undone() -> None:
    """A simulated vessel of 1.56 times the Nyquist velocity, from channel data to the picture."""
    address = (
        "sim:linear-l11-5v?scene=vessel&waveform=steady&psv_m_s=0.8&depth_m=0.01&radius_m=0.002"
    )
    sent = {"frequency_hz": 6e6}
    plan = Interleaved(
        colour=plane_waves([0], **sent),
        b_mode=plane_waves([-8, 8], **sent),
        packet_size=12,
        prf_hz=4e3,
    )
    with usdk.open_front_end(address) as front_end:
        plan = plan.as_set(front_end.configure(plan.sequence, depth_m=12e-3))
        acquisition = front_end.read(timeout_s=60)
    view = usdk.scan_for(acquisition.probe, depth_m=12e-3)
    options: dict[str, Any] = {
        "box": colour_box(view, x_m=(-2.5e-3, 2.5e-3), z_m=(4e-3, 12e-3), n_samples=280),
        "averaging": Averaging(n_lines=5, n_samples=9),
        "clutter": PolynomialFilter(1),
        "estimator": "2-D autocorrelation",
        "grey": {"scan": view},
    }
    aliased = ColourMode(acquisition, plan, **options)
    aliased(acquisition)
    scale = VelocityScale(limit_m_s=0.5)
    dealiased = ColourMode(acquisition, plan, dealias=True, scale=scale, **options)
    (frame,) = dealiased(acquisition)
    assert aliased.flow_map is not None
    assert dealiased.flow_map is not None
    points_m = options["box"].points_m()
    vessel = flow_truth(address)
    truth_m_s = vessel.beam_velocity_m_s(points_m, 0.0)
    # What lies at least 0.04 m/s away from the Nyquist velocity, which is 0.257 m/s.
    nyquist_m_s = dealiased.flow_map.nyquist_m_s
    inside = vessel.holds(points_m, 0.0) & (np.abs(truth_m_s) > 0.08)
    clear = inside & (np.abs(truth_m_s - nyquist_m_s) > 0.04)
    turned = aliased.flow_map.velocity_m_s < 0
    assert (turned == (truth_m_s > nyquist_m_s))[clear].mean() > 0.97
    found_m_s = dealiased.flow_map.velocity_m_s
    assert (np.abs(found_m_s - truth_m_s)[inside] > nyquist_m_s).mean() < 0.005
    slope = (found_m_s * truth_m_s)[inside].sum() / (truth_m_s[inside] ** 2).sum()
    assert slope == pytest.approx(1, abs=0.06)
    assert frame.overlay is not None
    assert frame.overlay.scale == (-0.5, 0.5)
    assert np.nanpercentile(frame.overlay.velocity_m_s, 95) > 1.4 * nyquist_m_s
    assert np.nanmin(frame.overlay.velocity_m_s) > -0.05
    assert "dealiased" in dict(frame.provenance.processing)["colour scale"]


def test_beams_of_a_sequence_that_is_no_packet_are_no_colour() -> None:
    grey = TransmitSequence(transmits=PLAN.sequence.transmits[:3], prf_hz=PRF)
    acquisition = frames()
    acquisition = replace(
        acquisition,
        data=acquisition.data[:, :3],
        sequence=grey,
        receive=replace(acquisition.receive, time_zero_s=(0.0,) * 3),
    )
    with pytest.raises(ArgumentError, match="does not end in packets"):
        ColourMode(acquisition)


@pytest.mark.parametrize("options", [{"grey": "x"}, {"composition": 3}, {"box": "x"}])
def test_options_of_another_class_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        ColourMode(frames(), PLAN, **(OPTIONS | options))
