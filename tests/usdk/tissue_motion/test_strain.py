"""Strain of displacements whose gradient is known."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.tissue_motion import strain

STEP_M = 4e-5


def test_a_uniform_strain_is_exact_up_to_the_ends_and_compression_is_negative():
    depths_m = np.arange(200) * STEP_M
    displacement = np.multiply.outer(np.ones(3), -0.01 * depths_m + 1e-5)[..., np.newaxis]
    found = strain(displacement, step_m=STEP_M, length_m=2e-3)
    assert found.shape == displacement.shape
    np.testing.assert_allclose(found, -0.01, rtol=1e-4)


def test_it_is_numpy_s_line_fit():
    rng = np.random.default_rng(0)
    displacement = rng.standard_normal(60)
    found = strain(displacement, step_m=STEP_M, length_m=11 * STEP_M, axis=0)
    for m in range(5, 55):
        fit = np.polyfit(np.arange(11) * STEP_M, displacement[m - 5 : m + 6], 1)
        assert found[m] == pytest.approx(fit[0], rel=1e-5)
    np.testing.assert_allclose(found[:5], found[5], rtol=1e-5)


def test_noise_falls_as_kallel_and_ophir_say():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((400, 101))
    n = 21
    found = strain(noise, step_m=1.0, length_m=n, axis=-1)[:, 50]
    # Their equation 8: 12 σ² / N (N² − 1) Δz²; the difference of two has 2 σ² / Δz².
    assert found.std() == pytest.approx(np.sqrt(12 / (n * (n**2 - 1))), rel=0.1)
    assert np.sqrt(2) / found.std() == pytest.approx(n**1.5 / np.sqrt(6), rel=0.1)


@pytest.mark.parametrize(
    "options",
    [
        {"length_m": 1.0},
        {"length_m": 1e308},
        {"step_m": 0},
        {"length_m": -1},
        {"axis": 3},
        {"axis": None},
    ],
)
def test_fits_that_are_impossible_are_refused(options):
    with pytest.raises(ArgumentError):
        strain(np.zeros((2, 50, 1)), **{"step_m": STEP_M, "length_m": 2e-4, **options})


def test_complex_values_are_no_displacements():
    with pytest.raises(ArgumentError, match="real"):
        strain(np.zeros((2, 50, 1), complex), step_m=STEP_M, length_m=2e-4)


def test_displacements_that_are_not_finite_are_refused_by_name():
    displacement = np.zeros((2, 50, 1))
    displacement[1, 3] = np.nan
    with pytest.raises(ArgumentError, match="NaN"):
        strain(displacement, step_m=STEP_M, length_m=2e-4)


def test_no_lines_have_no_strain():
    assert strain(np.zeros((0, 50, 1)), step_m=STEP_M, length_m=2e-4).shape == (0, 50, 1)
