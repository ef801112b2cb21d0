from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal

from usdk.acquisition import Acquisition, ReceiveSettings, require_finite
from usdk.demodulation import Demodulator, demodulate
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.sequences import plane_waves

FC = 5e6


def pulses(
    rate_hz: float = 20e6,
    *,
    n_samples: int = 512,
    bandwidth: float = 0.6,
    arrival_s: tuple[float, ...] = (5.3e-6, 12.11e-6, 18.77e-6),
    time_zero_s: tuple[float, ...] = (-1.3e-6,),
    dtype: Any = np.float32,
) -> Acquisition:
    """Gaussian pulses at known times, narrow enough for the filter to pass them whole."""
    probe = Probe.linear(
        "L", n_elements=2, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=bandwidth
    )
    time_s = np.array(time_zero_s)[:, None, None] + np.arange(n_samples) / rate_hz
    rf = sum(np.real(analytic(time_s - arrival, bandwidth)) for arrival in arrival_s)
    data = np.broadcast_to(rf, (len(time_zero_s), 2, n_samples))[None]
    return Acquisition(
        data=np.ascontiguousarray(data).astype(dtype),
        probe=probe,
        sequence=plane_waves([0] * len(time_zero_s)),
        receive=ReceiveSettings(
            sampling_frequency_hz=rate_hz, n_samples=n_samples, time_zero_s=time_zero_s
        ),
    )


def analytic(time_s: NDArray[Any], bandwidth: float = 0.6) -> NDArray[np.complex128]:
    """A pulse about time 0, as an analytic signal of magnitude 1000."""
    sigma_s = 1 / (2 * np.pi * FC * bandwidth / 6)
    return np.asarray(
        1000 * np.exp(-(time_s**2) / (2 * sigma_s**2)) * np.exp(2j * np.pi * FC * time_s)
    )


def true_iq(acquisition: Acquisition, arrival_s: tuple[float, ...]) -> NDArray[np.complex128]:
    receive = acquisition.receive
    step_s = 1 / receive.sampling_frequency_hz
    time_s = np.array(receive.time_zero_s)[:, None] + step_s * np.arange(receive.n_samples)
    total = sum(analytic(time_s - arrival) for arrival in arrival_s)
    return np.asarray(total * np.exp(-2j * np.pi * receive.demodulation_frequency_hz * time_s))


def test_iq_is_the_analytic_signal_mixed_down_on_the_transmits_clock() -> None:
    iq = demodulate(pulses(time_zero_s=(-1.3e-6, 0.4e-6)))
    expected = true_iq(iq, (5.3e-6, 12.11e-6, 18.77e-6))
    assert iq.is_iq
    assert iq.receive.demodulation_frequency_hz == FC
    error = np.abs(iq.data[0, :, 0] - expected)
    assert error.max() < 4e-3 * 1000


def test_the_envelope_is_that_of_scipys_hilbert_transform() -> None:
    rf = pulses()
    reference = np.abs(signal.hilbert(rf.data[0, 0, 0].astype(np.float64)))
    magnitude = np.abs(demodulate(rf).data[0, 0, 0])
    assert np.abs(magnitude - reference).max() < 4e-3 * 1000


@pytest.mark.parametrize("rate_hz", [4 / 3 * FC, 4 / 5 * FC])
def test_band_pass_sampled_data_come_out_as_if_sampled_fast(rate_hz: float) -> None:
    # The band must fit a quarter of the rate on each side of the carrier.
    sampled = pulses(rate_hz, n_samples=400, arrival_s=(20.3e-6,))
    bandwidth_hz = 0.9 * rate_hz / 2
    iq = demodulate(sampled, bandwidth_hz=bandwidth_hz)
    expected = true_iq(iq, (20.3e-6,))
    error = np.abs(iq.data[0, 0, 0] - expected)
    assert error.max() < (0.02 if rate_hz > FC else 0.2) * 1000


def test_decimation_keeps_every_nth_sample() -> None:
    rf = pulses(40e6)
    band = 4.5e6
    whole = demodulate(rf, bandwidth_hz=band)
    third = demodulate(rf, bandwidth_hz=band, decimation=3)
    assert third.receive.sampling_frequency_hz == pytest.approx(40e6 / 3)
    assert third.receive.n_samples == third.data.shape[-1] == 171
    assert third.receive.time_zero_s == whole.receive.time_zero_s
    assert np.allclose(third.data, whole.data[..., ::3], rtol=0, atol=1e-3)


