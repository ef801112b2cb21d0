"""Delay-and-sum against a float64 sum over every pair, closed forms and symmetries."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk_kernels import das

FS = 20e6
FC = 5e6
C = 1540.0
NS = 400
# (taper, a0, a1, a2)
WINDOWS = {
    "boxcar": np.array([0.0, 1.0, 0.0, 0.0]),
    "hann": np.array([1.0, 0.5, 0.5, 0.0]),
    "hamming": np.array([1.0, 0.54, 0.46, 0.0]),
    "blackman": np.array([1.0, 0.42, 0.5, 0.08]),
    "tukey": np.array([0.4, 0.5, 0.5, 0.0]),
}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def window_reference(u, window):
    """From the windows' textbook forms."""
    if window[0] == 0:
        return 1.0
    v = max(0.0, (u - 1 + window[0]) / window[0])
    return window[1] + window[2] * np.cos(np.pi * v) + window[3] * np.cos(2 * np.pi * v)


def directivity_reference(r, normal, tangent, size):
    """Selfridge 1980 with both sides of a rectangular element; numpy's sinc."""
    r = r / np.linalg.norm(r)
    along = np.cross(normal, tangent)
    return np.sinc(size[0] * (r @ tangent)) * np.sinc(size[1] * (r @ along)) * (r @ normal)


def sample_reference(row, s, code):
    """The record at the fractional sample s; None outside."""
    last = len(row) - 1
    if not 0 <= s <= last:
        return None
    i = min(int(s), last - 1)
    w = s - i
    if code == das.INTERPOLATION_NEAREST:
        return row[i + (w >= 0.5)]
    if code == das.INTERPOLATION_LINEAR:
        return (1 - w) * row[i] + w * row[i + 1]

    def keys(x):  # Keys 1981, equation 15 with a = -1/2
        x = abs(x)
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2

    return sum(row[min(max(i + m, 0), last)] * keys(w - m) for m in (-1, 0, 1, 2))


def das_reference(
    data, points, positions, normals, tangents, time, weight, zero, window, fs, fd, c, f_number,
    size, interpolation, normalize,
):  # fmt: skip
    """Float64, one pair at a time, straight from the equation."""
    points, positions, normals, tangents = (
        np.asarray(a, float) for a in (points, positions, normals, tangents)
    )
    out = np.zeros(len(points), complex)
    for p, point in enumerate(points):
        total, weights = 0j, 0.0
        for e in range(len(positions)):
            r = point - positions[e]
            axial = r @ normals[e]
            lateral = np.linalg.norm(r - axial * normals[e])
            if not (axial > 0 and 2 * f_number * lateral <= axial):
                continue
            a = window_reference(2 * f_number * lateral / axial, window)
            if size is not None:
                a *= directivity_reference(r, normals[e], tangents[e], size)
            for t in range(len(data)):
                tau = time[t, p] + np.linalg.norm(r) / c
                if weight[t, p] == 0 or not np.isfinite(tau):
                    continue
                x = sample_reference(
                    data[t, e].astype(complex), (tau - zero[t]) * fs, interpolation
                )
                weights += abs(weight[t, p]) * a
                if x is not None:
                    total += weight[t, p] * a * x * np.exp(2j * np.pi * fd * tau)
        out[p] = total / weights if normalize and weights else total
    return out


def linear_array(n, pitch=0.3e-3):
    positions = np.zeros((n, 3), np.float32)
    positions[:, 0] = (np.arange(n) - (n - 1) / 2) * pitch
    normals = np.zeros((n, 3), np.float32)
    normals[:, 2] = 1
    return positions, normals


def curved_array(n, radius=40e-3, pitch=0.5e-3):
    angle = (np.arange(n) - (n - 1) / 2) * pitch / radius
    normals = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    return (radius * normals - [0, 0, radius]).astype(np.float32), normals.astype(np.float32)


def matrix_array(n, pitch=0.3e-3):
    x = (np.arange(n) - (n - 1) / 2) * pitch
    positions = np.stack([np.repeat(x, n), np.tile(x, n), np.zeros(n * n)], 1)
    return positions.astype(np.float32), np.tile([0, 0, 1], (n * n, 1)).astype(np.float32)


def tangents_of(normals):
    """Along the elements' widths, in the x-z plane."""
    return np.ascontiguousarray(np.cross([0, 1, 0], normals), np.float32)


