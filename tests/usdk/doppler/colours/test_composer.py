from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.colours import COLOUR_MAPS, ColourComposer, FlowThresholds, VelocityScale
from usdk.doppler.colours.composer import OUTLINE_COLOUR
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame, Provenance
from usdk.scan import LinearScan, Raster, SectorScan

CLOCK = SlowTime(prf_hz=4e3, frequency_hz=5e6)
NYQUIST = CLOCK.nyquist_m_s
RASTER = Raster(x_m=-15e-3, z_m=0.0, pixel_size_m=1.5e-4, n_rows=180, n_columns=201)
BOX = LinearScan(x_m=np.linspace(-10e-3, 10e-3, 64), z_m=np.linspace(5e-3, 22e-3, 120))
CENTRE_M, RADIUS_M = 13.5e-3, 5e-3
ALL = FlowThresholds(below_reference_db=None, least_neighbours=0)


def speed_m_s(x_m: Any, z_m: Any, peak_m_s: float) -> Any:
    """A parabolic profile across a vessel that goes down to the right."""
    r = (z_m - CENTRE_M - 0.2 * x_m) / RADIUS_M
    return np.where(np.abs(r) < 1, peak_m_s * (1 - r**2), 0.0)


def vessel(peak_m_s: float = 0.2, scan: Any = BOX, **changes: Any) -> FlowMap:
    x_m, _, z_m = np.moveaxis(scan.points_m(), -1, 0)
    velocity = speed_m_s(x_m, z_m, peak_m_s)
    wrapped = np.remainder(velocity + NYQUIST, 2 * NYQUIST) - NYQUIST
    power = np.where(velocity != 0, 1.0, 1e-6).astype(np.float32)
    values: dict[str, Any] = {
        "velocity_m_s": wrapped.astype(np.float32),
        "power": power,
        "spread_m_s": np.full(scan.shape, 0.02, np.float32),
        "lag_one": (power * np.exp(1j * np.pi * wrapped / NYQUIST)).astype(np.complex64),
        "scan": scan,
        "slow_time": CLOCK,
    }
    return FlowMap(**(values | changes))


def truth(peak_m_s: float) -> NDArray[np.float64]:
    x_m = RASTER.x_m + RASTER.pixel_size_m * np.arange(RASTER.n_columns)
    z_m = RASTER.z_m + RASTER.pixel_size_m * np.arange(RASTER.n_rows)
    return np.asarray(speed_m_s(x_m, z_m[:, None], peak_m_s))


def grey_frame(value: int = 40) -> Frame:
    return Frame(
        pixels=np.full((RASTER.n_rows, RASTER.n_columns), value, np.uint8),
        raster=RASTER,
        dynamic_range_db=55.0,
        provenance=Provenance(
            probe="L",
            sequence="s",
            transmit_frequency_hz=6e6,
            sound_speed_m_s=1540.0,
            processing=(("grey map", "linear-db"),),
        ),
        sequence_number=7,
        device_timestamp_s=1.5,
    )


def overlay(frame: Frame) -> FlowOverlay:
    assert frame.overlay is not None
    return frame.overlay


@pytest.mark.parametrize("peak_m_s", [0.2, -0.2, 0.5, 0.9])
def test_velocities_on_the_raster_are_those_of_the_vessel_wrapped_and_not_blurred(
    peak_m_s: float,
) -> None:
    frame = ColourComposer(RASTER, BOX)(grey_frame(), vessel(peak_m_s))
    shown = overlay(frame).velocity_m_s
    expected = truth(peak_m_s)
    coloured = np.isfinite(shown)
    error = np.angle(np.exp(1j * np.pi * (shown - expected)[coloured] / NYQUIST)) * NYQUIST / np.pi
    # Half a sample beyond the wall at most, where the profile is steepest.
    assert np.abs(error).max() < 0.05 * abs(peak_m_s)
    assert np.abs(error).mean() < 0.005 * abs(peak_m_s)
    assert np.abs(shown[coloured]).max() <= NYQUIST * 1.0001


