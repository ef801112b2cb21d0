"""Speckle: Rayleigh's ratio, and what averaging makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.quality import RAYLEIGH_SNR, speckle_snr


def test_fully_developed_speckle() -> None:
    """The sample ratio of n Rayleigh draws scatters by about 1.3 / √n."""
    envelope = np.random.default_rng(1).rayleigh(3.0, (500, 400))
    assert pytest.approx(1.913, abs=5e-4) == RAYLEIGH_SNR
    assert speckle_snr(envelope) == pytest.approx(RAYLEIGH_SNR, abs=0.012)


def test_many_weak_scatterers_are_fully_developed() -> None:
    random = np.random.default_rng(2)
    phasors = np.exp(2j * np.pi * random.random((40_000, 50))).sum(axis=1)
    assert speckle_snr(np.abs(phasors)) == pytest.approx(RAYLEIGH_SNR, abs=0.03)


def test_averaging_raises_it_by_the_root_of_the_number() -> None:
    envelope = np.random.default_rng(3).rayleigh(1.0, (9, 200_000)).mean(axis=0)
    assert speckle_snr(envelope) == pytest.approx(3 * RAYLEIGH_SNR, rel=0.01)


def test_it_does_not_depend_on_gain_or_type() -> None:
    envelope = np.random.default_rng(4).rayleigh(40.0, 1000)
    reference = speckle_snr(envelope)
    assert speckle_snr(7 * envelope) == pytest.approx(reference)
    assert speckle_snr(envelope.astype(np.float32)) == pytest.approx(reference, rel=1e-6)
    assert speckle_snr(np.round(envelope).astype(np.int16)) == pytest.approx(reference, rel=1e-2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(10), "the same everywhere"),
        (np.ones(1), "at least 2 samples"),
        (np.array([1.0, np.nan]), "finite"),
        (np.array([-20.0, -3.0]), "decibels"),
        (np.array([1j, 2j]), "envelope"),
    ],
)
def test_what_is_no_envelope_is_refused(values: np.ndarray, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        speckle_snr(values)
