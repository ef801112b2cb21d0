"""Aligned channel data against float64 samples of every pair, and against the sum they make."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk_kernels import align, das

FS = 20e6
FC = 5e6
C = 1540.0
NS = 400
# (taper, a0, a1, a2)
WINDOWS = {
    "boxcar": np.array([0.0, 1.0, 0.0, 0.0]),
    "hann": np.array([1.0, 0.5, 0.5, 0.0]),
    "blackman": np.array([1.0, 0.42, 0.5, 0.08]),
    "tukey": np.array([0.4, 0.5, 0.5, 0.0]),
}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def window_reference(u, window):
    if window[0] == 0:
        return 1.0
    v = max(0.0, (u - 1 + window[0]) / window[0])
    return window[1] + window[2] * np.cos(np.pi * v) + window[3] * np.cos(2 * np.pi * v)


def sample_reference(row, s, code):
    """The record at the fractional sample s; 0 outside."""
    last = len(row) - 1
    if not 0 <= s <= last:
        return 0.0
    i = min(int(s), last - 1)
    w = s - i
    if code == align.INTERPOLATION_NEAREST:
        return row[i + (w >= 0.5)]
    if code == align.INTERPOLATION_LINEAR:
        return (1 - w) * row[i] + w * row[i + 1]

    def keys(x):  # Keys 1981, equation 15 with a = -1/2
        x = abs(x)
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2

    return sum(row[min(max(i + m, 0), last)] * keys(w - m) for m in (-1, 0, 1, 2))


def align_reference(
    data, points, positions, normals, tangents, time, weight, zero, window, fs, fd, c, f_number,
    size, interpolation,
):  # fmt: skip
    """Float64, one sample at a time: transmit weights, apodization and samples."""
    points, positions, normals, tangents = (
        np.asarray(a, float) for a in (points, positions, normals, tangents)
    )
    n_points, n_transmits, n_elements = len(points), len(data), len(positions)
    apodization = np.zeros((n_points, n_elements))
    samples = np.zeros((n_points, n_transmits, n_elements), complex)
    for p, e in itertools.product(range(n_points), range(n_elements)):
        r = points[p] - positions[e]
        axial = r @ normals[e]
        lateral = np.linalg.norm(r - axial * normals[e])
        if not (axial > 0 and 2 * f_number * lateral <= axial):
            continue
        a = window_reference(2 * f_number * lateral / axial, window)
        if size[0] >= 0:
            unit = r / np.linalg.norm(r)
            across, along = unit @ tangents[e], unit @ np.cross(normals[e], tangents[e])
            a *= np.sinc(size[0] * across) * np.sinc(size[1] * along) * (unit @ normals[e])
        apodization[p, e] = a
        for t in range(n_transmits):
            tau = time[t, p] + np.linalg.norm(r) / c
            if weight[t, p] != 0 and np.isfinite(tau):
                x = sample_reference(
                    data[t, e].astype(complex), (tau - zero[t]) * fs, interpolation
                )
                samples[p, t, e] = x * np.exp(2j * np.pi * fd * tau)
    return weight.T, apodization, samples


def linear_array(n, pitch=0.3e-3):
    positions = np.zeros((n, 3), np.float32)
    positions[:, 0] = (np.arange(n) - (n - 1) / 2) * pitch
    return positions, np.tile(np.float32([0, 0, 1]), (n, 1)), np.tile(np.float32([1, 0, 0]), (n, 1))


def curved_array(n, radius=40e-3, pitch=0.5e-3):
    angle = (np.arange(n) - (n - 1) / 2) * pitch / radius
    normals = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    tangents = np.stack([np.cos(angle), 0 * angle, -np.sin(angle)], 1)
    positions = radius * normals - [0, 0, radius]
    return tuple(a.astype(np.float32) for a in (positions, normals, tangents))


def matrix_array(n, pitch=0.3e-3):
    x = (np.arange(n) - (n - 1) / 2) * pitch
    positions = np.stack([np.repeat(x, n), np.tile(x, n), np.zeros(n * n)], 1).astype(np.float32)
    return (
        positions,
        np.tile(np.float32([0, 0, 1]), (n * n, 1)),
        np.tile(np.float32([1, 0, 0]), (n * n, 1)),
    )


ARRAYS = {"linear": linear_array(12), "curved": curved_array(12), "matrix": matrix_array(4)}


def case(array, seed=0, n_points=37, n_transmits=2, iq=False):
    """Random data and points; arguments up to the times of sample 0."""
    rng = np.random.default_rng(seed)
    positions, normals, tangents = ARRAYS[array]
    points = np.stack(
        [rng.uniform(-3e-3, 3e-3, n_points), rng.uniform(-1e-3, 1e-3, n_points),
         rng.uniform(0.2e-3, 9e-3, n_points)], 1
    ).astype(np.float32)  # fmt: skip
    data = rng.standard_normal((n_transmits, len(positions), NS)).astype(np.float32)
    if iq:
        data = (data + 1j * np.roll(data, 7, -1)).astype(np.complex64)
    time = (points[:, 2] / C + rng.uniform(-1e-7, 1e-7, (n_transmits, n_points))).astype(float)
    weight = rng.uniform(-1, 1, time.shape).astype(np.float32)
    weight[rng.random(time.shape) < 0.2] = 0
    zero = rng.uniform(0, 1e-6, n_transmits)
    return data, points, positions, normals, tangents, time, weight, zero


def run(kernel, arguments, *, f_number=1.0, window="boxcar", size=(-1.0, -1.0), interpolation=1,
        start=0, stop=None, c=C, spare=0):  # fmt: skip
    """Transmit weights, apodization and samples of the points start to stop - 1."""
    data = arguments[0]
    stop = len(arguments[1]) if stop is None else stop
    n, n_transmits, n_elements = stop - start + spare, *data.shape[:2]
    weights = np.full((n, n_transmits), np.nan, np.float32)
    apodization = np.full((n, n_elements), np.nan, np.float32)
    out = np.full((n, n_transmits, n_elements), np.nan, data.dtype)
    frequencies = (FS, FC) if data.dtype.kind == "c" else (FS,)
    kernel(*arguments, WINDOWS[window], *frequencies, c, f_number, *size, interpolation,
           start, stop, weights, apodization, out)  # fmt: skip
    return weights, apodization, out


def total(weights, apodization, samples):
    return np.einsum("pte,pe,pt->p", samples, apodization, weights)


def das_of(arguments, *, f_number=1.0, window="boxcar", size=(-1.0, -1.0), interpolation=1):
    data, points = arguments[:2]
    out = np.empty(len(points), data.dtype)
    is_iq = data.dtype.kind == "c"
    frequencies = (FS, FC) if is_iq else (FS,)
    kernel = das.das_iq if is_iq else das.das_rf
    kernel(*arguments, WINDOWS[window], *frequencies, C, f_number, *size, interpolation, 0,
           0, len(points), out)  # fmt: skip
    return out


KERNELS = {False: align.align_rf, True: align.align_iq}


@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("interpolation", [0, 1, 2])
@pytest.mark.parametrize(("window", "size"), [("boxcar", (-1.0, -1.0)), ("tukey", (0.9, 0.6))])
def test_samples_and_apodization_are_those_of_the_definition(
    array, iq, interpolation, window, size
):
    arguments = case(array, iq=iq)
    expected = align_reference(
        *arguments, WINDOWS[window], FS, FC * iq, C, 1.0, size, interpolation
    )
    assert np.abs(expected[2]).max() > 1
    options = {"window": window, "size": size, "interpolation": interpolation}
    actual = run(KERNELS[iq], arguments, **options)
    # float32 coordinates are exact in both; 1e-5 is float32 in values of up to 4.
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs if iq else theirs.real, atol=1e-5)


@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("interpolation", [0, 1, 2])
def test_the_source_in_the_interpreter_gives_the_same(iq, interpolation):
    arguments = case("curved", n_points=5, iq=iq)
    options = {"window": "tukey", "size": (0.9, 0.6), "interpolation": interpolation}
    compiled = run(KERNELS[iq], arguments, **options)
    for ours, theirs in zip(run(python(KERNELS[iq]), arguments, **options), compiled, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    f_number=st.sampled_from([0.0, 0.4, 1.0, 3.0]),
    window=st.sampled_from(list(WINDOWS)),
    size=st.sampled_from([(-1.0, -1.0), (0.8, -1.0), (2.5, 1.0)]),
    interpolation=st.integers(0, 2),
)
@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("array", ARRAYS)
def test_their_weighted_sum_is_delay_and_sum(
    array, iq, seed, f_number, window, size, interpolation
):
    options = {
        "f_number": f_number, "window": window, "size": size, "interpolation": interpolation
    }  # fmt: skip
    arguments = case(array, seed, n_points=11, iq=iq)
    # Some in front of the record, beyond it and behind the array.
    arguments[5][0, :2] += (-1e-4, 1e-4)
    arguments[1][3, 2] *= -1
    weights, apodization, samples = run(KERNELS[iq], arguments, **options)
    expected = das_of(arguments, **options)
    scale = np.einsum("pte,pe,pt->p", abs(samples), abs(apodization), abs(weights))
    assert np.all(np.abs(total(weights, apodization, samples) - expected) <= 3e-6 * scale + 1e-7)
    assert expected[3] == 0
    # 0 wherever the element does not receive.
    assert not samples[np.broadcast_to(apodization[:, None] == 0, samples.shape)].any()


def test_the_apodization_is_that_of_delay_and_sum():
    # One element at a time hears a constant, so that the sum is its apodization.
    positions, normals, tangents = ARRAYS["curved"]
    _, points, *_ = case("curved")
    for window in WINDOWS:
        arguments = (np.ones((1, 12, NS), np.float32), points, positions, normals, tangents,
                     np.zeros((1, 37)), np.ones((1, 37), np.float32), np.zeros(1))  # fmt: skip
        _, apodization, _ = run(align.align_rf, arguments, window=window, size=(0.9, 0.6))
        for e in range(12):
            one = np.zeros((1, 12, NS), np.float32)
            one[0, e] = 1
            heard = das_of((one, *arguments[1:]), window=window, size=(0.9, 0.6))
            np.testing.assert_allclose(apodization[:, e], heard, rtol=1e-6, atol=1e-7)


def test_record_ends_exactly_at_its_first_and_last_sample():
    positions, normals, tangents = linear_array(1)
    points = np.tile(np.float32([0, 0, 1e-3]), (6, 1))
    time = np.array([[-1e-9, 0, 5.5 / FS, (NS - 1) / FS, NS / FS, 1e12]])
    data = np.arange(1, NS + 1, dtype=np.float32)[None, None]
    arguments = (data, points, positions, normals, tangents, time, np.ones((1, 6), np.float32),
                 np.zeros(1))  # fmt: skip
    for interpolation in (0, 1, 2):
        # Sound so fast that the way back is no time: positions are exactly samples.
        _, _, out = run(
            align.align_rf, arguments, interpolation=interpolation, f_number=0.0, c=1e30
        )
        middle = 7 if interpolation == 0 else 6.5
        np.testing.assert_allclose(out[:, 0, 0], [0, 1, middle, NS, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("size", [(-1.0, -1.0), (0.9, 0.6)])
def test_bad_delays_weights_and_points_give_zeros_there_alone(iq, bad, size):
    arguments = case("linear", n_points=20, iq=iq)
    clean = run(KERNELS[iq], arguments, size=size)
    for which in (1, 5, 6) if np.isnan(bad) else (1, 5):
        broken = [a.copy() for a in arguments]
        if which == 1:
            broken[1][3] = bad
        else:
            broken[which][:, 3] = bad
        with np.errstate(all="ignore"):
            weights, apodization, samples = run(KERNELS[iq], broken, size=size)
        np.testing.assert_array_equal(samples[3], 0)
        assert np.isfinite(apodization).all()
        assert which == 1 or not weights[3].any()
        for ours, theirs in zip((weights, apodization, samples), clean, strict=True):
            np.testing.assert_array_equal(np.delete(ours, 3, 0), np.delete(theirs, 3, 0))


@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
def test_nan_in_the_data_stays_where_it_is_read(iq):
    arguments = case("linear", iq=iq)
    clean = run(KERNELS[iq], arguments)
    arguments[0][:, 4] = np.nan
    weights, apodization, samples = run(KERNELS[iq], arguments)
    heard = (apodization[:, None, 4] != 0) & (weights != 0)
    np.testing.assert_array_equal(np.isnan(samples[..., 4]), heard & (clean[2][..., 4] != 0))
    np.testing.assert_array_equal(np.delete(samples, 4, 2), np.delete(clean[2], 4, 2))


@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
def test_any_division_gives_the_same_bits_and_spare_rows_are_left_alone(iq):
    arguments = case("curved", n_points=101, iq=iq)
    whole = run(KERNELS[iq], arguments)
    for cuts in ([0, 1, 18, 101], [0, 50, 101]):
        for start, stop in itertools.pairwise(cuts):
            part = run(KERNELS[iq], arguments, start=start, stop=stop, spare=2)
            for ours, theirs in zip(part, whole, strict=True):
                np.testing.assert_array_equal(ours[:-2], theirs[start:stop])
                assert np.isnan(ours[-2:]).all()


@pytest.mark.parametrize("shape", [(0, 3, 50), (2, 0, 50), (2, 3, 0), (2, 3, 1)])
@pytest.mark.parametrize("iq", [False, True], ids=["RF", "IQ"])
def test_empty_dimensions_give_zeros(shape, iq):
    n_transmits, n_elements, _ = shape
    data = np.ones(shape, np.complex64 if iq else np.float32)
    points = np.tile(np.float32([0, 0, 1e-3]), (4, 1))
    arguments = (data, points, *linear_array(n_elements), np.zeros((n_transmits, 4)),
                 np.ones((n_transmits, 4), np.float32), np.zeros(n_transmits))  # fmt: skip
    weights, _, samples = run(KERNELS[iq], arguments)
    assert not samples.any()
    assert shape[2] > 1 or not weights.any()
    assert run(KERNELS[iq], arguments, start=2, stop=2)[2].shape == (0, *shape[:2])


def test_one_specialisation_serves_all_calls():
    for iq, kernel in KERNELS.items():
        for array in ARRAYS:
            run(kernel, case(array, n_points=3, iq=iq))
        assert len(getattr(kernel, "signatures", [None])) == 1