def test_colour_ends_where_the_vessel_does_and_grey_is_untouched_beyond() -> None:
    grey = grey_frame()
    frame = ColourComposer(RASTER, BOX)(grey, vessel())
    coloured = np.isfinite(overlay(frame).velocity_m_s)
    inside_box = np.zeros_like(coloured)
    first_row, first_column, end_row, end_column = overlay(frame).box
    inside_box[first_row:end_row, first_column:end_column] = True
    flows = (truth(1.0) > 0) & inside_box
    wrong = coloured != flows
    # A pixel or two at the wall.
    assert wrong.sum() < 2.5 * 2 * (end_column - first_column)
    assert not coloured[~inside_box].any()
    assert np.all(frame.pixels[~coloured] == 40)
    assert np.ptp(frame.pixels[coloured].astype(int), axis=1).min() > 40


def test_every_colour_is_that_of_its_velocity() -> None:
    frame = ColourComposer(RASTER, BOX)(grey_frame(), vessel(0.5))
    shown = overlay(frame)
    coloured = np.isfinite(shown.velocity_m_s)
    low, high = shown.scale
    place = (shown.velocity_m_s[coloured] - low) / (high - low) * 256
    near = np.abs(place - np.rint(place)) > 1e-2
    expected = shown.colours[np.clip(place.astype(int), 0, 255)]
    assert np.array_equal(frame.pixels[coloured][near], expected[near])


def test_the_frame_knows_scale_box_and_where_it_comes_from() -> None:
    made = replace(grey_frame().provenance, processing=(("clutter", "mean"), ("grey map", "x")))
    flow = vessel(provenance=made)
    composer = ColourComposer(RASTER, BOX, steering_rad=0.1)
    frame = composer(grey_frame(), flow)
    shown = overlay(frame)
    assert shown.kind is FlowKind.VELOCITY
    assert shown.scale == pytest.approx((-NYQUIST, NYQUIST))
    assert (shown.nyquist_m_s, shown.prf_hz, shown.frequency_hz) == (NYQUIST, 4e3, 5e6)
    assert shown.steering_rad == 0.1
    corner_m = (frame.position_m(*shown.box[:2]), frame.position_m(*np.subtract(shown.box[2:], 1)))
    assert np.allclose(corner_m, ((-10e-3, 5e-3), (10e-3, 22e-3)), atol=RASTER.pixel_size_m)
    assert (frame.sequence_number, frame.device_timestamp_s) == (7, 1.5)
    assert frame.dynamic_range_db == 55.0
    names = [name for name, _ in frame.provenance.processing]
    assert names[:3] == ["grey map", "colour clutter", "colour grey map"]
    assert dict(frame.provenance.processing)["colour map"] == "red-blue"
    assert composer.n_bytes > 0


def test_pixels_without_a_frame_take_what_the_flow_map_knows() -> None:
    flow = vessel(sequence_number=3, device_timestamp_s=2.5)
    frame = ColourComposer(RASTER, BOX, grey_dynamic_range_db=50)(None, flow)
    assert (frame.sequence_number, frame.device_timestamp_s) == (3, 2.5)
    assert frame.dynamic_range_db == 50
    assert frame.provenance.transmit_frequency_hz == 5e6
    coloured = np.isfinite(overlay(frame).velocity_m_s)
    assert not frame.pixels[~coloured].any()
    same = ColourComposer(RASTER, BOX)(np.zeros((180, 201), np.uint8), flow)
    assert np.array_equal(same.pixels, frame.pixels)
    known = replace(flow, provenance=grey_frame().provenance)
    assert ColourComposer(RASTER, BOX)(None, known).provenance.probe == "L"


