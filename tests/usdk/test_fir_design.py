from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from usdk.fir_design import band_taps, kaiser_length


@pytest.mark.parametrize("transition_hz", [0.1e6, 1e6, 3.3e6])
def test_as_many_taps_as_scipy_takes(transition_hz: float) -> None:
    n_taps, beta = signal.kaiserord(60.0, 2 * transition_hz / 20e6)
    assert kaiser_length(60.0, transition_hz, 20e6) == (n_taps | 1, pytest.approx(beta))


@pytest.mark.parametrize("n_taps", [1, 3, 33, 101])
@pytest.mark.parametrize("low_hz", [0.0, 1.5e6])
def test_the_filters_are_those_of_scipy(n_taps: int, low_hz: float) -> None:
    cutoff_hz = [low_hz, 4e6] if low_hz else 4e6
    expected = signal.firwin(
        n_taps, cutoff_hz, window=("kaiser", 5.65), fs=20e6, pass_zero=low_hz == 0
    )
    taps = band_taps(n_taps, 5.65, low_hz, 4e6, 20e6)
    assert taps.dtype == np.float32
    np.testing.assert_allclose(taps, expected, rtol=1e-6, atol=1e-8)
