"""Contrast, CNR and gCNR of distributions whose measures are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm, rayleigh

from usdk.errors import ArgumentError
from usdk.quality import (
    RAYLEIGH_SNR,
    Circle,
    Ring,
    cnr,
    contrast_db,
    gcnr,
    measure_contrast,
    rayleigh_cnr,
    rayleigh_gcnr,
)
from usdk.scan import LinearScan

LEVELS_DB = [-40.0, -12.0, -6.0, -3.0, 3.0, 6.0, 12.0]


def rayleigh_pair(level_db: float, n: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    return random.rayleigh(10 ** (level_db / 20), n), random.rayleigh(1.0, n)


@pytest.mark.parametrize("level_db", LEVELS_DB)
def test_contrast_of_two_speckles(level_db: float) -> None:
    """The mean of n exponential powers scatters by 4.34 / √n dB."""
    assert contrast_db(*rayleigh_pair(level_db)) == pytest.approx(level_db, abs=0.05)


@pytest.mark.parametrize("level_db", LEVELS_DB)
def test_cnr_of_two_speckles(level_db: float) -> None:
    assert cnr(*rayleigh_pair(level_db)) == pytest.approx(rayleigh_cnr(level_db), abs=0.01)


def test_cnr_of_two_gaussians() -> None:
    random = np.random.default_rng(8)
    low, high = random.normal(10.0, 0.3, 100_000), random.normal(12.0, 0.4, 100_000)
    assert cnr(low, high) == pytest.approx(2 / 0.5, rel=0.01)


@pytest.mark.parametrize("level_db", LEVELS_DB)
def test_gcnr_of_two_speckles(level_db: float) -> None:
    assert gcnr(*rayleigh_pair(level_db)) == pytest.approx(rayleigh_gcnr(level_db), abs=0.01)


@pytest.mark.parametrize("apart", [0.0, 0.5, 1.0, 2.0, 4.0])
def test_gcnr_of_two_gaussians(apart: float) -> None:
    """Two normals d standard deviations apart overlap by 2 Φ(−d / 2)."""
    random = np.random.default_rng(9)
    low, high = random.normal(20, 1, 200_000), random.normal(20 + apart, 1, 200_000)
    assert gcnr(low, high) == pytest.approx(1 - 2 * norm.cdf(-apart / 2), abs=0.016)


def test_gcnr_sees_a_difference_in_spread_alone() -> None:
    """Equal means: CNR is 0; the densities cross twice."""
    random = np.random.default_rng(10)
    narrow, wide = random.normal(20, 1, 200_000), random.normal(20, 3, 200_000)
    crossing = math.sqrt(math.log(9) / (1 - 1 / 9))
    truth = 2 * (norm.cdf(crossing) - norm.cdf(crossing / 3))
    assert gcnr(narrow, wide) == pytest.approx(truth, abs=0.02)
    assert cnr(narrow, wide) < 0.01


@pytest.mark.parametrize("level_db", LEVELS_DB)
def test_closed_forms_agree_with_integration(level_db: float) -> None:
    a, b = rayleigh(scale=10 ** (level_db / 20)), rayleigh(scale=1.0)
    overlap, _ = quad(lambda e: min(a.pdf(e), b.pdf(e)), 0, 60, limit=500)
    assert rayleigh_gcnr(level_db) == pytest.approx(1 - overlap, abs=1e-6)
    expected = abs(a.mean() - b.mean()) / math.hypot(a.std(), b.std())
    assert rayleigh_cnr(level_db) == pytest.approx(expected, rel=1e-12)


def test_closed_forms_at_the_ends() -> None:
    assert rayleigh_gcnr(0.0) == 0
    assert rayleigh_cnr(0.0) == 0
    assert rayleigh_gcnr(-math.inf) == rayleigh_gcnr(math.inf) == 1
    assert rayleigh_cnr(math.inf) == pytest.approx(RAYLEIGH_SNR)
    assert rayleigh_cnr(-math.inf) == pytest.approx(RAYLEIGH_SNR)


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5.0))
def test_gcnr_is_the_same_for_every_grey_map(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    inner, outer = random.rayleigh(scale, 300) + 1e-3, random.rayleigh(1.0, 700) + 1e-3
    reference = gcnr(inner, outer)
    assert 0 <= reference <= 1
    for grey in (np.square, lambda e: np.log1p(50 * e), lambda e: 100 * e**0.3):
        assert gcnr(grey(inner), grey(outer)) == pytest.approx(reference, abs=1e-12)
    assert gcnr(outer, inner) == pytest.approx(reference, abs=0.02)


def test_gcnr_at_its_ends() -> None:
    values = np.random.default_rng(11).rayleigh(1.0, 50_000)
    assert gcnr(values, values) == 0
    assert gcnr(values, values + 100) == 1
    assert gcnr(np.zeros(100), values) == 1
    assert gcnr(np.zeros(100), np.zeros(50)) == 0


@pytest.mark.parametrize(("n", "n_bins"), [(25_000, None), (2000, 20), (2000, 100)])
def test_what_is_equal_shows_the_noise_of_its_histogram(n: int, n_bins: int | None) -> None:
    values = np.random.default_rng(13).rayleigh(1.0, (2, n))
    expected = math.sqrt((n_bins or 2 * n ** (1 / 3)) / (math.pi * n))
    assert gcnr(*values, n_bins=n_bins) == pytest.approx(expected, rel=0.35)


def test_silence_inside() -> None:
    assert contrast_db(np.zeros(5), np.ones(5)) == -math.inf
    with pytest.raises(ArgumentError, match="silent"):
        contrast_db(np.ones(5), np.zeros(5))
    with pytest.raises(ArgumentError, match="no noise"):
        cnr(np.ones(5), np.full(5, 2.0))
    with pytest.raises(ArgumentError, match="n_bins"):
        gcnr(np.ones(5), np.ones(5), n_bins=1)
    for level_db in (math.nan, 1e30, "loud"):
        with pytest.raises(ArgumentError, match="contrast_db"):
            rayleigh_cnr(level_db)  # type: ignore[arg-type]
        with pytest.raises(ArgumentError, match="contrast_db"):
            rayleigh_gcnr(level_db)  # type: ignore[arg-type]


def test_a_lesion_in_a_picture() -> None:
    scan = LinearScan(x_m=np.linspace(-10e-3, 10e-3, 401), z_m=np.linspace(10e-3, 30e-3, 401))
    envelope = np.random.default_rng(12).rayleigh(1.0, scan.shape)
    lesion = Circle(1e-3, 20e-3, 3e-3)
    envelope[lesion.mask(scan)] *= 10 ** (-9 / 20)
    inside, outside = Circle(1e-3, 20e-3, 2.8e-3), Ring(1e-3, 20e-3, 4e-3, 6e-3)
    found = measure_contrast(envelope, inside=inside, outside=outside, on=scan)
    assert found.contrast_db == pytest.approx(-9, abs=0.15)
    assert found.cnr == pytest.approx(rayleigh_cnr(-9), abs=0.02)
    assert found.gcnr == pytest.approx(rayleigh_gcnr(-9), abs=0.02)
    assert found.speckle_snr == pytest.approx(RAYLEIGH_SNR, abs=0.03)
    # Areas over the area of one point.
    assert found.n_inside == pytest.approx(math.pi * 56**2, rel=0.01)
    assert found.n_outside == pytest.approx(math.pi * (120**2 - 80**2), rel=0.01)
    assert found == measure_contrast(envelope, inside=inside.mask(scan), outside=outside.mask(scan))


def test_masks_and_regions_that_do_not_fit_are_refused() -> None:
    envelope = np.ones((4, 5))
    with pytest.raises(ArgumentError, match="on=scan"):
        measure_contrast(envelope, inside=Circle(0, 0, 1), outside=Circle(0, 0, 1))
    with pytest.raises(ArgumentError, match="mask must be bool"):
        measure_contrast(envelope, inside=np.ones((5, 4), bool), outside=np.ones((4, 5), bool))