def test_a_baseline_shows_what_aliases_as_faster_flow() -> None:
    scale = VelocityScale(baseline_m_s=0.5 * NYQUIST)
    peak_m_s = 1.4 * NYQUIST
    aliased = overlay(ColourComposer(RASTER, BOX)(None, vessel(peak_m_s)))
    moved = overlay(ColourComposer(RASTER, BOX, scale=scale)(None, vessel(peak_m_s)))
    assert np.nanmin(aliased.velocity_m_s) < -0.5 * NYQUIST
    assert np.nanmax(moved.velocity_m_s) == pytest.approx(peak_m_s, rel=0.01)
    assert np.nanmin(moved.velocity_m_s) >= 0
    assert moved.scale == pytest.approx((-0.5 * NYQUIST, 1.5 * NYQUIST))


def test_the_angle_corrects_velocities_and_scale() -> None:
    scale = VelocityScale(angle_rad=math.radians(60))
    plain = overlay(ColourComposer(RASTER, BOX)(None, vessel()))
    corrected = overlay(ColourComposer(RASTER, BOX, scale=scale)(None, vessel()))
    assert np.allclose(corrected.velocity_m_s, 2 * plain.velocity_m_s, equal_nan=True)
    assert corrected.scale == pytest.approx((-2 * NYQUIST, 2 * NYQUIST))
    assert corrected.nyquist_m_s == NYQUIST
    assert corrected.angle_rad == pytest.approx(math.radians(60))


def test_inverting_exchanges_colours_not_velocities() -> None:
    plain = ColourComposer(RASTER, BOX)(None, vessel())
    turned = ColourComposer(RASTER, BOX, scale=VelocityScale(is_inverted=True))(None, vessel())
    shown = overlay(turned).velocity_m_s
    assert np.array_equal(shown, overlay(plain).velocity_m_s, equal_nan=True)
    fast = shown > 0.1
    assert np.all(plain.pixels[fast][:, 0] > plain.pixels[fast][:, 2])
    assert np.all(turned.pixels[fast][:, 0] < turned.pixels[fast][:, 2])
    assert np.array_equal(overlay(turned).colours, overlay(plain).colours[::-1])


def test_velocities_known_beyond_nyquist_are_shown_as_they_are() -> None:
    flow = vessel()
    fast = replace(flow, velocity_m_s=flow.velocity_m_s * 10)
    scale = VelocityScale(limit_m_s=2.0, is_dealiased=True)
    shown = overlay(ColourComposer(RASTER, BOX, scale=scale)(None, fast))
    assert np.nanmax(shown.velocity_m_s) == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize("baseline", [0.0, 0.3])
def test_velocities_read_at_a_lower_frequency_are_not_aliased_where_their_phase_is_not(
    baseline: float,
) -> None:
    """Those of the 2-D autocorrelation go as far beyond the Nyquist velocity of the one sent."""
    ratio = 1.1
    flow = vessel(0.97 * NYQUIST)
    seen = replace(flow, velocity_m_s=flow.velocity_m_s * np.float32(ratio))
    scale = VelocityScale(limit_m_s=1.5 * NYQUIST, baseline_m_s=baseline * NYQUIST)
    shown = overlay(ColourComposer(RASTER, BOX, scale=scale)(None, seen)).velocity_m_s
    is_flow = np.isfinite(shown)
    assert np.nanmin(shown) > -0.02 * NYQUIST
    expected = ratio * truth(0.97 * NYQUIST)[is_flow]
    np.testing.assert_allclose(shown[is_flow], expected, atol=0.1 * NYQUIST)