def test_the_filter_halves_the_band_edge_and_stops_the_mirror_image() -> None:
    n_samples, rate_hz = 4096, 20e6
    time_s = np.arange(n_samples) / rate_hz
    rf = pulses(n_samples=n_samples, time_zero_s=(0.0,))
    plan = Demodulator(rf, bandwidth_hz=4e6)
    levels = {}
    for offset_hz in (0.0, 0.5e6, 2e6, 3.1e6):
        tone = np.cos(2 * np.pi * (FC + offset_hz) * time_s).astype(np.float32)
        tones = replace(rf, data=np.broadcast_to(tone, rf.data.shape))
        levels[offset_hz] = np.abs(plan(tones).data[0, 0, 0, 1000:-1000]).max()
    assert levels[0.0] == pytest.approx(1, abs=2e-3)
    assert levels[0.5e6] == pytest.approx(1, abs=3e-3)
    assert levels[2e6] == pytest.approx(0.5, abs=5e-3)
    assert levels[3.1e6] < 2e-3


def test_a_dc_offset_of_the_converter_is_removed() -> None:
    rf = pulses()
    shifted = replace(rf, data=rf.data + np.float32(500))
    middle = slice(100, -100)
    difference = demodulate(shifted).data - demodulate(rf).data
    assert np.abs(difference[..., middle]).max() < 2e-3 * 500


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_integer_and_float_samples_give_the_same(dtype: Any) -> None:
    whole = pulses(dtype=np.int16)
    same = replace(whole, data=whole.data.astype(dtype))
    assert np.array_equal(demodulate(same).data, demodulate(whole).data)


def test_demodulation_is_linear_and_frames_are_independent() -> None:
    one, other = pulses(arrival_s=(6e-6,)), pulses(arrival_s=(9e-6, 14e-6))
    both = demodulate(replace(one, data=one.data + 2 * other.data)).data
    apart = demodulate(one).data + 2 * demodulate(other).data
    assert np.allclose(both, apart, rtol=0, atol=1e-2)
    nothing = np.empty(0)
    two = replace(
        one,
        data=np.concatenate((one.data, other.data)),
        sequence_numbers=np.array([7, 8]),
        device_timestamps_s=nothing,
        host_timestamps_s=nothing,
    )
    iq = demodulate(two)
    assert np.array_equal(iq.data[1:], demodulate(other).data)
    assert iq.sequence_numbers.tolist() == [7, 8]


def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    rf = pulses(time_zero_s=(0.0, 1e-6, 2e-6))
    results = []
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("USDK_N_THREADS", threads)
        results.append(demodulate(rf).data)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency_hz": -5e6}, "frequency_hz"),
        ({"frequency_hz": float("nan")}, "frequency_hz"),
        ({"frequency_hz": 10e6}, "mirror"),
        ({"bandwidth_hz": 0.0}, "mirror"),
        ({"bandwidth_hz": float("nan")}, "mirror"),
        ({"bandwidth_hz": 10.1e6}, "mirror"),
        ({"bandwidth_hz": 6e6, "decimation": 4}, "no room"),
        ({"decimation": 0}, "decimation"),
        ({"decimation": 513}, "decimation"),
        ({"decimation": 1.5}, "decimation"),
    ],
)
def test_bands_that_cannot_be_told_apart_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        demodulate(pulses(), **options)


def test_iq_data_and_other_settings_are_refused() -> None:
    rf = pulses()
    iq = demodulate(rf)
    with pytest.raises(ArgumentError, match="IQ already"):
        demodulate(iq)
    plan = Demodulator(rf)
    with pytest.raises(ArgumentError, match="planned for other"):
        plan(pulses(n_samples=500))
    with pytest.raises(ArgumentError, match="planned for other"):
        plan(iq)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_named(value: float) -> None:
    rf = pulses()
    data = rf.data.copy()
    data[0, 0, 1, 37] = value
    with pytest.raises(ArgumentError, match="frame 0, transmit 0, element 1, sample 37"):
        demodulate(replace(rf, data=data))


def test_infinities_that_cancel_and_sums_that_overflow_are_told_apart() -> None:
    rf = pulses()
    opposite = rf.data.copy()
    opposite[0, 0, 0, :2] = np.inf, -np.inf
    with pytest.raises(ArgumentError, match="2 samples"):
        require_finite(replace(rf, data=opposite))
    huge = np.full_like(rf.data, np.finfo(np.float32).max)
    require_finite(replace(rf, data=huge))
    iq = demodulate(rf)
    broken = iq.data.copy()
    broken[0, 0, 0, 5] = complex(0, np.nan)
    with pytest.raises(ArgumentError, match="sample 5"):
        require_finite(replace(iq, data=broken))