ARRAYS = {"linear": linear_array(12), "curved": curved_array(12), "matrix": matrix_array(4)}


def case(array, seed=0, n_points=37, n_transmits=2):
    """Random data and points; arguments up to the weights and zeros."""
    rng = np.random.default_rng(seed)
    positions, normals = ARRAYS[array]
    points = np.stack(
        [rng.uniform(-3e-3, 3e-3, n_points), rng.uniform(-1e-3, 1e-3, n_points),
         rng.uniform(0.2e-3, 9e-3, n_points)], 1
    ).astype(np.float32)  # fmt: skip
    data = rng.standard_normal((n_transmits, len(positions), NS)).astype(np.float32)
    time = (points[:, 2] / C + rng.uniform(-1e-7, 1e-7, (n_transmits, n_points))).astype(float)
    weight = rng.uniform(-1, 1, time.shape).astype(np.float32)
    weight[rng.random(time.shape) < 0.2] = 0
    zero = rng.uniform(0, 1e-6, n_transmits)
    return data, points, positions, normals, tangents_of(normals), time, weight, zero


def run(kernel, arguments, *, fd=None, f_number=1.0, window="boxcar", size=(-1.0, -1.0),
        interpolation=1, normalize=0, start=0, stop=None, c=C):  # fmt: skip
    data, points = arguments[:2]
    out = np.full(len(points), np.nan, data.dtype)
    frequencies = (FS,) if fd is None else (FS, fd)
    kernel(*arguments, WINDOWS[window], *frequencies, c, f_number, *size, interpolation, normalize,
           start, len(points) if stop is None else stop, out)  # fmt: skip
    return out


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("normalize", [0, 1])
@pytest.mark.parametrize("interpolation", [0, 1, 2])
@pytest.mark.parametrize("window", ["boxcar", "tukey"])
def test_both_kernels_equal_the_sum_over_pairs(array, window, interpolation, normalize):
    arguments = case(array)
    iq = (arguments[0] + 1j * np.roll(arguments[0], 7, -1)).astype(np.complex64)
    options = {"window": window, "interpolation": interpolation, "normalize": normalize}
    rest = (C, 1.0, None, interpolation, normalize)
    expected = das_reference(*arguments, WINDOWS[window], FS, 0.0, *rest)
    np.testing.assert_allclose(run(das.das_rf, arguments, **options), expected.real, atol=2e-5)
    expected = das_reference(iq, *arguments[1:], WINDOWS[window], FS, FC, *rest)
    # float32 coordinates are exact in both; 2e-5 is float32 summation
    actual = run(das.das_iq, (iq, *arguments[1:]), fd=FC, **options)
    np.testing.assert_allclose(actual, expected, atol=2e-5)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("interpolation", [0, 1, 2])
def test_source_in_the_interpreter_equals_the_sum_over_pairs(interpolation):
    arguments = case("curved", n_points=5)
    size = (1.3, 2.2)
    options = {"window": "tukey", "interpolation": interpolation, "normalize": 1, "size": size}
    rest = (C, 1.0, size, interpolation, 1)
    expected = das_reference(*arguments, WINDOWS["tukey"], FS, 0.0, *rest)
    actual = run(python(das.das_rf), arguments, **options)
    np.testing.assert_allclose(actual, expected.real, atol=1e-5)
    iq = arguments[0].astype(np.complex64)
    expected = das_reference(iq, *arguments[1:], WINDOWS["tukey"], FS, FC, *rest)
    actual = run(python(das.das_iq), (iq, *arguments[1:]), fd=FC, **options)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("size", [(0.0, 0.0), (0.9, 0.0), (2.7, 5.2), (30.0, 1e6)])