def test_thresholds_hide_weak_slow_and_isolated_points_and_bright_tissue() -> None:
    flow = vessel()

    def n_coloured(flow: FlowMap = flow, grey: int = 40, **options: Any) -> int:
        thresholds = FlowThresholds(**options)
        frame = ColourComposer(RASTER, BOX, thresholds=thresholds)(grey_frame(grey), flow)
        return int(np.isfinite(overlay(frame).velocity_m_s).sum())

    everything = n_coloured(below_reference_db=None, least_neighbours=0)
    first_row, first_column, end_row, end_column = ColourComposer(RASTER, BOX).box
    assert everything == (end_row - first_row) * (end_column - first_column)
    in_vessel = n_coloured(below_reference_db=50)
    assert in_vessel < everything
    assert n_coloured(below_reference_db=70) == everything
    noisy = replace(flow, noise_power=1e-6)
    assert n_coloured(noisy, below_reference_db=None, over_noise_db=10) == in_vessel
    # Half the speed or more: |r| < √½.
    fast = n_coloured(least_velocity_m_s=0.1)
    assert fast == pytest.approx(in_vessel * math.sqrt(0.5), rel=0.03)
    assert n_coloured(grey=40, grey_limit=40) == 0
    assert n_coloured(grey=39, grey_limit=40) == in_vessel
    power = np.full(BOX.shape, 1e-9, np.float32)
    power[20, 20] = power[30, 30] = power[30, 31] = 1
    assert n_coloured(replace(flow, power=power), least_neighbours=0) > 0
    assert n_coloured(replace(flow, power=power)) == 0


def test_the_reference_of_power_is_kept_over_a_cine() -> None:
    composer = ColourComposer(RASTER, BOX, colours="power", dynamic_range_db=20)
    assert composer.power_reference is None
    bright = composer(None, vessel())
    assert composer.power_reference == 1.0
    flow = vessel()
    dim = composer(None, replace(flow, power=flow.power * np.float32(0.1)))
    assert np.nanmax(overlay(bright).power_db) == pytest.approx(0, abs=1e-3)
    assert np.nanmax(overlay(dim).power_db) == pytest.approx(-10, abs=1e-3)
    coloured = np.isfinite(overlay(dim).power_db)
    middle = overlay(dim).colours[[127, 128]]
    assert np.abs(np.median(dim.pixels[coloured], axis=0) - middle[0]).max() <= 2
    silent = ColourComposer(RASTER, BOX)
    assert np.isnan(overlay(silent(None, replace(flow, power=flow.power * 0))).velocity_m_s).all()
    assert silent.power_reference is None


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_every_map_makes_a_frame_with_its_scale(name: str) -> None:
    x_m = BOX.points_m()[..., 0]
    flow = vessel(spread_m_s=(0.2 * (x_m - x_m.min()) / np.ptp(x_m)).astype(np.float32))
    sign = np.where(x_m < 0, -1, 1).astype(np.float32)
    flow = replace(flow, velocity_m_s=flow.velocity_m_s * sign)
    shown = overlay(frame := ColourComposer(RASTER, BOX, colours=name)(None, flow))
    pixels = {tuple(pixel) for pixel in frame.pixels[np.isfinite(shown.velocity_m_s)].tolist()}
    assert pixels <= {tuple(colour) for colour in shown.colours.reshape(-1, 3).tolist()}
    if name == "power":
        assert shown.scale == (-30.0, 0.0)
    if name == "directional power":
        assert shown.scale == (-30.0, 30.0)
        both = [frame.pixels[np.nan_to_num(s * shown.velocity_m_s) > 0.05] for s in (1, -1)]
        assert np.all(both[0] == shown.colours[-1])
        assert np.all(both[1] == shown.colours[0])
    if name == "variance":
        calm, turbulent = (shown.velocity_m_s[:, part] for part in (slice(95), slice(106, None)))
        assert np.nanmax(calm) < 0 < np.nanmin(turbulent)
        assert len(pixels) > 256


def test_the_spread_limit_sets_the_last_row_of_variance() -> None:
    flow = vessel(spread_m_s=np.full(BOX.shape, 0.1, np.float32))
    frame = ColourComposer(RASTER, BOX, colours="variance", spread_limit_m_s=0.1)(None, flow)
    fast = np.nan_to_num(overlay(frame).velocity_m_s) > 0.1
    assert np.all(frame.pixels[fast][:, 0] == frame.pixels[fast][:, 1])


