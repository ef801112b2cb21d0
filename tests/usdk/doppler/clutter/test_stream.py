"""Streams: blocks of any length, gaps, and scipy's filters."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk.doppler.clutter import FirFilter, IirFilter, MeanFilter
from usdk.errors import ArgumentError

MAKERS = {
    "iir": lambda shape: IirFilter(0.03, 4).stream(shape),
    "iir from nothing": lambda shape: IirFilter(0.1, 3, initialization="zero").stream(shape),
    "fir": lambda shape: FirFilter.high_pass(0.1, 9).stream(shape),
    "mean": lambda shape: MeanFilter().stream(shape, 20),
}


def coefficients(name):
    if name == "fir":
        return FirFilter.high_pass(0.1, 9).taps, np.array([1.0])
    if name == "mean":
        return np.array([0.95, -0.95]), np.array([1, -0.95])
    clutter = IirFilter(0.03, 4) if name == "iir" else IirFilter(0.1, 3)
    return scipy.signal.sos2tf(clutter.sections)


@pytest.mark.parametrize("name", MAKERS)
def test_a_stream_is_lfilter_begun_in_its_steady_state(name, noise):
    signal = noise(3, 5, 200) + 50
    b, a = coefficients(name)
    begun = 0 if name == "iir from nothing" else 1
    state = scipy.signal.lfilter_zi(b, a) * signal[..., :1].astype(complex) * begun
    expected, _ = scipy.signal.lfilter(b, a, signal.astype(complex), zi=state)
    np.testing.assert_allclose(MAKERS[name]((3, 5))(signal), expected, atol=5e-5)


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=20)
@given(lengths=st.lists(st.integers(0, 17), min_size=1, max_size=12))
def test_blocks_of_any_length_give_the_same_bits(name, lengths, noise):
    signal = noise(11, sum(lengths)) + 10
    whole = MAKERS[name]((11,))(signal)
    stream = MAKERS[name]((11,))
    blocks = np.split(signal, np.cumsum(lengths)[:-1], axis=1)
    parts = np.concatenate([stream(np.ascontiguousarray(block)) for block in blocks], axis=1)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("name", MAKERS)
def test_after_a_gap_or_a_reset_nothing_is_remembered(name, noise):
    signal = noise(4, 30)
    stream = MAKERS[name]((4,))
    fresh = stream(signal)
    assert not np.array_equal(stream(signal), fresh)
    np.testing.assert_array_equal(stream(signal, is_after_gap=True), fresh)
    stream.reset()
    np.testing.assert_array_equal(stream(signal), fresh)


@pytest.mark.parametrize("name", MAKERS)
def test_a_standing_echo_is_silent_from_the_first_pulse(name):
    filtered = np.abs(MAKERS[name](())(np.full(50, 1000, np.complex64)))
    assert (filtered.max() < 1e-3) == (name != "iir from nothing")


@pytest.mark.parametrize("name", MAKERS)
def test_the_bits_do_not_depend_on_the_threads(name, noise):
    signal = noise(5000, 2)
    results = [MAKERS[name]((5000,))(signal, threads=threads) for threads in (1, 3)]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", MAKERS)
def test_memory_is_bounded_and_known(name, noise):
    stream = MAKERS[name]((64, 32))
    n_bytes = stream.n_bytes
    assert 0 < n_bytes <= 64 * 32 * 64 * 2
    stream(noise(64, 32, 10))
    assert stream.n_bytes == n_bytes


def test_clutter_far_above_blood_leaves_no_noise_of_rounding(tone):
    n = 4000
    blood, clutter = tone(0.2, n), 1e4 * tone(0.0005, n)
    stream = IirFilter(0.01, 4, kind="Butterworth").stream(())
    filtered = stream((blood + clutter).astype(np.complex64))[-1000:]
    sections = IirFilter(0.01, 4, kind="Butterworth").sections
    _, gains = scipy.signal.freqz_sos(sections, 2 * np.pi * np.array((0.2, 0.0005)))
    expected = gains[0] * blood + gains[1] * clutter.astype(complex)
    # What the input's own rounding to float32 leaves; the recursion in float32 leaves 0.04.
    assert np.abs(filtered - expected[-1000:]).max() < 2e-3


@pytest.mark.parametrize(
    ("shape", "block"), [((3,), (4, 5)), ((), (3, 5)), ((2, 3), (3, 2, 5)), ((3,), (3,))]
)
def test_blocks_of_other_points_are_refused(shape, block, noise):
    with pytest.raises(ArgumentError, match="planned for points of shape"):
        IirFilter(0.1).stream(shape)(noise(*block))


@pytest.mark.parametrize("shape", [5, (-1,), (1.5,), (2**20, 2**20), ("a",), None])
def test_shapes_that_cannot_be_are_refused(shape):
    with pytest.raises(ArgumentError):
        IirFilter(0.1).stream(shape)


@pytest.mark.parametrize("n_pulses", [1, 0, 2.5, 2**25, float("nan")])
def test_a_running_mean_goes_over_a_number_of_pulses(n_pulses):
    with pytest.raises(ArgumentError, match="n_pulses"):
        MeanFilter().stream((1,), n_pulses)


def test_what_is_no_block_is_refused(noise):
    with pytest.raises(ArgumentError, match="complex IQ"):
        IirFilter(0.1).stream((3,))(np.zeros((3, 4)))


def test_an_infinity_at_the_start_harms_its_own_point_alone(noise):
    signal = noise(3, 5)
    signal[1, 0] = np.inf
    with np.errstate(invalid="ignore"):
        filtered = IirFilter(0.1, initialization="zero").stream((3,))(signal, threads=1)
    assert np.isfinite(filtered[[0, 2]]).all()
    assert np.isnan(filtered[1]).any()
