"""Rules that find tissue and noise, on packets whose components are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from usdk.doppler.clutter import (
    FrequencyCut,
    KneeCut,
    MarchenkoPasturCut,
    PowerCut,
    SimilarityCut,
    SingularValues,
    SvdFilter,
)
from usdk.errors import ArgumentError

N = 16


def known(levels_db, shifts, noise, n_points=3000):
    """Return the decomposition of tones of known levels over points, and weak noise."""
    times = np.arange(N)
    packet = 1e-3 * noise(n_points, N)
    for k, (level_db, shift) in enumerate(zip(levels_db, shifts, strict=True)):
        places = noise(n_points, 1, seed=k + 1)
        packet = packet + 10 ** (level_db / 20) * places * np.exp(2j * np.pi * shift * times)
    return SvdFilter(0).singular_values(packet.astype(np.complex64))


def test_values_and_vectors_are_numpy_s(noise):
    packet = noise(500, 7) * np.arange(1, 8, dtype=np.float32)
    left, values, right = np.linalg.svd(packet.astype(complex), full_matrices=False)
    singular = SvdFilter(0).singular_values(packet)
    np.testing.assert_allclose(singular.values, values, rtol=1e-5)
    turns = np.abs(np.sum(singular.temporal.T.conj() * right, axis=1))
    np.testing.assert_allclose(turns, 1, atol=1e-5)
    expected = np.corrcoef(np.abs(left).T)
    np.testing.assert_allclose(singular.similarity, expected, atol=1e-4)


def test_shifts_are_those_of_the_tones(noise):
    singular = known([0, -20, -40], [0.02, 0.3, -0.2], noise)
    np.testing.assert_allclose(singular.shifts[:3], [0.02, 0.3, -0.2], atol=0.01)


@pytest.mark.parametrize("n_tissue", [1, 2, 3])
def test_a_knee_is_found_where_the_curve_bends(n_tissue):
    level_db = [*[0, -3, -6][:n_tissue], *np.linspace(-40, -52, N - n_tissue)]
    singular = SingularValues(
        values=10 ** (np.array(level_db) / 20),
        temporal=np.eye(N, dtype=complex),
        points=np.zeros((99, N), np.complex64),
    )
    assert KneeCut().n_tissue(singular) == n_tissue


def test_a_range_of_power_counts_what_lies_in_it(noise):
    singular = known([0, -10, -30], [0, 0.25, -0.25], noise)
    assert [PowerCut(range_db).n_tissue(singular) for range_db in (5, 20, 40)] == [1, 2, 3]


def test_slow_components_before_the_first_fast_one_are_tissue(noise):
    singular = known([0, -15, -30, -45], [0.0, 0.05, 0.3, 0.01], noise)
    assert FrequencyCut(0.02).n_tissue(singular) == 1
    assert FrequencyCut(0.1).n_tissue(singular) == 2
    assert FrequencyCut(0.499).n_tissue(singular) == N


@pytest.mark.parametrize("n_signals", [0, 1, 4])
@pytest.mark.parametrize("n_points", [200, 5000])
def test_all_of_white_noise_is_noise_and_no_more(n_signals, n_points, noise):
    packet = noise(n_points, N)
    for k in range(n_signals):
        tone = np.exp(2j * np.pi * (k / N) * np.arange(N))
        packet = packet + 10 * noise(n_points, 1, seed=k + 1) * tone
    singular = SvdFilter(0).singular_values(packet.astype(np.complex64))
    assert MarchenkoPasturCut().n_noise(singular) == pytest.approx(N - n_signals, abs=1)


def test_neighbours_that_carry_the_same_noise_count_as_one(noise):
    packet = np.repeat(noise(400, N), 8, axis=0)
    singular = SvdFilter(0).singular_values(packet)
    assert MarchenkoPasturCut(8).n_noise(singular) >= N - 1
    assert MarchenkoPasturCut().n_noise(singular) < N / 2


def squares(n_tissue, n_blood, noise):
    """Return a decomposition whose spatial vectors share places: tissue here, blood there."""
    n_points = 2000
    within = np.zeros((3, n_points))
    within[0, :1000], within[1, 1000:1500], within[2] = 1, 1, 0.3
    sizes = [n_tissue, n_blood, N - n_tissue - n_blood]
    envelopes = np.repeat(within, sizes, axis=0).T
    levels = 10 ** -(np.arange(N) / 10)
    packet = noise(n_points, N) * envelopes * levels
    return SvdFilter(0).singular_values(packet.astype(np.complex64))


@pytest.mark.parametrize(("n_tissue", "n_blood"), [(2, 6), (4, 4), (5, 9)])
def test_two_squares_of_similarity_are_found(n_tissue, n_blood, noise):
    singular = squares(n_tissue, n_blood, noise)
    assert SimilarityCut().n_tissue(singular) == n_tissue
    assert SimilarityCut().n_noise(singular) == N - n_tissue - n_blood


def test_a_component_without_structure_is_similar_to_none(noise):
    packet = np.ones((100, 4), np.complex64)
    similarity = SvdFilter(0).singular_values(packet).similarity
    np.testing.assert_array_equal(similarity, 0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: PowerCut(0),
        lambda: PowerCut(math.nan),
        lambda: FrequencyCut(0.5),
        lambda: FrequencyCut("slow"),
        lambda: MarchenkoPasturCut(0.5),
        lambda: MarchenkoPasturCut(math.inf),
    ],
)
def test_rules_out_of_range_are_refused(make):
    with pytest.raises(ArgumentError):
        make()


def test_rules_say_what_they_are():
    rules = (KneeCut(), PowerCut(12), FrequencyCut(0.03), SimilarityCut(), MarchenkoPasturCut(4))
    assert [rule.describe() for rule in rules] == [
        "knee of the singular values",
        "singular values within 12 dB",
        "mean Doppler shift up to 0.03 PRF",
        "similarity of spatial singular vectors",
        "Marchenko-Pastur, 4 points to a cell",
    ]


def test_singular_values_may_be_made_by_hand():
    singular = SingularValues(
        values=np.array([100.0, 1, 0.9]),
        temporal=np.eye(3, dtype=complex),
        points=np.zeros((5, 3), np.complex64),
    )
    assert (singular.rank, KneeCut().n_tissue(singular)) == (3, 1)
