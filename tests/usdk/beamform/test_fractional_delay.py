from __future__ import annotations

import numpy as np
import pytest

from usdk.beamform.fractional_delay import fractional_delay, signal_band


def response(taps: np.ndarray, frequency: float) -> np.ndarray:
    """What the filters make of exp(2πj f n), at tap n_taps // 2 − 1."""
    n = np.arange(taps.shape[-1]) - (taps.shape[-1] // 2 - 1)
    return np.asarray(taps @ np.exp(2j * np.pi * frequency * n))


@pytest.mark.parametrize(("n_taps", "error"), [(4, 0.1), (6, 0.025), (8, 0.006)])
def test_a_tone_in_the_band_is_read_between_its_samples(n_taps: int, error: float) -> None:
    fractions = np.linspace(0, 1, 11)
    # So many values to the sample that the straight line between them does not matter.
    taps = fractional_delay(fractions, n_taps, (0.15, 0.35), 64)
    for frequency in (0.16, 0.25, 0.34):
        off = response(taps, frequency) - np.exp(2j * np.pi * frequency * fractions)
        assert np.abs(off).max() < error


def test_the_droop_of_the_straight_line_is_allowed_for() -> None:
    frequency, places = 0.25, np.linspace(0, 1, 101)
    errors = {}
    for name, n_fine in {"allowed for": 1, "not allowed for": 64}.items():
        first, second = (
            response(fractional_delay(np.array(f), 8, (0.2, 0.3), n_fine), frequency)
            * np.exp(2j * np.pi * frequency * extra)
            for f, extra in ((0.0, 0), (0.0, 1))
        )
        line = (1 - places) * first + places * second
        errors[name] = np.abs(line - np.exp(2j * np.pi * frequency * places))
    assert np.sqrt((errors["allowed for"] ** 2).mean()) < np.sqrt(
        (errors["not allowed for"] ** 2).mean()
    )


def test_the_shape_of_the_fractions_is_kept() -> None:
    assert fractional_delay(np.zeros((2, 3, 4)), 6, (0.1, 0.4), 2).shape == (2, 3, 4, 6)


def test_bands_end_before_half_the_sampling_frequency_and_begin_at_zero() -> None:
    assert signal_band(5e6, 3e6, 20e6) == pytest.approx(((5 - 2.25) / 20, (5 + 2.25) / 20))
    assert signal_band(5e6, 20e6, 12e6) == (0.0, 0.48)
    assert signal_band(0.0, 3e6, 20e6) == pytest.approx((0.0, 2.25 / 20))
