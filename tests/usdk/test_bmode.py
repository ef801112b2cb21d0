from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, DeviceInfo, Gap, ReceiveSettings
from usdk.bmode import BMode, bmode
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.image import Band, Persistence, TimeGain, grey_curve
from usdk.probe import Probe
from usdk.scan import LinearScan, LineScan, Raster
from usdk.sequences import plane_waves

C, FS, FC = 1540.0, 25e6, 5e6
PROBE = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
POINT_M = (1.2e-3, 14e-3)
SCAN = LinearScan(x_m=np.linspace(-4e-3, 4e-3, 81), z_m=np.linspace(8e-3, 20e-3, 241))


def echoes(amplitudes: tuple[float, ...] = (1.0,), **changes: Any) -> Acquisition:
    """A point target in three plane waves, one frame per amplitude."""
    sequence = plane_waves([-6, 0, 6])
    point_m = np.array([POINT_M[0], 0, POINT_M[1]])
    flights_s = np.linalg.norm(PROBE.element_positions_m - point_m, axis=1) / C
    arrivals_s = [t.arrival_time_s(point_m, PROBE, C) for t in sequence.transmits]
    time_s = np.arange(800) / FS
    late_s = time_s - (np.array(arrivals_s)[:, None] + flights_s)[..., None]
    pulse = np.exp(-((late_s * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)
    entries: dict[str, Any] = {
        "data": np.stack([(a * pulse).astype(np.float32) for a in amplitudes]),
        "probe": PROBE,
        "sequence": sequence,
        "receive": ReceiveSettings(
            sampling_frequency_hz=FS, n_samples=800, time_zero_s=(0.0,) * 3, sound_speed_m_s=C
        ),
    }
    return Acquisition(**(entries | changes))


def brightest_m(frame: Frame) -> tuple[float, float]:
    row, column = np.unravel_index(np.argmax(frame.pixels), frame.shape)
    return frame.position_m(float(row), float(column))


@pytest.mark.parametrize("options", [{}, {"scan": SCAN}])
def test_a_point_is_brightest_where_it_is(options: dict[str, Any]) -> None:
    frame = bmode(echoes(), **options)
    assert brightest_m(frame) == pytest.approx(POINT_M, abs=0.1e-3)
    assert frame.pixels.max() == 255
    assert frame.pixels.min() == 0


def test_levels_are_greys_linear_in_decibels() -> None:
    # The second frame is 20 dB weaker, of 60 dB that are shown: 85 greys of 255.
    frames = BMode(echoes((1.0, 0.1)), scan=SCAN)(echoes((1.0, 0.1)))
    assert int(frames[0].pixels.max()) - int(frames[1].pixels.max()) == 85
    narrow = BMode(echoes(), scan=SCAN, dynamic_range_db=50.0)(echoes((1.0, 0.1)))
    assert [int(frame.pixels.max()) for frame in narrow] == [255, 153]


def test_gain_is_added_before_the_greys() -> None:
    quieter = bmode(echoes(), scan=SCAN, gain_db=-12.0)
    assert int(quieter.pixels.max()) == 204


def test_the_reference_stays_that_of_the_first_frame_unless_given() -> None:
    plan = BMode(echoes(), scan=SCAN)
    assert plan(echoes((0.1,)))[0].pixels.max() == 255
    kept = plan.reference
    assert plan(echoes((0.01,)))[0].pixels.max() == 170
    assert plan.reference == kept
    assert kept is not None
    given = BMode(echoes(), scan=SCAN, reference=10 * kept)
    assert given(echoes((0.1,)))[0].pixels.max() == 170


def test_a_silent_frame_is_black_and_sets_no_reference() -> None:
    plan = BMode(echoes(), scan=SCAN)
    assert np.all(plan(echoes((0.0,)))[0].pixels == 0)
    assert plan.reference is None
    assert plan(echoes())[0].pixels.max() == 255


def test_iq_data_make_the_picture_of_their_rf() -> None:
    rf = echoes()
    from_rf, from_iq = bmode(rf, scan=SCAN), bmode(demodulate(rf), scan=SCAN)
    assert np.array_equal(from_rf.pixels, from_iq.pixels)


def test_each_frame_carries_its_number_times_and_gaps() -> None:
    gaps = (
        Gap(first_sequence_number=5, n_frames=2),
        Gap(first_sequence_number=8, n_frames=1),
    )
    data = echoes(
        (1.0, 1.0),
        sequence_numbers=np.array([7, 9]),
        device_timestamps_s=np.array([0.5, 0.6]),
        gaps=gaps,
        device=DeviceInfo(manufacturer="m", model="d"),
    )
    first, second = BMode(data, scan=SCAN)(data)
    assert (first.sequence_number, second.sequence_number) == (7, 9)
    assert (first.device_timestamp_s, second.device_timestamp_s) == (0.5, 0.6)
    assert (first.provenance.gaps, second.provenance.gaps) == (gaps[:1], gaps[1:])
    assert first.provenance.device == data.device
    assert first.provenance.probe == "L"
    assert first.provenance.sequence == "3 × plane"
    processing = dict(first.provenance.processing)
    expected = ["demodulation", "beamforming", "dynamic range", "gain", "grey map"]
    assert list(processing) == expected
    assert "5e+06 Hz" in processing["demodulation"]
    assert processing["dynamic range"] == "60 dB"


def levels_db(frame: Frame) -> NDArray[np.float64]:
    """Levels of a frame whose greys are linear in dB."""
    return (frame.pixels / 255 - 1) * frame.dynamic_range_db


def test_the_grey_map_changes_greys_and_not_levels() -> None:
    linear = bmode(echoes(), scan=SCAN, anti_alias=False)
    curved = bmode(echoes(), scan=SCAN, anti_alias=False, grey_map="s-curve")
    curve = grey_curve("s-curve", 60.0).astype(int)
    expected = curve[np.rint((levels_db(linear) / 60 + 1) * (curve.size - 1)).astype(int)]
    assert np.abs(curved.pixels - expected).max() <= 2
    assert np.any(curved.pixels != linear.pixels)
    assert dict(curved.provenance.processing)["grey map"] == "s-curve"


def test_time_gain_raises_echoes_by_depth() -> None:
    gain = TimeGain(depths_m=(0.0, 20e-3), gains_db=(0.0, 20.0))
    reference = BMode(echoes(), scan=SCAN)
    reference(echoes())
    plain, raised = (
        bmode(echoes(), scan=SCAN, reference=10 * reference.reference, time_gain=time_gain)
        for time_gain in (None, gain)
    )
    z_m = plain.raster.z_m + plain.raster.pixel_size_m * np.arange(plain.shape[0])
    shown = plain.pixels > 0
    gained_db = (levels_db(raised) - levels_db(plain))[shown]
    expected_db = np.broadcast_to(z_m[:, None] * 1e3, plain.shape)[shown]
    assert np.abs(gained_db - expected_db).max() < 0.25
    assert "20 dB at 20 mm" in dict(raised.provenance.processing)["time gain"]


def test_persistence_shows_a_share_of_the_frames_before() -> None:
    # An echo that goes away: 6.02 dB weaker with each frame, and gone after a gap.
    numbers = np.array([3, 4, 5, 7])
    data = echoes((1.0, 0.0, 0.0, 0.0), sequence_numbers=numbers)
    frames = BMode(data, scan=SCAN, persistence=0.5)(data)
    peaks_db = [levels_db(frame).max() for frame in frames]
    assert peaks_db == pytest.approx([0, -6.02, -12.04, -60], abs=0.15)
    assert dict(frames[0].provenance.processing)["persistence"] == "0.5"
    timed = replace(data, device_timestamps_s=np.array([0, 0.1, 0.3, 0.4]))
    settings = Persistence(time_constant_s=0.1)
    frames = BMode(timed, scan=SCAN, persistence=settings)(timed)
    assert levels_db(frames[2]).max() == pytest.approx(20 * np.log10(np.exp(-3)), abs=0.15)


def test_persistence_lasts_over_calls_and_until_it_is_reset() -> None:
    plan = BMode(echoes(), scan=SCAN, persistence=0.5)
    plan(echoes())
    assert plan(echoes((0.0,)))[0].pixels.max() > 200
    plan.reset()
    assert plan(echoes((0.0,)))[0].pixels.max() == 0


def test_anti_aliasing_runs_where_pixels_are_coarse() -> None:
    coarse = SCAN.raster(n_rows=40)
    smoothed, rough = (
        bmode(echoes(), scan=SCAN, raster=coarse, anti_alias=on) for on in (True, False)
    )
    assert "6.15 samples" in dict(smoothed.provenance.processing)["anti-aliasing"]
    assert "anti-aliasing" not in dict(rough.provenance.processing)
    fine = bmode(echoes(), scan=SCAN)
    assert "anti-aliasing" not in dict(fine.provenance.processing)


WIDE = Probe.linear(
    "W", n_elements=64, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.8
)
SPECKLE_SCAN = LinearScan(x_m=np.arange(-50, 51) * 1e-4, z_m=10e-3 + np.arange(101) * 1e-4)


def speckle(angles_deg: list[float], n_frames: int) -> Acquisition:
    """Echoes of scatterers at random, many to a cell, with a flat spectrum from 2 to 8 MHz."""
    rng = np.random.default_rng(11)
    sequence = plane_waves(angles_deg)
    n_samples, finer, n_points = 800, 8, 50_000
    frequency_hz = np.fft.rfftfreq(n_samples * finer, 1 / (FS * finer))
    spectrum = np.clip(np.minimum(frequency_hz - 1e6, 9e6 - frequency_hz) / 1e6, 0, 1)
    data = np.empty((n_frames, len(angles_deg), WIDE.n_elements, n_samples), np.float32)
    for frame in data:
        x_m, z_m = rng.uniform(-9e-3, 9e-3, n_points), rng.uniform(8e-3, 22e-3, n_points)
        points_m = np.stack((x_m, 0 * x_m, z_m), axis=1)
        strength = rng.standard_normal(n_points)
        for element, place_m in enumerate(WIDE.element_positions_m):
            back_s = np.hypot(x_m - place_m[0], z_m) / C
            for transmit, wave in enumerate(sequence.transmits):
                time_s = wave.arrival_time_s(points_m, WIDE, C) + back_s
                place = np.rint(time_s * FS * finer).astype(int)
                train = np.bincount(place, strength, n_samples * finer)[: n_samples * finer]
                frame[transmit, element] = np.fft.irfft(np.fft.rfft(train) * spectrum)[::finer]
    receive = ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=n_samples,
        time_zero_s=(0.0,) * len(angles_deg),
        sound_speed_m_s=C,
    )
    return Acquisition(data=data, probe=WIDE, sequence=sequence, receive=receive)


def speckle_snr(data: Acquisition, **options: Any) -> float:
    """Mean over deviation of the envelope, each depth divided by its own mean."""
    # The scan's own grid is the raster, so that nothing is interpolated.
    raster = Raster(x_m=-5e-3, z_m=10e-3, pixel_size_m=1e-4, n_rows=101, n_columns=101)
    settings: dict[str, Any] = {"scan": SPECKLE_SCAN, "raster": raster, "f_number": 3.0}
    frames = BMode(data, window="boxcar", **settings, **options)(data)
    amplitude = np.stack([10 ** (levels_db(frame) / 20) for frame in frames])
    amplitude /= amplitude.mean(axis=(0, 2), keepdims=True)
    return float(amplitude.mean() / amplitude.std())


def test_bands_average_speckle_as_theory_says() -> None:
    data = speckle([0.0], 4)
    assert speckle_snr(data) == pytest.approx(1.91, rel=0.07)
    bands = [Band(low_hz=low * 1e6, high_hz=(low + 1.5) * 1e6) for low in (2.75, 4.25, 5.75)]
    # Their filters meet at −6 dB, so neighbours are not wholly independent.
    snr = speckle_snr(data, bands=bands)
    assert 0.93 < snr / (1.91 * np.sqrt(3)) < 1.05
    frame = BMode(data, bands=bands, scan=SPECKLE_SCAN)(data[:1])[0]
    processing = dict(frame.provenance.processing)
    assert processing["compounding"] == "mean of 3 envelopes"
    assert processing["frequency bands"] == "2.75–4.25 MHz, 4.25–5.75 MHz, 5.75–7.25 MHz"


@pytest.mark.parametrize("looks", ["mean", "rms"])
def test_angles_average_speckle_as_theory_says(looks: str) -> None:
    # At F-number 3 the aperture spans ±9.5°: waves 20° apart share nothing.
    data = speckle([-20.0, 0.0, 20.0], 4)
    coherent = speckle_snr(data)
    assert coherent == pytest.approx(1.91, rel=0.1)
    apart = speckle_snr(data, compounding="none", looks=looks)
    assert 0.93 < apart / (1.91 * np.sqrt(3)) < 1.07
    incoherent = speckle_snr(data, compounding="incoherent")
    if looks == "mean":
        assert incoherent == pytest.approx(apart, rel=0.03)


def test_the_strongest_of_several_looks_can_be_shown() -> None:
    rf = echoes((1.0,))
    data = rf.data.copy()
    data[:, 1:] *= 0.1
    weak = replace(rf, data=data)
    alone = BMode(weak, scan=SCAN, compounding="none", looks="maximum", reference=10.0)(weak)[0]
    mean = BMode(weak, scan=SCAN, compounding="none", looks="mean", reference=10.0)(weak)[0]
    gained_db = levels_db(alone).max() - levels_db(mean).max()
    assert gained_db == pytest.approx(20 * np.log10(3 / 1.2), abs=0.4)


def test_a_bands_gain_counts() -> None:
    bands = [Band(low_hz=4e6, high_hz=6e6, gain_db=gain) for gain in (0.0, -20.0)]
    plain, weaker = (bmode(echoes(), scan=SCAN, bands=[band], reference=10.0) for band in bands)
    assert levels_db(plain).max() - levels_db(weaker).max() == pytest.approx(20, abs=0.3)


def test_decimated_data_make_the_same_picture() -> None:
    band = [Band(low_hz=3.5e6, high_hz=6.5e6)]
    every, third = (
        bmode(echoes(), scan=SCAN, bands=band, decimation=decimation, interpolation="cubic")
        for decimation in (1, 3)
    )
    seen = every.pixels > 100
    assert np.abs(levels_db(every) - levels_db(third))[seen].max() < 1.0
    assert "decimated by 3" in dict(third.provenance.processing)["demodulation"]


def test_bands_are_those_of_rf() -> None:
    with pytest.raises(ArgumentError, match="those of RF"):
        BMode(demodulate(echoes()), decimation=2)
    with pytest.raises(ArgumentError, match="those of RF"):
        BMode(demodulate(echoes()), bands=[Band(low_hz=4e6, high_hz=5e6)])
    with pytest.raises(ArgumentError, match="at least one"):
        BMode(echoes(), bands=[])


def test_data_of_another_kind_are_refused() -> None:
    plan = BMode(echoes(), scan=SCAN)
    plan(echoes(probe=Probe.from_dict(PROBE.to_dict())))
    other_probe = replace(PROBE, lens_delay_s=1e-7)
    other_receive = replace(echoes().receive, sound_speed_m_s=1480.0)
    for changes in (
        {"probe": other_probe},
        {"sequence": plane_waves([-6, 0, 7])},
        {"receive": other_receive},
    ):
        with pytest.raises(ArgumentError, match="planned for another"):
            plan(echoes(**changes))
    iq = demodulate(echoes())
    faster = replace(iq, receive=replace(iq.receive, sampling_frequency_hz=2 * FS))
    with pytest.raises(ArgumentError, match="planned for another"):
        BMode(iq, scan=SCAN)(faster)


@pytest.mark.parametrize("iq", [False, True])
def test_samples_that_are_not_finite_are_refused(iq: bool) -> None:
    good = demodulate(echoes()) if iq else echoes()
    data = good.data.copy()
    data[0, 1, 2, 3] = np.nan
    with pytest.raises(ArgumentError, match="frame 0, transmit 1, element 2, sample 3"):
        bmode(replace(good, data=data), scan=SCAN)


@pytest.mark.parametrize(
    "options",
    [
        {"dynamic_range_db": 0.0},
        {"dynamic_range_db": float("nan")},
        {"gain_db": float("inf")},
        {"grey_map": "gamma"},
        {"looks": "median"},
        {"persistence": 1.0},
        {"reference": -1.0},
        {"reference": 0.0},
        {"reference": float("nan")},
        {"f_number": -1.0},
        {"window": "unknown"},
        {"persistence": "long"},
        {"time_gain": 3.0},
        {"bands": [(1e6, 2e6)]},
        {"decimation": float("nan")},
        {"scan": LineScan(start_m=(0, 1e-3), end_m=(0, 9e-3), n_samples=9)},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        BMode(echoes(), **({"scan": SCAN} | options))


def test_many_frames_need_a_plan() -> None:
    with pytest.raises(ArgumentError, match="2 frames"):
        bmode(echoes((1.0, 1.0)))