def test_directivity_is_that_of_a_rectangle_in_a_soft_baffle(array, size):
    arguments = case(array)
    expected = das_reference(*arguments, WINDOWS["hann"], FS, 0.0, C, 0.6, size, 1, 0)
    image = run(das.das_rf, arguments, f_number=0.6, window="hann", size=size)
    # a million wavelengths: the phase of the sine is then that of a float32
    np.testing.assert_allclose(image, expected.real, atol=2e-5)
    iq = arguments[0].astype(np.complex64)
    expected = das_reference(iq, *arguments[1:], WINDOWS["hann"], FS, FC, C, 0.6, size, 1, 1)
    image = run(
        das.das_iq, (iq, *arguments[1:]), fd=FC, f_number=0.6, window="hann", size=size, normalize=1
    )
    if size[0] < 2:  # wider elements hear some points with the opposite sign: the sum may be 0
        np.testing.assert_allclose(image, expected, atol=2e-5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("boxcar", scipy.signal.windows.boxcar(41)),
        ("hann", scipy.signal.windows.hann(41)),
        ("hamming", scipy.signal.windows.hamming(41)),
        ("blackman", scipy.signal.windows.blackman(41)),
        ("tukey", scipy.signal.windows.tukey(41, 0.4)),
    ],
)
def test_windows_are_those_of_scipy(name, expected):
    # Every transmit hears one element alone; element 20 + n stands at u = n / 20.  The depth is a
    # power of two, so that the rim is where float32 says it is.
    depth = 2.0**-6
    positions = np.zeros((41, 3), np.float32)
    positions[:, 0] = np.linspace(-depth / 2, depth / 2, 41)
    normals = np.tile(np.float32([0, 0, 1]), (41, 1))
    data = np.zeros((41, 41, NS), np.float32)
    data[np.arange(41), np.arange(41)] = 1
    points = np.tile(np.float32([0, 0, depth]), (41, 1))
    arguments = (data, points, positions, normals, tangents_of(normals), np.zeros((41, 41)),
                 np.eye(41, dtype=np.float32), np.zeros(41))  # fmt: skip
    image = run(das.das_rf, arguments, window=name, f_number=1.0)
    np.testing.assert_allclose(image, expected, atol=1e-6)


@pytest.mark.parametrize("array", ARRAYS)
def test_point_target_peaks_where_it_stands(array):
    positions, normals = ARRAYS[array]
    target = np.array([0.4e-3, 0.0 if array != "matrix" else -0.3e-3, 6e-3])
    distance = np.linalg.norm(positions - target, axis=1)
    tau = (np.linalg.norm(target) + distance) / C  # one wave from the origin
    t = np.arange(NS) / FS
    pulse = np.exp(-0.5 * ((t - tau[:, None]) / 0.15e-6) ** 2)
    iq = (pulse * np.exp(-2j * np.pi * FC * tau[:, None]))[None].astype(np.complex64)
    step = np.arange(-5, 6) * 0.1e-3
    axes = (step, step, step) if array == "matrix" else (step, [0.0], step)
    offset = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    points = (target + offset).astype(np.float32)
    time = (np.linalg.norm(points.astype(float), axis=1) / C)[None]
    image = run(
        das.das_iq,
        (iq, points, positions, normals, tangents_of(normals), time,
         np.ones(time.shape, np.float32), np.zeros(1)),
        fd=FC, f_number=0.0, interpolation=2, normalize=1,
    )  # fmt: skip
    peak = np.argmax(np.abs(image))
    np.testing.assert_allclose(offset[peak], 0, atol=1e-9)
    # All elements in phase, the phase of the carrier undone: the scatterer's own amplitude, 1.
    np.testing.assert_allclose(image[peak], 1, atol=5e-3)


def rotation(axis, angle):
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    k = np.cross(np.eye(3), axis)
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


unit = st.floats(-1, 1)


@settings(max_examples=20, deadline=None)
@given(
    axis=st.tuples(unit, unit, unit).filter(lambda a: np.linalg.norm(a) > 0.1),
    angle=st.floats(-3, 3),
    shift=st.tuples(unit, unit, unit),
)
@pytest.mark.parametrize("array", ["curved", "matrix"])
def test_image_turns_with_the_geometry(array, axis, angle, shift):
    data, points, positions, normals, tangents, time, weight, zero = case(array, n_points=12)
    # Smooth data, and no point on the aperture's edge: float32 coordinates are not exact here.
    smooth = np.sin(2 * np.pi * np.arange(NS) / 40 + np.arange(data.shape[1])[:, None])
    data = np.ascontiguousarray(np.broadcast_to(smooth, data.shape), np.float32)
    turn = rotation(axis, angle)
    moved = [(a @ turn.T + 10e-3 * np.array(shift)).astype(np.float32) for a in (points, positions)]
    turned = [(a @ turn.T).astype(np.float32) for a in (normals, tangents)]
    options = {"window": "hann", "f_number": 1.3, "size": (0.8, 1.7)}
    rest = (time, weight, zero)
    still = run(das.das_rf, (data, points, positions, normals, tangents, *rest), **options)
    after = run(das.das_rf, (data, *moved, *turned, *rest), **options)
    np.testing.assert_allclose(after, still, atol=2e-3)
    assert np.abs(still).max() > 0.1


