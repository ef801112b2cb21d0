"""Filters that go on, against scipy's in float64."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.signal

from usdk_kernels.slow_time_stream import LANES, filter_sections, filter_taps

NAMES = {"filter_sections": filter_sections, "filter_taps": filter_taps}
SECTIONS = [filter_sections, getattr(filter_sections, "py_func", filter_sections)]
TAPS = [filter_taps, getattr(filter_taps, "py_func", filter_taps)]
HIGH_PASS = scipy.signal.butter(4, 0.1, "highpass", output="sos")


def noise(*shape):
    parts = np.random.default_rng(0).standard_normal((2, *shape))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def new_state(n_points, sections=HIGH_PASS):
    n_blocks = -(-n_points // LANES)
    return np.zeros((n_blocks, sections.shape[0], 2, 2, LANES))


@pytest.mark.parametrize("kernel", SECTIONS)
@pytest.mark.parametrize("n_points", [1, 8, 19])
def test_sections_are_sosfilt(kernel, n_points):
    signal, out = noise(n_points, 40), np.empty((n_points, 40), np.complex64)
    state = new_state(n_points)
    kernel(signal, HIGH_PASS, 0, state.shape[0], state, out)
    expected = scipy.signal.sosfilt(HIGH_PASS, signal.astype(complex))
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("kernel", TAPS)
@pytest.mark.parametrize("n_taps", [1, 2, 7])
def test_taps_are_lfilter(kernel, n_taps):
    taps = np.random.default_rng(1).standard_normal(n_taps).astype(np.float32)
    signal, out = noise(5, 30), np.empty((5, 30), np.complex64)
    history = np.zeros((5, n_taps - 1), np.complex64)
    kernel(signal, taps, 0, 5, history, out)
    expected = scipy.signal.lfilter(taps, 1, signal.astype(complex))
    np.testing.assert_allclose(out, expected, atol=1e-5)
    np.testing.assert_array_equal(history, signal[:, 30 - n_taps + 1 :])


@pytest.mark.parametrize("cuts", [(1, 2), (3, 30), (7, 8)])
def test_blocks_of_any_length_give_the_same_bits(cuts):
    signal = noise(11, 37)
    taps = np.array([0.5, -1, 0.3, 0.2], np.float32)
    results = []
    for edges in ((0, 37), (0, *cuts, 37)):
        state, history = new_state(11), np.zeros((11, 3), np.complex64)
        pieces = []
        for start, stop in itertools.pairwise(edges):
            block = np.ascontiguousarray(signal[:, start:stop])
            recursive, finite = np.empty_like(block), np.empty_like(block)
            filter_sections(block, HIGH_PASS, 0, 2, state, recursive)
            filter_taps(block, taps, 0, 11, history, finite)
            pieces.append((recursive, finite))
        results.append([np.concatenate(parts, axis=1) for parts in zip(*pieces, strict=True)])
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


@pytest.mark.parametrize("kernel", SECTIONS)
def test_sections_touch_their_range_alone(kernel):
    signal, out = noise(3 * LANES, 4), np.zeros((3 * LANES, 4), np.complex64)
    state = new_state(3 * LANES)
    kernel(signal, HIGH_PASS, 1, 2, state, out)
    assert out[LANES : 2 * LANES].all()
    assert not np.delete(out, np.s_[LANES : 2 * LANES], axis=0).any()
    assert not np.delete(state, 1, axis=0).any()


@pytest.mark.parametrize("kernel", TAPS)
def test_taps_touch_their_range_alone(kernel):
    signal, out = noise(6, 4), np.zeros((6, 4), np.complex64)
    history = np.zeros((6, 1), np.complex64)
    kernel(signal, np.array([1, -1], np.float32), 2, 4, history, out)
    assert out[2:4].all()
    assert not np.delete(out, (2, 3), axis=0).any()
    assert not np.delete(history, (2, 3), axis=0).any()


@pytest.mark.parametrize("kernel", SECTIONS)
def test_what_is_no_number_stays_with_its_point(kernel):
    signal, out = noise(5, 6), np.empty((5, 6), np.complex64)
    signal[2, 3] = np.nan
    state = new_state(5)
    kernel(signal, HIGH_PASS, 0, 1, state, out)
    assert np.isnan(out[2, 3:]).all()
    assert np.isfinite(np.delete(out, 2, axis=0)).all()


@pytest.mark.parametrize("kernel", TAPS)
def test_taps_forget_what_is_no_number(kernel):
    signal, out = noise(3, 9), np.empty((3, 9), np.complex64)
    signal[1, 2] = np.nan
    kernel(signal, np.array([1, -1], np.float32), 0, 3, np.zeros((3, 1), np.complex64), out)
    np.testing.assert_array_equal(np.argwhere(np.isnan(out)), [[1, 2], [1, 3]])


@pytest.mark.parametrize("name", NAMES)
def test_one_specialisation_serves_all_calls(name):
    assert len(getattr(NAMES[name], "signatures", [None])) == 1
