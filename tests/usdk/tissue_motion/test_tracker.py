"""Displacements of speckle that moved by a known distance, and their Cramér–Rao bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.scan import LinearScan
from usdk.tissue_motion import MotionEstimator, MotionTracker, displacement_bound_m

INNER = (slice(None), slice(100, -100))


@pytest.mark.parametrize("estimator", MotionEstimator)
@pytest.mark.parametrize("moved_m", [-60e-6, -5e-6, 5e-6, 60e-6])
def test_a_rigid_shift_is_found_and_away_from_the_probe_is_positive(
    speckle, scan, estimator, moved_m
):
    first, second = speckle([0, moved_m])
    tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-3, estimator=estimator)
    found, quality = tracker.pair(first, second)
    # The mean over many windows; single ones of the first err by their mean frequency.
    assert found[INNER].mean() == pytest.approx(moved_m, rel=0.01)
    worst = 0.02 if estimator is MotionEstimator.AUTOCORRELATION_2D else 0.4
    np.testing.assert_allclose(found[INNER], moved_m, rtol=worst)
    assert quality[INNER].min() > 0.75


def test_a_point_that_moves_deeper_is_positive():
    # The envelope says which way, whatever the phase convention.
    z_m = np.arange(400) * 2e-5
    scan = LinearScan(x_m=np.array([0.0, 1e-3]), z_m=z_m + 1e-3)

    def echo(depth_m):
        place = z_m - depth_m
        wave = np.exp(-((place / 3e-4) ** 2) + 4j * np.pi * 5e6 / 1540 * place)
        return np.tile(wave, (2, 1)).astype(np.complex64)

    first, second = echo(4e-3), echo(4.02e-3)
    assert np.abs(second[0]).argmax() > np.abs(first[0]).argmax()
    found, _ = MotionTracker(scan, frequency_hz=5e6, window_m=1e-3).pair(first, second)
    assert found[0, 200] == pytest.approx(2e-5, rel=0.02)


@pytest.mark.parametrize("snr_db", [10.0, 20.0, 30.0])
def test_the_2d_autocorrelator_reaches_the_cramer_rao_bound(speckle, scan, snr_db):
    moved_m = 10e-6
    first, second = speckle([0, moved_m], snr_db=snr_db, seed=3)
    tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-3)
    error_m = (tracker.pair(first, second)[0] - moved_m)[INNER]
    bound_m = displacement_bound_m(
        frequency_hz=5e6, fractional_bandwidth=0.5, window_m=tracker.window_m, snr_db=snr_db
    )
    assert 0.85 < error_m.std() / bound_m < 1.25
    # Bias: within what the standard error of some 300 independent windows allows.
    assert abs(error_m.mean()) < 4 * bound_m / np.sqrt(300)


def test_lag_one_misses_the_bound_by_the_mean_frequency_of_each_window(speckle, scan):
    moved_m = 60e-6
    first, second = speckle([0, moved_m], snr_db=30, seed=3)
    errors = {}
    for estimator in MotionEstimator:
        tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-3, estimator=estimator)
        errors[estimator] = (tracker.pair(first, second)[0] - moved_m)[INNER].std()
    assert errors[MotionEstimator.AUTOCORRELATION] > 5 * errors[MotionEstimator.AUTOCORRELATION_2D]


def test_a_wrong_frequency_biases_lag_one_alone(speckle, scan):
    # Attenuation has moved the band from 5 to 4.6 MHz.
    moved_m = 40e-6
    first, second = speckle([0, moved_m], frequency_hz=4.6e6)
    ratios = {}
    for estimator in MotionEstimator:
        tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-3, estimator=estimator)
        ratios[estimator] = tracker.pair(first, second)[0][INNER].mean() / moved_m
    assert ratios[MotionEstimator.AUTOCORRELATION] == pytest.approx(4.6 / 5, abs=0.01)
    assert ratios[MotionEstimator.AUTOCORRELATION_2D] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("is_baseband", [False, True])
@pytest.mark.parametrize("moved_m", [300e-6, -222e-6])
def test_the_search_finds_what_is_beyond_a_quarter_of_a_wavelength(
    speckle, scan, moved_m, is_baseband
):
    first, second = speckle([0, moved_m], snr_db=30)
    if is_baseband:
        carrier = np.exp(-4j * np.pi * 5e6 / 1540 * (scan.z_m - scan.z_m[0]))
        first, second = first * carrier, second * carrier
    options = {"frequency_hz": 5e6, "window_m": 3e-3, "is_baseband": is_baseband}
    without = MotionTracker(scan, **options)
    assert abs(moved_m) > without.limit_m
    assert np.abs(without.pair(first, second)[0]).max() < 1.3 * without.limit_m
    tracker = MotionTracker(scan, search_m=0.5e-3, **options)
    assert tracker.limit_m > 0.5e-3
    np.testing.assert_allclose(tracker.pair(first, second)[0][INNER], moved_m, atol=3e-6)


@settings(max_examples=15)
@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-6, 1e3]), turn=st.floats(0, 6))
def test_order_scale_and_phase_of_both_frames_do_not_matter(speckle, seed, scale, turn):
    scan = LinearScan(x_m=np.arange(4) * 1e-3, z_m=np.arange(1, 257) * 3.85e-5)
    first, second = speckle([0, 2e-5], n_lines=4, n_samples=256, seed=seed)
    tracker = MotionTracker(scan, frequency_hz=5e6, window_m=2e-3, search_m=1e-4)
    found, quality = tracker.pair(first, second)
    factor = np.complex64(scale * np.exp(1j * turn))
    same, same_quality = tracker.pair(factor * first, factor * second)
    np.testing.assert_allclose(same, found, atol=1e-8)
    np.testing.assert_allclose(same_quality, quality, atol=1e-5)
    back, _ = MotionTracker(scan, frequency_hz=5e6, window_m=2e-3).pair(second, first)
    forth, _ = MotionTracker(scan, frequency_hz=5e6, window_m=2e-3).pair(first, second)
    np.testing.assert_allclose(back, -forth, atol=1e-9)


def test_frames_of_a_packet_become_pairs(speckle, scan):
    packet = np.stack(speckle([0, 1e-5, 3e-5]), axis=-1)
    tracker = MotionTracker(scan, frequency_hz=5e6, window_m=3e-3, n_lines=3)
    motion = tracker(packet, times_s=np.array([0, 1e-3, 2e-3]))
    assert motion.displacement_m.shape == (*scan.shape, 2)
    np.testing.assert_allclose(motion.displacement_m[INNER][..., 0].mean(), 1e-5, rtol=0.01)
    np.testing.assert_allclose(motion.velocity_m_s[INNER][..., 1].mean(), 2e-2, rtol=0.01)
    assert "2-D autocorrelation at 5e+06 Hz" in tracker.describe()


@pytest.mark.parametrize(
    "options",
    [
        {"frequency_hz": 0},
        {"window_m": -1},
        {"n_lines": 2},
        {"search_m": -1e-3},
        {"search_m": 1},
        {"estimator": "best"},
        {"window_m": 1e-6},
    ],
)
def test_settings_out_of_range_are_refused(scan, options):
    with pytest.raises(ArgumentError):
        MotionTracker(scan, **{"frequency_hz": 5e6, **options})


def test_frames_that_do_not_fit_are_refused(scan):
    tracker = MotionTracker(scan, frequency_hz=5e6)
    good = np.ones(scan.shape, np.complex64)
    infinite = good.copy()
    infinite[0, :2] = np.inf, -np.inf
    for bad in (good[:3], good.real, np.full(scan.shape, np.nan, np.complex64), infinite):
        with pytest.raises(ArgumentError):
            tracker.pair(good, bad)
    with pytest.raises(ArgumentError, match="two frames"):
        tracker(good[..., np.newaxis])
    with pytest.raises(ArgumentError, match="LinearScan"):
        MotionTracker("everywhere", frequency_hz=5e6)


@pytest.mark.parametrize(
    "options", [{"coherence": 0}, {"coherence": 1.1}, {"snr_db": np.nan}, {"window_m": 0}]
)
def test_a_bound_of_nothing_is_refused(options):
    with pytest.raises(ArgumentError):
        displacement_bound_m(
            **{"frequency_hz": 5e6, "fractional_bandwidth": 0.5, "window_m": 1e-3, **options}
        )


def test_the_bound_is_nothing_without_noise():
    sure = {"frequency_hz": 5e6, "fractional_bandwidth": 0.5, "window_m": 1e-3}
    assert displacement_bound_m(**sure) == 0
    assert displacement_bound_m(**sure, coherence=0.9) > displacement_bound_m(**sure, snr_db=40)


@pytest.mark.parametrize("options", [{"window_m": 1e308}, {"search_m": 1e308}])
def test_lengths_past_all_scales_are_refused(scan, options):
    with pytest.raises(ArgumentError):
        MotionTracker(scan, frequency_hz=5e6, **options)


@pytest.mark.parametrize("gaps", [[True], "no", [0.0, 1.0, 0.0]])
def test_gaps_are_told_of_every_frame(speckle, scan, gaps):
    with pytest.raises(ArgumentError, match="is_after_gap"):
        MotionTracker(scan, frequency_hz=5e6).follow(speckle([0, 0, 0]), is_after_gap=gaps)


def test_a_bound_that_is_no_number_is_refused():
    with pytest.raises(ArgumentError):
        displacement_bound_m(frequency_hz=1e308, fractional_bandwidth=0.5, window_m=1e-3)