def test_aperture_of_a_curved_array_is_measured_from_each_normal():
    positions, normals = curved_array(64)
    # On the outermost element's own axis: that element hears it at any F-number, although the
    # point is off to the side of the global depth axis.
    point = (positions[0] + 10e-3 * normals[0])[None].astype(np.float32)
    data = np.zeros((1, 64, NS), np.float32)
    data[0, 0] = 1
    arguments = (data, point, positions, normals, tangents_of(normals), np.zeros((1, 1)),
                 np.ones((1, 1), np.float32), np.zeros(1))  # fmt: skip
    assert run(das.das_rf, arguments, f_number=5.0)[0] == 1


def test_points_beside_or_behind_an_element_are_not_heard():
    positions, normals = linear_array(3)
    points = np.array([[0, 0, -1e-3], [0.1e-3, 0, 0], [0, 0, 1e-3]], np.float32)
    arguments = (np.ones((1, 3, NS), np.float32), points, positions, normals, tangents_of(normals),
                 np.zeros((1, 3)), np.ones((1, 3), np.float32), np.zeros(1))  # fmt: skip
    np.testing.assert_array_equal(run(das.das_rf, arguments, f_number=0.0), [0, 0, 3])


def test_phase_of_a_late_echo_is_exact():
    # 2 pi f tau is over 10 000 rad here; float32 would be wrong by a milliradian and more.
    positions, normals = linear_array(1)
    tau, fd = 400e-6, 7.777e6
    iq = np.ones((1, 1, NS), np.complex64)
    points = np.array([[0, 0, 1e-3]], np.float32)
    way = float(points[0, 2]) / C
    arguments = (iq, points, positions, normals, tangents_of(normals), np.full((1, 1), tau),
                 np.ones((1, 1), np.float32), np.full(1, tau - 5e-6))  # fmt: skip
    expected = np.exp(2j * np.pi * math.fmod(fd * (tau + way), 1.0))
    np.testing.assert_allclose(run(das.das_iq, arguments, fd=fd), expected, atol=5e-7)


