"""SVD filters against numpy's decomposition in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.doppler import Autocorrelator, SlowTime, flow_values
from usdk.doppler.clutter import (
    FrequencyCut,
    KneeCut,
    MarchenkoPasturCut,
    SimilarityCut,
    SvdFilter,
)
from usdk.errors import ArgumentError

N = 10


@pytest.fixture(scope="module")
def vessel(noise):
    """Tissue that drifts, blood that flows in half of the lines, and noise."""
    times = np.arange(N)
    tissue = noise(24, 40, 1, seed=1) * np.exp(2j * np.pi * 0.01 * times) * 30
    blood = noise(24, 40, 1, seed=2) * np.exp(2j * np.pi * 0.21 * times)
    blood[12:] = 0
    return (tissue + blood + 0.02 * noise(24, 40, N)).astype(np.complex64)


def without(packet, n_tissue, n_noise=0):
    points = packet.reshape(-1, packet.shape[-1]).astype(complex)
    left, values, right = np.linalg.svd(points, full_matrices=False)
    values[:n_tissue] = 0
    values[values.size - n_noise :] = 0
    return ((left * values) @ right).reshape(packet.shape)


@pytest.mark.parametrize(("n_tissue", "n_noise"), [(0, 0), (1, 0), (2, 0), (1, 8)])
def test_components_are_those_of_numpy_s_decomposition(n_tissue, n_noise, vessel):
    filtered = SvdFilter(n_tissue, n_noise)(vessel)
    np.testing.assert_allclose(filtered, without(vessel, n_tissue, n_noise), atol=3e-3)


@pytest.mark.parametrize(("n_tissue", "n_noise"), [(1, 0), (2, 2), (5, 0), (4, 1)])
def test_of_components_that_lie_apart_the_match_is_to_float32(n_tissue, n_noise, noise):
    packet = noise(30, 20, 6) * np.array([6, 5, 4, 3, 2, 1], np.float32)
    filtered = SvdFilter(n_tissue, n_noise)(packet)
    np.testing.assert_allclose(filtered, without(packet, n_tissue, n_noise), atol=3e-5)


@pytest.mark.parametrize("block_shape", [None, (8, 10)])
@pytest.mark.parametrize("lag", [1, 3])
def test_correlations_are_those_of_the_filtered_packet(block_shape, lag, vessel):
    clutter = SvdFilter(1, block_shape=block_shape)
    filtered = clutter(vessel).astype(complex)
    power, lagged = clutter.correlate(vessel, lag=lag)
    np.testing.assert_allclose(power, np.mean(np.abs(filtered) ** 2, axis=-1), rtol=1e-4)
    expected = np.mean(filtered[..., lag:] * filtered[..., :-lag].conj(), axis=-1)
    np.testing.assert_allclose(lagged, expected, atol=1e-4)


@pytest.mark.parametrize("axial", [False, True])
def test_an_autocorrelator_takes_it_as_any_other_filter(axial, vessel):
    clutter, slow_time = SvdFilter(1), SlowTime(prf_hz=4000, frequency_hz=5e6)
    plan = Autocorrelator((24, 40), N, clutter=clutter, axial=axial, lag=1)
    found = plan(vessel)
    filtered = clutter(vessel).astype(complex)
    np.testing.assert_allclose(found.power, np.mean(np.abs(filtered) ** 2, axis=-1), rtol=1e-4)
    expected = np.mean(filtered[..., 1:] * filtered[..., :-1].conj(), axis=-1)
    np.testing.assert_allclose(found.lag_one, expected, atol=1e-4)
    assert (found.axial is not None) == axial
    if not axial:
        velocity_m_s, spread_m_s, power = plan.flow_values(vessel, slow_time)
        np.testing.assert_array_equal(power, found.power)
        apart = flow_values(found, slow_time)
        np.testing.assert_array_equal(velocity_m_s, apart[0])
        np.testing.assert_array_equal(spread_m_s, apart[1])


def test_results_are_written_where_they_are_wanted(vessel):
    clutter = SvdFilter(1)
    out, power = np.empty_like(vessel), np.empty((24, 40), np.float32)
    lagged = np.empty((24, 40), np.complex64)
    assert clutter(vessel, out=out) is out
    written = clutter.correlate(vessel, power=power, lagged=lagged)
    assert written[0] is power
    assert written[1] is lagged
    np.testing.assert_array_equal(lagged, clutter.correlate(vessel)[1])


@pytest.mark.parametrize("block_shape", [None, (8, 10)])
def test_the_bits_do_not_depend_on_the_threads(block_shape, noise):
    packet = noise(30, 140, 6)
    clutter = SvdFilter(2, block_shape=block_shape)
    np.testing.assert_array_equal(clutter(packet, threads=1), clutter(packet, threads=3))


def test_the_velocity_of_blood_is_found_under_tissue(vessel):
    power, lagged = SvdFilter(1).correlate(vessel)
    shift = np.angle(lagged[:12]) / (2 * np.pi)
    assert np.median(shift) == pytest.approx(0.21, abs=0.003)
    assert np.median(power[12:]) < 0.01 * np.median(power[:12])


def test_a_block_that_is_the_image_is_the_whole(vessel):
    np.testing.assert_allclose(
        SvdFilter(1, block_shape=(24, 40))(vessel), SvdFilter(1)(vessel), atol=2e-5
    )


def test_blocks_side_by_side_are_filtered_by_themselves(vessel):
    filtered = SvdFilter(1, block_shape=(12, 20), overlap=1)(vessel)
    for lines in (slice(0, 12), slice(12, 24)):
        for samples in (slice(0, 20), slice(20, 40)):
            alone = without(vessel[lines, samples], 1)
            np.testing.assert_allclose(filtered[lines, samples], alone, atol=3e-3)


def test_a_point_has_the_mean_of_its_blocks(vessel):
    filtered = SvdFilter(1, block_shape=(16, 40), overlap=2)(vessel)
    upper, lower = without(vessel[:16], 1), without(vessel[8:], 1)
    np.testing.assert_allclose(filtered[:8], upper[:8], atol=3e-3)
    np.testing.assert_allclose(filtered[8:16], (upper[8:] + lower[:8]) / 2, atol=3e-3)
    np.testing.assert_allclose(filtered[16:], lower[8:], atol=3e-3)


def test_local_blocks_follow_tissue_that_moves_differently_in_places(noise):
    times = np.arange(N)
    shifts = np.linspace(-0.04, 0.04, 48)[:, None, None]
    tissue = (100 * noise(48, 30, 1) * np.exp(2j * np.pi * shifts * times)).astype(np.complex64)
    left = [
        np.mean(np.abs(clutter(tissue)) ** 2)
        for clutter in (SvdFilter(1), SvdFilter(1, block_shape=(12, 30)))
    ]
    assert left[1] < 0.1 * left[0]


def test_images_behind_each_other_are_filtered_one_by_one(vessel):
    clutter = SvdFilter(1, block_shape=(8, 10))
    both = clutter(np.stack((vessel, vessel[::-1])))
    np.testing.assert_array_equal(both[0], clutter(vessel))
    np.testing.assert_array_equal(both[1], clutter(np.ascontiguousarray(vessel[::-1])))


@settings(max_examples=6)
@given(scale=st.floats(1e-6, 1e6), turn=st.floats(-3, 3))
def test_scale_and_phase_pass_through(scale, turn, vessel):
    factor = scale * np.exp(1j * turn)
    filtered = SvdFilter(1)((factor * vessel).astype(np.complex64))
    np.testing.assert_allclose(filtered / factor, SvdFilter(1)(vessel), atol=2e-4)


def test_what_is_filtered_has_nothing_left_to_take(vessel):
    once = SvdFilter(1)(vessel)
    values = SvdFilter(0).singular_values(once).values
    assert values[-1] < 1e-5 * np.linalg.svd(vessel.reshape(-1, N), compute_uv=False)[0]


def test_an_empty_packet_and_one_of_zeros_stay_so():
    assert SvdFilter(1)(np.zeros((0, 8), np.complex64)).shape == (0, 8)
    assert SvdFilter(1, block_shape=(2, 2))(np.zeros((0, 4, 8), np.complex64)).size == 0
    zeros = np.zeros((5, 6, 8), np.complex64)
    for tissue in (1, KneeCut(), SimilarityCut(), FrequencyCut(0.1)):
        assert not SvdFilter(tissue, MarchenkoPasturCut())(zeros).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e30])
@pytest.mark.parametrize("block_shape", [None, (3, 4)])
def test_values_that_would_spoil_every_point_are_refused(value, block_shape, noise):
    packet = noise(6, 8, 5)
    packet[2, 3, 1] = value
    with np.errstate(all="ignore"), pytest.raises(ArgumentError, match="not finite or above 1e18"):
        SvdFilter(1, block_shape=block_shape)(packet, threads=1)


@pytest.mark.parametrize(("tissue", "noise_cut", "n"), [(4, 0, 4), (2, 2, 4), (0, 9, 5)])
def test_a_cut_above_the_rank_is_refused(tissue, noise_cut, n, noise):
    with pytest.raises(ArgumentError, match="leaves nothing of a packet"):
        SvdFilter(tissue, noise_cut).n_pulses_out(n)
    with pytest.raises(ArgumentError, match="leaves nothing"):
        SvdFilter(tissue, noise_cut)(noise(50, n))


def test_fewer_points_than_components_are_refused(noise):
    with pytest.raises(ArgumentError, match="rank 2"):
        SvdFilter(2)(noise(2, 8))


def test_rules_that_call_everything_tissue_leave_one_component(noise):
    clutter = SvdFilter(FrequencyCut(0.49), 5)
    packet = np.abs(noise(60, 6)).astype(np.complex64)
    singular = clutter.singular_values(packet)
    n_tissue, n_noise = clutter.cuts(singular)
    assert n_tissue + n_noise <= 5


@pytest.mark.parametrize(
    "options",
    [
        {"tissue": -1},
        {"tissue": 1.5},
        {"tissue": "knee"},
        {"noise": None},
        {"overlap": 0},
        {"overlap": 9},
        {"block_shape": 8},
        {"block_shape": (8,)},
        {"block_shape": (8, 0)},
        {"block_shape": (8, np.nan)},
    ],
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(ArgumentError):
        SvdFilter(**{"tissue": 1, **options})


def test_blocks_need_lines_and_samples(noise):
    with pytest.raises(ArgumentError, match="leave block_shape out"):
        SvdFilter(1, block_shape=(4, 4))(noise(50, 6))


@pytest.mark.parametrize("lag", [0, N, 1.5])
def test_lags_are_within_the_packet(lag, vessel):
    with pytest.raises(ArgumentError, match="lag"):
        SvdFilter(1).correlate(vessel, lag=lag)


def test_a_place_that_does_not_fit_is_refused(vessel):
    with pytest.raises(ArgumentError, match="power must be"):
        SvdFilter(1).correlate(vessel, power=np.empty((24, 41), np.float32))
    with pytest.raises(ArgumentError, match="lagged must be"):
        SvdFilter(1).correlate(vessel, lagged=np.empty((24, 40), np.complex128))
    with pytest.raises(ArgumentError, match="own memory"):
        SvdFilter(1)(vessel, out=vessel)


def test_it_has_no_matrix_of_its_own_and_says_what_it_is():
    assert SvdFilter(2).matrix(8) is None
    assert SvdFilter(2).describe() == "SVD, tissue: 2 components"
    text = SvdFilter(KneeCut(), 3, block_shape=(8, 16)).describe()
    assert text == (
        "SVD, tissue: knee of the singular values, noise: 3 components, "
        "blocks of 8 x 16, 2 over each other"
    )
