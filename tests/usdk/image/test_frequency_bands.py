from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.errors import ArgumentError
from usdk.image.frequency_bands import Band, frequency_bands
from usdk.probe import Probe
from usdk.sequences import plane_waves

ACQUISITION = Acquisition(
    data=np.zeros((1, 1, 2, 8), np.float32),
    probe=Probe.linear(
        "L", n_elements=2, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    ),
    sequence=plane_waves(),
    receive=ReceiveSettings(sampling_frequency_hz=40e6, n_samples=8, time_zero_s=(0.0,)),
)


def test_equal_bands_fill_the_probes_band() -> None:
    bands = frequency_bands(ACQUISITION, 3)
    assert [band.low_hz for band in bands] == pytest.approx([3.5e6, 4.5e6, 5.5e6])
    assert [band.high_hz for band in bands] == pytest.approx([4.5e6, 5.5e6, 6.5e6])
    assert bands[1].centre_hz == pytest.approx(5e6)
    assert bands[1].width_hz == pytest.approx(1e6)
    assert Band(low_hz=3.5e6, high_hz=4.5e6, gain_db=-2).describe() == "3.5–4.5 MHz -2 dB"


@pytest.mark.parametrize("n_bands", [0, 17])
def test_the_number_of_bands_has_bounds(n_bands: int) -> None:
    with pytest.raises(ArgumentError, match="1 to 16"):
        frequency_bands(ACQUISITION, n_bands)


@pytest.mark.parametrize(
    "options",
    [
        {"low_hz": 0.0, "high_hz": 1e6},
        {"low_hz": 2e6, "high_hz": 2e6},
        {"low_hz": 1e6, "high_hz": float("inf")},
        {"low_hz": float("nan"), "high_hz": 1e6},
        {"low_hz": 1e6, "high_hz": 2e6, "gain_db": float("inf")},
    ],
)
def test_bands_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Band(**options)