def test_record_ends_exactly_at_its_first_and_last_sample():
    positions, normals = linear_array(1)
    points = np.tile(np.float32([0, 0, 1e-3]), (6, 1))
    samples = np.array([-1e-6, 0, 5.5, NS - 1, NS - 1 + 1e-6, 1e12])
    way = float(points[0, 2]) / C
    time = (samples / FS - way)[None]
    data = np.arange(1, NS + 1, dtype=np.float32)[None, None]
    arguments = (data, points, positions, normals, tangents_of(normals), time,
                 np.ones((1, 6), np.float32), np.zeros(1))  # fmt: skip
    for interpolation in (0, 1, 2):
        image = run(das.das_rf, arguments, interpolation=interpolation, f_number=0.0)
        assert image[0] == 0
        assert image[2] == pytest.approx(7 if interpolation == 0 else 6.5)
        assert image[4] == 0
        assert image[5] == 0
    # Sound so fast that the way back is no time: positions are exactly samples.
    arguments = (*arguments[:5], np.array([[0, 0, 0, (NS - 1) / FS, 0, 0]]), *arguments[6:])
    for interpolation in (0, 1, 2):
        image = run(das.das_rf, arguments, interpolation=interpolation, f_number=0.0, c=1e30)
        np.testing.assert_allclose(image[[0, 3]], [1, NS], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("kernel", ["das_rf", "das_iq"])
def test_bad_delays_weights_and_points_are_skipped(kernel, bad):
    arguments = list(case("linear", n_points=20))
    fd = None
    if kernel == "das_iq":
        arguments[0] = arguments[0].astype(np.complex64)
        fd = FC
    clean = run(getattr(das, kernel), arguments, fd=fd)
    for which in (1, 5, 6) if np.isnan(bad) else (1, 5):
        broken = [a.copy() for a in arguments]
        if which == 1:
            broken[1][3] = bad
        else:
            broken[which][:, 3] = bad
        with np.errstate(all="ignore"):
            image = run(getattr(das, kernel), broken, fd=fd)
        assert image[3] == 0
        np.testing.assert_array_equal(np.delete(image, 3), np.delete(clean, 3))


def test_any_tiling_gives_the_same_bits():
    arguments = case("linear", n_points=101)
    iq = (arguments[0].astype(np.complex64), *arguments[1:])
    whole = run(das.das_rf, arguments), run(das.das_iq, iq, fd=FC)
    for cuts in ([0, 1, 18, 101], [0, 50, 101]):
        for kernel, data, fd, expected in (
            (das.das_rf, arguments, None, whole[0]), (das.das_iq, iq, FC, whole[1]),
        ):  # fmt: skip
            parts = [
                run(kernel, data, fd=fd, start=a, stop=b)[a:b] for a, b in itertools.pairwise(cuts)
            ]
            np.testing.assert_array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_blocks_and_segments_leave_no_trace(iq):
    n_points = das.POINTS + 413
    arguments = list(case("linear", n_points=n_points))
    x, z = np.meshgrid(np.linspace(-3e-3, 3e-3, 47), np.linspace(-1e-3, 9e-3, 96), indexing="ij")
    arguments[1] = np.stack([x, 0 * x, z], -1).reshape(-1, 3)[:n_points].astype(np.float32)
    arguments[6][:, 1000:3000] = 1  # weights of ones take a shorter way
    fd, kernel = (FC, das.das_iq) if iq else (None, das.das_rf)
    if iq:
        arguments[0] = arguments[0].astype(np.complex64)
    options = {"fd": fd, "window": "tukey", "size": (0.7, 0.0), "normalize": 1}
    whole = run(kernel, arguments, **options)
    cuts = [0, 1, 33, 700, das.POINTS - 1, das.POINTS + 5, n_points]
    for a, b in itertools.pairwise(cuts):
        part = run(kernel, arguments, **options, start=a, stop=b)[a:b]
        np.testing.assert_array_equal(part, whole[a:b])
    some = np.arange(3, n_points, 401)
    few = [arguments[0], arguments[1][some], *arguments[2:5], *(np.ascontiguousarray(a[:, some])
           for a in arguments[5:7]), arguments[7]]  # fmt: skip
    np.testing.assert_array_equal(run(kernel, few, **options), whole[some])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n_elements=st.integers(1, 9),
    fs=st.floats(5e6, 40e6),
    f_number=st.one_of(st.just(0.0), st.floats(0.3, 3.0)),
    window=st.sampled_from(["hann", "blackman", "tukey"]),
    size=st.sampled_from([(-1.0, -1.0), (0.4, 0.0), (1.3, 2.1)]),
    interpolation=st.sampled_from([1, 2]),
    iq=st.booleans(),
)
def test_it_is_exact_for_any_elements_and_points(
    seed, n_elements, fs, f_number, window, size, interpolation, iq
):
    # Points all about the elements, also behind them, and waves before and beyond the record.
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-4e-3, 4e-3, (n_elements, 3)).astype(np.float32)
    normals = rng.standard_normal((n_elements, 3))
    tangents = np.cross(normals, rng.standard_normal((n_elements, 3)))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    points = rng.uniform(-9e-3, 9e-3, (40, 3)).astype(np.float32)
    points[:4] = positions[0] + np.float32(1e-4) * normals[0]
    data = rng.standard_normal((2, n_elements, 90)).astype(np.float32)
    if iq:
        data = (data + 1j * rng.standard_normal(data.shape)).astype(np.complex64)
    time = rng.uniform(-60 / fs, 100 / fs, (2, 40))
    weight = rng.choice([0, 1, 1, -0.4, np.nan], (2, 40)).astype(np.float32)
    arguments = (data, points, positions, normals.astype(np.float32), tangents.astype(np.float32),
                 time, weight, rng.uniform(-10 / fs, 10 / fs, 2))  # fmt: skip
    if f_number == 0:
        window = "boxcar"
    clean = (*arguments[:6], np.nan_to_num(weight), arguments[7])
    fd = 0.2 * fs if iq else 0.0
    expected = das_reference(
        *clean,
        WINDOWS[window],
        fs,
        fd,
        C,
        f_number,
        None if size[0] < 0 else size,
        interpolation,
        0,
    )
    out = np.empty(40, data.dtype)
    kernel, rates = (das.das_iq, (fs, fd)) if iq else (das.das_rf, (fs,))
    kernel(*arguments, WINDOWS[window], *rates, C, f_number, *size, interpolation, 0, 0, 40, out)
    np.testing.assert_allclose(out, expected if iq else expected.real, atol=5e-5)


