from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from usdk.doppler import SlowTime
from usdk.doppler.spectral import Spectra, Spectrogram, trace_of
from usdk.doppler.spectral.trace import noise_power
from usdk.errors import ArgumentError

CLOCK = SlowTime(prf_hz=5000.0, frequency_hz=5e6)
N_BINS = 256


def spectra(power: Any, first_pulse: Any = None) -> Spectra:
    power = np.asarray(power, np.float32)
    n = power.shape[0]
    return Spectra(
        power=power,
        first_pulse=np.arange(n) * 32 if first_pulse is None else first_pulse,
        time_s=np.arange(n) * 32 / 5000.0,
        n_window=128,
        n_hop=32,
        slow_time=CLOCK,
    )


def flat(edges: Any, *, noise: float = 1e-3, n_bins: int = N_BINS) -> Any:
    """Spectra of flow up to each edge, in bins from zero, as a full gate has them."""
    place = np.arange(n_bins) - n_bins // 2
    edges = np.asarray(edges)[:, None]
    covered = np.clip(np.abs(edges) + 0.5 - np.abs(place), 0, 1)
    return np.where(np.sign(place) == np.sign(edges), covered, 0) + noise


@pytest.mark.parametrize("method", ["slope intersection", "geometric"])
@pytest.mark.parametrize("side", [1, -1])
def test_the_edge_of_a_flat_spectrum_is_found(method: str, side: int) -> None:
    edges = side * np.array([10.0, 40.0, 80.0, 110.0])
    found = trace_of(spectra(flat(edges)), method=method, n_average=1, n_median=1)
    bin_m_s = 2 * CLOCK.nyquist_m_s / N_BINS
    np.testing.assert_allclose(
        found.maximum_m_s / bin_m_s, edges, atol=0.1 if method[0] == "s" else 1.0
    )
    np.testing.assert_allclose(found.mean_m_s / bin_m_s, edges / 2, atol=0.6)


def test_slopes_meet_between_the_bins() -> None:
    edges = np.array([30.3, 60.5, 90.8])
    found = trace_of(spectra(flat(edges)), n_average=1, n_median=1)
    bin_m_s = 2 * CLOCK.nyquist_m_s / N_BINS
    np.testing.assert_allclose(found.maximum_m_s / bin_m_s, edges, atol=0.02)


def test_noise_does_not_move_the_edge() -> None:
    for noise in (1e-4, 1e-2, 0.1):
        found = trace_of(spectra(flat(np.full(5, 60.5), noise=noise)), n_average=1)
        bin_m_s = 2 * CLOCK.nyquist_m_s / N_BINS
        np.testing.assert_allclose(found.maximum_m_s / bin_m_s, 60.5, atol=0.1)
        np.testing.assert_allclose(found.mean_m_s / bin_m_s, 30.25, atol=0.5)


def test_the_noise_is_that_of_the_quietest_band() -> None:
    assert noise_power(spectra(flat(np.full(9, 90.0), noise=0.02))) == pytest.approx(0.02)
    random = np.random.default_rng(1)
    assert noise_power(spectra(random.exponential(3.0, (300, 256)))) == pytest.approx(3, rel=0.1)


def test_noise_alone_has_no_velocity() -> None:
    random = np.random.default_rng(2)
    found = trace_of(spectra(random.exponential(1.0, (100, 256))), n_average=9)
    assert np.isnan(found.maximum_m_s).mean() > 0.95


def test_flow_that_turns_back_is_traced_on_each_side() -> None:
    edges = np.repeat([50.0, -20.0, 30.0], 5)
    found = trace_of(spectra(flat(edges)), side="each", n_average=1, n_median=1)
    assert np.sign(found.maximum_m_s).tolist() == np.sign(edges).tolist()
    one = trace_of(spectra(flat(edges)), side="towards", n_average=1, n_median=1)
    assert np.isnan(one.maximum_m_s).tolist() == (edges < 0).tolist()


def test_the_baseline_leaves_room_for_aliased_flow() -> None:
    # The spectrum reaches 160 bins, 32 beyond the Nyquist frequency.
    power = flat(np.full(3, 160.0), n_bins=512)[:, 256 - 96 : 256 + 160]
    folded = np.zeros((3, N_BINS))
    for n, place in enumerate(range(-96, 160)):
        folded[:, (place + 128) % N_BINS] += power[:, n]
    shifted = spectra(folded).shifted(-0.25)
    found = trace_of(shifted, n_average=1, n_median=1)
    bin_m_s = 2 * CLOCK.nyquist_m_s / N_BINS
    np.testing.assert_allclose(found.maximum_m_s / bin_m_s, 159.5, atol=0.6)


def test_neighbours_behind_a_hole_are_not_averaged() -> None:
    edges = np.repeat([80.0, 20.0], 6)
    pulses = np.arange(12) * 32 + np.repeat([0, 3200], 6)
    found = trace_of(spectra(flat(edges), pulses), n_average=9, n_median=5)
    bin_m_s = 2 * CLOCK.nyquist_m_s / N_BINS
    np.testing.assert_allclose(found.maximum_m_s / bin_m_s, edges, atol=0.1)


def test_velocities_are_corrected_for_the_angle() -> None:
    along = trace_of(spectra(flat(np.full(3, 50.0))), n_average=1)
    across = trace_of(spectra(flat(np.full(3, 50.0))).with_angle(np.pi / 3), n_average=1)
    np.testing.assert_allclose(across.maximum_m_s, 2 * along.maximum_m_s, rtol=1e-5)


@pytest.mark.parametrize("estimator", ["periodogram", "welch", "capon"])
def test_the_envelope_follows_a_pulsatile_flow(pulsatile: Any, estimator: str) -> None:
    n_window = {"periodogram": 128, "welch": 256, "capon": 64}[estimator]
    overlap = 0.5 if estimator == "capon" else 0.75
    spectrogram = Spectrogram(
        pulsatile.slow_time, estimator=estimator, n_window=n_window, overlap=overlap
    )
    found = trace_of(spectrogram(pulsatile.signal[: 10_000 if estimator == "capon" else None]))
    truth = pulsatile.vessel.axis_velocity_m_s(found.time_s)
    error = found.maximum_m_s - truth
    # Capon's spectra are lower towards their edges.
    assert abs(np.mean(error)) < (0.012 if estimator == "capon" else 0.006)
    assert np.std(error) < 0.018
    assert abs(np.mean(found.mean_m_s - truth / 2)) < 0.008


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"method": "guess"}, "guess"),
        ({"side": "up"}, "up"),
        ({"n_average": 2}, "odd"),
        ({"n_median": 0}, "n_median"),
        ({"noise": -1}, "noise"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        trace_of(spectra(flat([30.0])), **options)


def test_a_trace_needs_columns_and_room() -> None:
    some = spectra(flat([30.0]))
    with pytest.raises(ArgumentError, match="at least one column"):
        trace_of(replace(some, power=some.power[:0]))
    with pytest.raises(ArgumentError, match="no room"):
        trace_of(some.shifted(0.5), side="towards")
