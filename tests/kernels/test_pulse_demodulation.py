from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from usdk_kernels.pulse_demodulation import TAPS, demodulate_pulses

FS, F, T0 = 20e6, 4.3e6, 0.7e-6
KERNELS = [demodulate_pulses, getattr(demodulate_pulses, "py_func", demodulate_pulses)]


def naive(rf: Any, h: Any, n_lanes: int) -> Any:
    """Mix, then filter, in float64: (n_elements, n_samples, n_lanes)."""
    n_pulses, n_elements, n_samples = rf.shape
    half = len(h) // 2
    mixed = rf * np.exp(-2j * np.pi * F * (T0 + np.arange(n_samples) / FS))
    padded = np.pad(mixed, ((0, 0), (0, 0), (half, half)))
    out = np.zeros((n_elements, n_samples, n_lanes), complex)
    for k, tap in enumerate(h):
        out[..., :n_pulses] += 2 * tap * np.moveaxis(padded[..., k : k + n_samples], 0, -1)
    return out


def arguments(h: Any, n_samples: int, n_lanes: int) -> tuple[Any, ...]:
    half = len(h) // 2
    turned = h * np.exp(-2j * np.pi * F * (np.arange(len(h)) - half) / FS)
    pad = -len(h) % TAPS
    offsets = np.pad(np.arange(len(h), dtype=np.int64), (0, pad))
    carrier = 2 * np.exp(-2j * np.pi * F * (T0 + np.arange(n_samples) / FS))
    lanes = np.repeat(carrier, n_lanes).astype(np.complex64)
    taps = [np.pad(part, (0, pad)).astype(np.float32) for part in (turned.real, turned.imag)]
    return (
        half,
        offsets,
        taps[0],
        offsets,
        taps[1],
        np.ascontiguousarray(lanes.real),
        np.ascontiguousarray(lanes.imag),
    )


def run(
    kernel: Any, data: Any, h: Any, *, first: int, n_samples: int, n_lanes: int, cuts: Any = (0, 3)
) -> Any:
    out = np.full((data.shape[2], n_samples, 2 * n_lanes), np.nan, np.float32)
    every = arguments(h, n_samples, n_lanes)
    for start, stop in itertools.pairwise(cuts):
        kernel(data, 1, start, stop, first, n_samples, n_lanes, *every, out)
    return out.view(np.complex64)


@pytest.fixture
def data() -> Any:
    rng = np.random.default_rng(5)
    return rng.normal(size=(3, 2, 3, 70)).astype(np.float32)


@pytest.mark.parametrize("kernel", KERNELS, ids=["compiled", "source"])
@pytest.mark.parametrize("n_lanes", [3, 4])
@pytest.mark.parametrize("n_taps", [1, 9])
def test_it_mixes_and_filters(kernel: Any, data: Any, n_lanes: int, n_taps: int) -> None:
    h = np.hanning(n_taps + 2)[1:-1]
    found = run(kernel, data, h, first=5, n_samples=60, n_lanes=n_lanes)
    expected = naive(data[:, 1, :, 5:65].astype(float), h, n_lanes)
    np.testing.assert_allclose(found, expected, atol=3e-6)


@pytest.mark.parametrize("kernel", KERNELS, ids=["compiled", "source"])
def test_integers_are_read_as_they_are(kernel: Any, data: Any) -> None:
    whole = (data * 1000).astype(np.int16)
    h = np.hanning(7)
    found = run(kernel, whole, h, first=0, n_samples=70, n_lanes=4)
    expected = run(kernel, whole.astype(np.float32), h, first=0, n_samples=70, n_lanes=4)
    np.testing.assert_array_equal(found, expected)


def test_more_samples_than_a_chunk_and_any_division_give_the_same(data: Any) -> None:
    long = np.tile(data, (1, 1, 1, 20))
    h = np.hanning(13)
    whole = run(demodulate_pulses, long, h, first=3, n_samples=1300, n_lanes=4)
    expected = naive(long[:, 1, :, 3:1303].astype(float), h, 4)
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    parts = run(demodulate_pulses, long, h, first=3, n_samples=1300, n_lanes=4, cuts=(0, 1, 3))
    np.testing.assert_array_equal(parts, whole)


def test_a_sample_that_is_nan_stays_with_its_pulse_and_element(data: Any) -> None:
    h = np.hanning(5)
    whole = run(demodulate_pulses, data, h, first=0, n_samples=70, n_lanes=4)
    data[1, 1, 2, 30] = np.nan
    found = run(demodulate_pulses, data, h, first=0, n_samples=70, n_lanes=4)
    bad = np.zeros(found.shape, bool)
    bad[2, 28:33, 1] = True
    np.testing.assert_array_equal(np.isnan(found), bad)
    np.testing.assert_array_equal(found[~bad], whole[~bad])


def test_rows_that_are_not_asked_for_are_left_alone(data: Any) -> None:
    found = run(
        demodulate_pulses, data, np.hanning(5), first=0, n_samples=70, n_lanes=4, cuts=(1, 2)
    )
    assert np.isnan(found[[0, 2]]).all()
    assert np.isfinite(found[1]).all()


def test_a_tap_beyond_the_filter_is_its_last_or_first(data: Any) -> None:
    h = np.hanning(7)
    found, expected = np.zeros((2, 3, 70, 8), np.float32)
    half, offsets, *others = arguments(h, 70, 4)
    for out, places in ((found, (-9, 10**9)), (expected, (0, 6))):
        wrong = offsets.copy()
        wrong[:2] = places
        demodulate_pulses(data, 1, 0, 3, 0, 70, 4, half, wrong, *others, out)
    np.testing.assert_array_equal(found, expected)