@pytest.mark.parametrize("interpolation", [0, 1, 2])
@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_a_nan_goes_only_where_its_sample_is_read(iq, interpolation):
    arguments = list(case("linear", n_points=400))
    points = arguments[1]
    if iq:
        arguments[0] = arguments[0].astype(np.complex64)
    fd, kernel = (FC, das.das_iq) if iq else (None, das.das_rf)
    options = {"fd": fd, "interpolation": interpolation}
    clean = run(kernel, arguments, **options)
    arguments[0] = arguments[0].copy()
    arguments[0][:, 0] = np.nan
    r = points - arguments[2][0]
    hears = (2 * np.hypot(r[:, 0], r[:, 1]) <= r[:, 2]) & arguments[6].any(axis=0)
    image = run(kernel, arguments, **options)
    assert 0.1 < hears.mean() < 0.9
    np.testing.assert_array_equal(np.isnan(image), hears)
    np.testing.assert_array_equal(image[~hears], clean[~hears])


@pytest.mark.parametrize("name", ["_receive_paths", "_positions", "_add_rf"])
def test_the_loops_are_vectorised(name):
    function = getattr(das, name)
    if not hasattr(function, "py_func"):
        pytest.skip("not compiled")
    from numba import boolean, float32, float64, int64, njit, uint32, uint64

    types = {
        "_receive_paths": (float32[:, ::1], int64, float64[::1], float64, int64[::1]),
        "_positions": (int64[:, ::1], int64, int64[::1], int64, int64, uint32[::1], float32[::1]),
        "_add_rf": (
            *(uint64[::1], float32[::1], float32[::1]),
            *(int64, int64, int64, boolean, float32[::1]),
        ),
    }
    # What comes from the cache cannot be looked into.
    options = {
        key: value
        for key, value in function.targetoptions.items()
        if key in ("fastmath", "error_model")
    }
    fresh = njit(types[name], **options)(function.py_func)
    text = "\n".join(fresh.inspect_asm().values())
    if "xmm" not in text:
        pytest.skip("no x86 processor")
    assert "ymm" in text or "zmm" in text


def test_points_outside_the_tile_are_left_alone():
    image = run(das.das_rf, case("linear"), start=5, stop=9)
    assert np.isnan(image[:5]).all()
    assert np.isnan(image[9:]).all()
    assert not np.isnan(image[5:9]).any()


def test_normalized_constant_stays_constant_while_the_aperture_grows():
    positions, normals = linear_array(32)
    points = np.stack([np.zeros(50), np.zeros(50), np.linspace(0.5e-3, 9e-3, 50)], 1)
    arguments = (np.ones((1, 32, NS), np.float32), points.astype(np.float32), positions, normals,
                 tangents_of(normals), np.zeros((1, 50)), np.full((1, 50), -0.3, np.float32),
                 np.zeros(1))  # fmt: skip
    image = run(das.das_rf, arguments, window="hann", normalize=1)
    np.testing.assert_allclose(image, -1, rtol=1e-6)


@pytest.mark.parametrize("shape", [(0, 3, 50), (2, 0, 50), (2, 3, 0), (2, 3, 1)])
def test_empty_dimensions_give_zeros(shape):
    n_transmits, n_elements, _ = shape
    positions, normals = linear_array(n_elements)
    points = np.tile(np.float32([0, 0, 1e-3]), (4, 1))
    arguments = (np.ones(shape, np.float32), points, positions, normals, tangents_of(normals),
                 np.zeros((n_transmits, 4)), np.ones((n_transmits, 4), np.float32),
                 np.zeros(n_transmits))  # fmt: skip
    np.testing.assert_array_equal(run(das.das_rf, arguments, normalize=1), np.zeros(4))
    assert run(das.das_rf, arguments, start=2, stop=2).shape == (4,)


def test_one_specialisation_serves_all_calls():
    for kernel, fd in ((das.das_rf, None), (das.das_iq, FC)):
        for array in ARRAYS:
            arguments = list(case(array, n_points=3))
            if fd:
                arguments[0] = arguments[0].astype(np.complex64)
            run(kernel, arguments, fd=fd)
        assert len(getattr(kernel, "signatures", [None])) == 1