def test_the_outline_is_drawn_round_the_box_where_wanted() -> None:
    fan = SectorScan(angles_rad=np.linspace(-0.4, 0.4, 32), ranges_m=np.linspace(5e-3, 2e-2, 64))
    for scan in (BOX, fan):
        flow = vessel(scan=scan)
        plain = ColourComposer(RASTER, scan)(grey_frame(), flow)
        drawn = ColourComposer(RASTER, scan, outline=True)(grey_frame(), flow)
        differs = np.any(plain.pixels != drawn.pixels, axis=-1)
        assert np.all(drawn.pixels[differs] == OUTLINE_COLOUR)
        first_row, first_column, end_row, end_column = overlay(drawn).box
        assert differs[first_row:end_row].any(axis=1).all()
        assert differs[:, first_column:end_column].any(axis=0).all()
        assert not differs[:first_row].any()
    assert math.isnan(overlay(drawn).steering_rad)


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing_and_inputs_stay_as_they_are(threads: int) -> None:
    grey, flow = grey_frame(), vessel(0.5)
    before = [values.copy() for values in (grey.pixels, flow.velocity_m_s, flow.power)]
    frame = ColourComposer(RASTER, BOX)(grey, flow, threads=threads)
    other = ColourComposer(RASTER, BOX)(grey, flow, threads=2)
    assert np.array_equal(frame.pixels, other.pixels)
    assert np.array_equal(overlay(frame).velocity_m_s, overlay(other).velocity_m_s, equal_nan=True)
    for old, new in zip(before, (grey.pixels, flow.velocity_m_s, flow.power), strict=True):
        assert np.array_equal(old, new)


def test_frames_of_one_plan_share_no_memory_and_the_nyquist_may_change() -> None:
    composer = ColourComposer(RASTER, BOX)
    first = composer(None, vessel())
    kept = first.pixels.copy()
    second = composer(None, vessel(-0.2, slow_time=replace(CLOCK, prf_hz=8e3)))
    assert np.array_equal(first.pixels, kept)
    assert overlay(second).scale == pytest.approx((-2 * NYQUIST, 2 * NYQUIST))
    assert overlay(first).scale == pytest.approx((-NYQUIST, NYQUIST))


def test_what_was_not_planned_is_refused() -> None:
    composer = ColourComposer(RASTER, BOX)
    other = LinearScan(x_m=BOX.x_m + 1e-4, z_m=BOX.z_m)
    with pytest.raises(ArgumentError, match="another scan"):
        composer(None, vessel(scan=other))
    same = LinearScan(x_m=BOX.x_m, z_m=BOX.z_m)
    composer(None, vessel(scan=same))
    with pytest.raises(ArgumentError, match="another raster"):
        composer(replace(grey_frame(), raster=replace(RASTER, x_m=0.0)), vessel())
    for wrong in (np.zeros((3, 3), np.uint8), np.zeros((180, 201)), composer(None, vessel())):
        with pytest.raises(ArgumentError, match="uint8 pixels"):
            composer(wrong, vessel())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="FlowMap"):
        composer(None, "flow")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"raster": "r"}, "Raster"),
        ({"scan": 3}, "LinearScan"),
        ({"scale": 0.4}, "VelocityScale"),
        ({"thresholds": 3}, "FlowThresholds"),
        ({"dynamic_range_db": 0}, "dynamic_range_db"),
        ({"power_reference": -1}, "power_reference"),
        ({"spread_limit_m_s": 0}, "spread_limit_m_s"),
        ({"steering_rad": math.nan}, "steering_rad"),
        ({"colours": "plaid"}, "red-blue"),
        ({"raster": replace(RASTER, x_m=1.0)}, "outside"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    arguments = {"raster": RASTER, "scan": BOX} | options
    with pytest.raises(ArgumentError, match=words):
        ColourComposer(arguments.pop("raster"), arguments.pop("scan"), **arguments)
