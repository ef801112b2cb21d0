"""IIR filters against scipy's, with each initialization."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.signal

from usdk.doppler.clutter import IirFilter
from usdk.errors import ArgumentError

KINDS = {"Butterworth": "butter", "Chebyshev": "cheby1", "inverse Chebyshev": "cheby2"}


def designed(kind, order, cutoff, output):
    return scipy.signal.iirfilter(
        order, 2 * cutoff, rp=0.5, rs=60, btype="highpass", ftype=KINDS[kind], output=output
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("cutoff", [0.01, 0.1, 0.4])
def test_the_designs_are_scipy_s(kind, order, cutoff):
    rad = np.linspace(0, np.pi, 200)
    _, expected = scipy.signal.freqz_zpk(*designed(kind, order, cutoff, "zpk"), rad)
    _, response = scipy.signal.freqz_sos(IirFilter(cutoff, order, kind=kind).sections, rad)
    np.testing.assert_allclose(response, expected, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [8, 33])
def test_projection_takes_away_all_that_any_state_rings_out_with(kind, order, n, noise):
    packet = noise(5, n).astype(complex)
    b, a = designed(kind, order, 0.06, "ba")
    zero = scipy.signal.lfilter(b, a, packet)
    ringing = [scipy.signal.lfilter(b, a, np.zeros(n), zi=state)[0] for state in np.eye(order)]
    rings = np.array(ringing).T
    expected = zero.T - rings @ np.linalg.lstsq(rings, zero.T, rcond=None)[0]
    filtered = IirFilter(0.06, order, kind=kind)(packet.astype(np.complex64))
    np.testing.assert_allclose(filtered, expected.T, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", [1, 3, 4])
def test_step_and_zero_are_lfilter_with_and_without_its_steady_state(kind, order, noise):
    packet = noise(5, 20)
    b, a = designed(kind, order, 0.1, "ba")
    signal = packet.astype(complex)
    zero = IirFilter(0.1, order, kind=kind, initialization="zero")(packet)
    np.testing.assert_allclose(zero, scipy.signal.lfilter(b, a, signal), atol=1e-5)
    state = scipy.signal.lfilter_zi(b, a) * signal[:, :1]
    expected, _ = scipy.signal.lfilter(b, a, signal, zi=state)
    step = IirFilter(0.1, order, kind=kind, initialization="step")(packet)
    np.testing.assert_allclose(step, expected, atol=1e-5)


@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("cutoff", [0.005, 0.05, 0.2])
@pytest.mark.parametrize("n", [9, 16, 200])
def test_projection_leaves_nothing_of_a_standing_echo(order, cutoff, n):
    left = IirFilter(cutoff, order)(np.full((1, n), 1000, np.complex64))
    assert np.abs(left).max() < 3e-2  # −90 dB; begun with nothing it is 0 dB


def test_a_transient_outlives_a_short_packet_unless_it_is_projected_out(tone):
    clutter = 100 * tone(0.004, 12)
    powers = {
        how: np.mean(np.abs(IirFilter(0.08, 3, initialization=how)(clutter)) ** 2)
        for how in ("projection", "step", "zero")
    }
    assert powers["projection"] < 1e-2 * powers["step"]
    assert powers["step"] < powers["zero"]


def test_of_a_long_packet_all_initializations_end_alike(noise):
    packet = noise(2, 200)
    ends = [IirFilter(0.1, initialization=how)(packet)[:, -20:] for how in ("zero", "step")]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"order": 0}, "order"),
        ({"order": 9}, "order"),
        ({"kind": "elliptic"}, "Butterworth"),
        ({"initialization": "guess"}, "projection"),
        ({"ripple_db": 0}, "ripple_db"),
        ({"stopband_db": math.nan}, "stopband_db"),
    ],
)
def test_filters_that_cannot_be_are_refused(options, words):
    with pytest.raises(ArgumentError, match=words):
        IirFilter(0.1, **options)


def test_projection_needs_more_pulses_than_poles(noise):
    with pytest.raises(ArgumentError, match="at least 5 pulses or a lower order"):
        IirFilter(0.1, 4)(noise(1, 4))
    assert IirFilter(0.1, 4, initialization="zero")(noise(1, 1)).shape == (1, 1)


def test_a_filter_says_what_it_is():
    text = IirFilter(0.05, 3, kind="Butterworth", initialization="step").describe()
    assert text == "IIR, Butterworth of order 3, cutoff 0.05 PRF, step initialization"


@pytest.mark.parametrize("name", ["ripple_db", "stopband_db"])
@pytest.mark.parametrize("level_db", [5e-324, 1e308])
def test_levels_past_all_filters_are_refused(name: str, level_db: float) -> None:
    with pytest.raises(ArgumentError, match=name):
        IirFilter(0.1, **{name: level_db})  # type: ignore[arg-type]
