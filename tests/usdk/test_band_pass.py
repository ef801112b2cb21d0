from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import signal

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.band_pass import BandPass, band_pass
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

FS, FC, N = 40e6, 5e6, 1024
PROBE = Probe.linear(
    "L", n_elements=3, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)


def rf_of(samples: Any, dtype: Any = np.float32) -> Acquisition:
    data = np.broadcast_to(np.asarray(samples), (2, 1, 3, N)).astype(dtype)
    receive = ReceiveSettings(sampling_frequency_hz=FS, n_samples=N, time_zero_s=(1e-6,))
    return Acquisition(data=data, probe=PROBE, sequence=plane_waves(), receive=receive)


def tone(frequency_hz: float) -> Any:
    return 1000 * np.cos(2 * np.pi * frequency_hz * np.arange(N) / FS + 0.3)


@pytest.mark.parametrize(
    ("frequency_hz", "least_db", "most_db"),
    [
        (5e6, -0.05, 0.05),
        (4.5e6, -0.05, 0.05),
        (3e6, -6.3, -5.7),
        (7e6, -6.3, -5.7),
        (1.9e6, -200, -58),
        (8.1e6, -200, -58),
        (15e6, -200, -58),
    ],
)
def test_the_band_passes_and_the_rest_does_not(
    frequency_hz: float, least_db: float, most_db: float
) -> None:
    filtered = band_pass(rf_of(tone(frequency_hz)), 3e6, 7e6).data[0, 0, 0]
    middle = slice(200, -200)
    gain_db = 20 * np.log10(np.std(filtered[middle]) / np.std(tone(frequency_hz)[middle]))
    assert least_db < gain_db < most_db


def test_echoes_stay_where_they_are() -> None:
    time_s = np.arange(N) / FS - 12e-6
    pulse = np.exp(-((time_s * 2e6) ** 2)) * np.cos(2 * np.pi * FC * time_s)
    filtered = band_pass(rf_of(pulse), 3e6, 7e6).data[1, 0, 2]
    before, after = (np.abs(signal.hilbert(x)) for x in (pulse, filtered))
    weight = np.arange(N)
    assert np.sum(weight * after) / after.sum() == pytest.approx(
        np.sum(weight * before) / before.sum(), abs=0.01
    )


def test_integers_are_filtered_as_their_numbers() -> None:
    samples = np.rint(tone(5e6))
    as_int, as_float = (
        band_pass(rf_of(samples, dtype), 3e6, 7e6) for dtype in (np.int16, np.float32)
    )
    assert as_int.data.dtype == np.float32
    assert np.array_equal(as_int.data, as_float.data)


@pytest.mark.parametrize("decimation", [2, 4])
def test_decimated_rf_is_the_same_rf_at_fewer_moments(decimation: int) -> None:
    # By 4 the rate is 10 MHz and the band of 5 to 10 MHz lies in its second Nyquist zone.
    edges = (3e6, 7e6) if decimation == 2 else (5.5e6, 9.5e6)
    rf = rf_of(np.random.default_rng(0).standard_normal(N))
    plan = BandPass(rf, *edges, decimation=decimation)
    filtered, whole = plan(rf), band_pass(rf, *edges)
    assert filtered.receive.sampling_frequency_hz == FS / decimation
    assert np.array_equal(filtered.data, whole.data[..., ::decimation])


def test_a_band_that_is_folded_demodulates_to_the_same_iq() -> None:
    # 10 MHz is less than twice 5.5 to 9.5 MHz: band-pass samples.
    time_s = np.arange(N) / FS - 12e-6
    pulse = np.exp(-((time_s * 0.7e6) ** 2)) * np.cos(2 * np.pi * 7.5e6 * time_s)
    rf = rf_of(pulse)
    options: dict[str, Any] = {"frequency_hz": 7.5e6, "bandwidth_hz": 3e6}
    whole = demodulate(rf, **options, decimation=4).data[0, 0, 0]
    folded = demodulate(band_pass(rf, 5.5e6, 9.5e6, decimation=4), **options).data[0, 0, 0]
    assert np.abs(folded - whole).max() < 0.01 * np.abs(whole).max()


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "decimation", "match"),
    [
        (0.0, 5e6, 1, "low_hz"),
        (5e6, 5e6, 1, "low_hz"),
        (5e6, 20e6, 1, "half the sampling frequency"),
        (float("nan"), 5e6, 1, "low_hz"),
        (3e6, 7e6, 4, "folds"),
        (3e6, 7e6, 0, "decimation"),
        (3e6, 7e6, 2.5, "decimation"),
        (3e6, 3.01e6, 1, "taps"),
        (0.01e6, 5e6, 1, "taps"),
    ],
)
def test_bands_that_cannot_be_are_refused(
    low_hz: float, high_hz: float, decimation: Any, match: str
) -> None:
    with pytest.raises(ArgumentError, match=match):
        BandPass(rf_of(0.0), low_hz, high_hz, decimation=decimation)


def test_other_data_are_refused() -> None:
    rf = rf_of(tone(5e6))
    with pytest.raises(ArgumentError, match="IQ data"):
        BandPass(demodulate(rf), 3e6, 7e6)
    other = replace(rf, receive=replace(rf.receive, sampling_frequency_hz=30e6))
    with pytest.raises(ArgumentError, match="other receive settings"):
        BandPass(rf, 3e6, 7e6)(other)
    broken = rf.data.copy()
    broken[1, 0, 2, 3] = np.inf
    with pytest.raises(ArgumentError, match="NaN or infinite"):
        band_pass(replace(rf, data=broken), 3e6, 7e6)
