"""Shift-invariant delay-and-sum against a float64 sum over every pair, and the general kernel."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from usdk_kernels import das, das_shift

FS = 20e6
FC = 5e6
C = 1540.0
NS = 220
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


def reference(case):
    """Float64, one pair at a time, straight from the equation."""
    data, elements, columns, depths = (
        case["data"],
        case["elements"],
        case["columns"],
        case["depths"],
    )
    f_number, fs = case["f_number"], case["fs"]
    last = data.shape[2] - 1
    out = np.zeros((len(columns), len(depths)), complex)
    for (i, x), (d, z) in itertools.product(enumerate(columns), enumerate(depths)):
        total, weights = 0j, 0.0
        for (e, q), (t, angle) in itertools.product(enumerate(elements), enumerate(case["angles"])):
            if not (z > 0 and 2 * f_number * abs(x - q) <= z):
                continue
            a = window_reference(2 * f_number * abs(x - q) / z, WINDOWS[case["window"]])
            if case["width"] >= 0:
                cosine, sine = np.array([z, x - q]) / np.hypot(z, x - q)
                a *= np.sinc(case["width"] * sine) * cosine
            weights += a
            way = z * np.cos(angle) + x * np.sin(angle) + np.hypot(z, x - q)
            tau = way / C + case["lens"]
            s = (tau - case["zero"][t]) * fs
            if not 0 <= s <= last:
                continue
            j = min(int(s), last - 1)
            sample = (1 - (s - j)) * complex(data[t, e, j]) + (s - j) * complex(data[t, e, j + 1])
            total += a * sample * np.exp(2j * np.pi * case["fd"] * tau)
        out[i, d] = total / weights if case["normalize"] and weights else total
    return out


def make(
    *, n_elements=9, pitch=0.3e-3, per_pitch=2, first=-3, n_columns=21, angles=(-0.2, 0.0, 0.13),
    depths=None, fs=FS, f_number=1.0, window="tukey", width=-1.0, normalize=1, lens=0.0, iq=True,
    zero=None, seed=0, n_samples=NS,
):  # fmt: skip
    """A case; the first column stands `first` fractions of the pitch from the first element."""
    rng = np.random.default_rng(seed)
    shape = (len(angles), n_elements, n_samples)
    data = rng.standard_normal(shape).astype(np.float32)
    if iq:
        data = (data + 1j * rng.standard_normal(shape)).astype(np.complex64)
    elements = (np.arange(n_elements) - (n_elements - 1) / 2) * pitch
    columns = elements[0] + (first + np.arange(n_columns)) * pitch / per_pitch
    if depths is None:
        depths = np.linspace(0.4e-3, 8.6e-3, 11)  # from before the record to beyond it
    if zero is None:
        zero = rng.uniform(0.2e-6, 1.2e-6, len(angles))
    return {
        "data": data, "elements": elements, "columns": columns, "depths": np.asarray(depths, float),
        "angles": np.asarray(angles, float), "per_pitch": per_pitch, "fs": fs,
        "fd": FC if iq else 0.0, "f_number": float(f_number), "window": window,
        "width": float(width), "normalize": normalize, "lens": lens, "zero": np.asarray(zero),
    }  # fmt: skip


def skewed_data(case, skew=das_shift.skew, cuts=None):
    """Tables as the kernels want them, all rows that hold anything."""
    data, pitch = case["data"], case["elements"][1] - case["elements"][0]
    n_transmits, n_elements, n_samples = data.shape
    sine = np.sin(case["angles"])
    samples = np.outer(sine, np.arange(n_elements)) * pitch * case["fs"] / C
    least = samples.min(axis=1)
    shift = np.floor((samples - least[:, None]) * 2.0**32).astype(np.int64)
    first_row = -(shift.max(axis=1) >> 32) - 1
    n_rows = n_samples + 5 + int((shift >> 32).max())
    planes = 1 if data.dtype == np.float32 else 2
    out = np.full((n_transmits, n_rows, planes, n_elements + das_shift.PADDING), np.nan, np.float32)
    flat = data.view(np.float32).reshape(*data.shape, planes)
    for a, b in itertools.pairwise(cuts or [0, n_rows]):
        skew(flat, shift, first_row, case["fd"] / case["fs"], a, min(b, n_rows), out)
    time = case["elements"][0] * sine / C + case["lens"] + least / case["fs"]
    return out, shift, first_row, time


def run(case, kernel=das_shift.das_shift, skew=das_shift.skew, cuts=None):
    skewed, shift, first_row, time = skewed_data(case, skew)
    n_columns, n_depths, k = len(case["columns"]), len(case["depths"]), case["per_pitch"]
    step = (case["elements"][1] - case["elements"][0]) / k
    offsets = np.arange(n_columns + k * (len(case["elements"]) - 1))
    lateral = case["columns"][0] - case["elements"][-1] + offsets * step
    directions = np.stack([np.sin(case["angles"]), np.cos(case["angles"])], 1)
    planes = skewed.shape[2]
    out = np.full((n_columns, n_depths, planes), np.nan, np.float32)
    for a, b in itertools.pairwise(cuts or [0, n_depths]):
        kernel(
            skewed, shift, first_row, case["depths"], lateral, directions, time, case["zero"],
            WINDOWS[case["window"]], case["data"].shape[2], k, case["fs"], case["fd"], C,
            case["f_number"], case["width"], case["normalize"], a, b, out,
        )  # fmt: skip
    return out[..., 0] if planes == 1 else out.view(np.complex64)[..., 0]


def general(case):
    """The same points by the general kernel."""
    columns, depths = case["columns"], case["depths"]
    points = np.zeros((len(columns), len(depths), 3))
    points[..., 0], points[..., 2] = columns[:, None], depths
    points = points.reshape(-1, 3)
    positions = np.zeros((len(case["elements"]), 3), np.float32)
    positions[:, 0] = case["elements"]
    normals = np.tile(np.float32([0, 0, 1]), (len(positions), 1))
    tangents = np.tile(np.float32([1, 0, 0]), (len(positions), 1))
    sine, cosine = np.sin(case["angles"]), np.cos(case["angles"])
    time = (np.outer(sine, points[:, 0]) + np.outer(cosine, points[:, 2])) / C + case["lens"]
    out = np.empty(len(points), case["data"].dtype)
    frequencies = (case["fs"], case["fd"]) if case["fd"] else (case["fs"],)
    kernel = das.das_iq if case["fd"] else das.das_rf
    kernel(
        case["data"], points.astype(np.float32), positions, normals, tangents, time,
        np.ones(time.shape, np.float32), case["zero"], WINDOWS[case["window"]], *frequencies, C,
        case["f_number"], case["width"], 0.0, das.INTERPOLATION_LINEAR, case["normalize"], 0,
        len(points), out,
    )  # fmt: skip
    return out.reshape(len(columns), len(depths))


def close(actual, case, atol=3e-5):
    expected = reference(case)
    expected = expected if case["fd"] else expected.real
    np.testing.assert_allclose(actual, expected, atol=atol)
    return np.abs(expected).max()


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("normalize", [0, 1])
@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("f_number", [0.0, 0.93])
def test_the_kernel_equals_the_sum_over_pairs(f_number, window, normalize, iq):
    case = make(f_number=f_number, window=window, normalize=normalize, iq=iq, lens=0.1e-6)
    assert close(run(case), case) > 0.2


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_source_in_the_interpreter_equals_the_sum_over_pairs(iq):
    case = make(n_elements=6, n_columns=5, per_pitch=2, angles=(0.2,), depths=(1e-3, 6e-3), iq=iq)
    image = run(case, python(das_shift.das_shift), python(das_shift.skew))
    assert close(image, case) > 0.2


@settings(max_examples=40, deadline=None)
@given(
    n_elements=st.integers(2, 12),
    pitch=st.floats(0.1e-3, 0.6e-3),
    per_pitch=st.integers(1, 4),
    first=st.integers(-20, 30),
    n_columns=st.integers(1, 24),
    angles=st.lists(st.floats(-0.6, 0.6), min_size=1, max_size=3),
    f_number=st.one_of(st.just(0.0), st.floats(0.3, 2.0)),
    fs=st.floats(8e6, 40e6),
    window=st.sampled_from(["hann", "blackman", "tukey"]),
    width=st.sampled_from([-1.0, 0.0, 0.3, 0.9]),
    normalize=st.integers(0, 1),
    iq=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_it_is_exact_for_any_array_region_and_angles(**options):
    # A window that ends in 0, since an element on the rim of a boxcar may fall to either side.
    # Where it stands alone, the sum over its weight depends on the last bit all the same.
    case = make(**options, depths=np.linspace(0.3e-3, 7.7e-3, 4), n_samples=150)
    if case["f_number"]:
        rims = case["depths"] / (2 * case["f_number"])
        distances = np.abs(case["columns"][:, None] - case["elements"])
        assume(not np.isclose(distances[..., None], rims, rtol=1e-3, atol=0).any())
    close(run(case), case, atol=5e-5)


def test_it_equals_the_general_kernel_on_a_full_array():
    case = make(
        n_elements=40, n_columns=79, first=0, n_samples=700, window="tukey", width=1.1,
        depths=np.linspace(2e-3, 26e-3, 23), angles=np.radians([-12, 0, 7]),
    )  # fmt: skip
    expected = general(case)
    # The general kernel's coordinates are float32.
    np.testing.assert_allclose(run(case), expected, atol=1e-4 * np.abs(expected).max())


def test_columns_off_the_grid_of_the_elements_and_beside_the_array():
    case = make(n_elements=8, per_pitch=1, n_columns=9, f_number=0.0)
    for first in (-0.37, 5.81, -31.0, 40.0):
        case["columns"] = case["elements"][0] + (first + np.arange(9)) * 0.3e-3
        close(run(case), case)


@pytest.mark.parametrize("samples", [0.0, 1.0, 100.25, NS - 1.0])
def test_the_record_ends_exactly_at_its_first_and_last_sample(samples):
    # A straight wave above the only column: z is chosen so that positions are exact numbers.
    case = make(n_elements=2, n_columns=1, first=0, per_pitch=1, angles=(0.0,), f_number=9.0,
                window="boxcar", normalize=0, iq=False, depths=(C / FS,))  # fmt: skip
    step = 2.0**-20
    for off, heard in ((0.0, True), (-step, samples > 0), (step, samples < NS - 1)):
        case["zero"] = np.array([(2 - samples - off) / FS])
        row = case["data"][0, 0]
        expected = np.interp(samples + off, np.arange(NS), row) if heard else 0.0
        # A rounding of the position by 1e-9 samples may fall on either side of an end.
        if off or 0 < samples < NS - 1:
            assert run(case)[0, 0] == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_any_cut_gives_the_same_bits(iq):
    case = make(n_elements=40, n_columns=50, depths=np.linspace(0.5e-3, 9e-3, 41), iq=iq)
    whole, rows = run(case), skewed_data(case)[0]
    for cuts in ([0, 1, 18, 41], [0, 20, 41]):
        np.testing.assert_array_equal(run(case, cuts=cuts), whole)
    np.testing.assert_array_equal(skewed_data(case, cuts=[0, 3, 100, 10**6])[0], rows)
    some = case | {"depths": case["depths"][7:13]}
    np.testing.assert_array_equal(run(some), whole[:, 7:13])


def test_depths_outside_the_tile_are_left_alone():
    image = run(make(), cuts=[3, 5])
    assert np.isnan(image[:, :3]).all()
    assert np.isnan(image[:, 5:]).all()
    assert not np.isnan(image[:, 3:5]).any()


def test_a_late_echo_keeps_its_phase():
    # 2 pi f tau is over 10 000 rad here; float32 would be wrong by a milliradian and more.
    case = make(n_elements=2, n_columns=1, first=0, per_pitch=1, angles=(0.3,), f_number=9.0,
                window="boxcar", depths=(1e-3,), lens=400e-6, zero=[400e-6])  # fmt: skip
    case["data"][:] = 1
    tau = case["lens"] + (1e-3 * (1 + math.cos(0.3)) + case["columns"][0] * math.sin(0.3)) / C
    expected = np.exp(2j * np.pi * math.fmod(FC * tau, 1.0))
    np.testing.assert_allclose(run(case)[0, 0], expected, atol=2e-6)


def test_normalized_ones_stay_one_while_the_aperture_grows():
    case = make(n_elements=40, n_columns=79, first=0, iq=False, window="hann", zero=[0.0] * 3,
                depths=np.linspace(2.5e-3, 7e-3, 30), f_number=1.1)  # fmt: skip
    case["data"][:] = 1
    np.testing.assert_allclose(run(case), 1, rtol=2e-6)


def test_a_nan_stays_where_its_sample_is_read():
    case = make(n_elements=8, n_columns=8, per_pitch=1, first=0, angles=(0.1,), normalize=0)
    clean = run(case)
    case["data"][0, 3, 100] = np.nan
    image, hurt = run(case), np.isnan(reference(case))
    assert hurt.any()
    assert np.isnan(image[hurt]).all()
    assert np.isnan(image).sum() <= hurt.sum() + 8
    np.testing.assert_array_equal(image[~np.isnan(image)], clean[~np.isnan(image)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30, -1e30])
@pytest.mark.parametrize("which", ["depths", "zero", "lens"])
def test_bad_depths_and_times_are_skipped(which, bad):
    case = make(n_elements=5, n_columns=4, normalize=0)
    clean = run(case)
    with np.errstate(all="ignore"):
        if which == "depths":
            case["depths"] = case["depths"].copy()
            case["depths"][4] = bad
            image = run(case)
            assert not np.any(image[:, 4])
            np.testing.assert_array_equal(np.delete(image, 4, 1), np.delete(clean, 4, 1))
        else:
            case[which] = np.full_like(case[which], bad)
            assert not np.any(run(case))


def test_tables_of_nonsense_read_nothing_outside_the_data():
    case = make(n_elements=5, n_columns=9)
    skewed, shift, first_row, time = skewed_data(case)
    rng = np.random.default_rng(5)
    out = np.empty((9, 11, 2), np.float32)
    directions = np.zeros((3, 2))
    huge = 2**62
    for _ in range(20):
        bad_shift = rng.integers(-huge, huge, shift.shape)
        bad_rows = rng.integers(-huge, huge, first_row.shape)
        lateral = rng.choice([np.nan, np.inf, -1e30, 0.0, 1e-3], 17)
        with np.errstate(all="ignore"):
            das_shift.skew(
                case["data"].view(np.float32).reshape(3, 5, NS, 2), bad_shift, bad_rows, 0.25,
                0, skewed.shape[1], skewed,
            )  # fmt: skip
            das_shift.das_shift(
                skewed, bad_shift, bad_rows, case["depths"], lateral, directions, time,
                case["zero"], WINDOWS["tukey"], NS, 2, FS, FC, C, 1.0, 0.5, 1, 0, 11, out,
            )  # fmt: skip
        assert np.isfinite(skewed).all()
        assert np.isfinite(out).all()


@pytest.mark.parametrize("n_samples", [0, 1])
def test_a_record_without_two_samples_gives_zeros(n_samples):
    assert not np.any(run(make(n_elements=3, n_columns=3, n_samples=n_samples, zero=[0.0] * 3)))


def test_the_inner_loops_are_vectorised(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    for function in (das_shift._add_group_rf, das_shift._add_group_iq):
        if not hasattr(function, "py_func"):
            pytest.skip("not compiled")
        import numba

        n_more = 8 if function is das_shift._add_group_rf else 12
        floats = numba.float32[::1]
        integer, real = numba.int64, numba.float32
        sums = (floats,) if n_more == 8 else (floats, floats)
        types = (floats, floats, *[integer] * 4, *[real] * n_more, *[integer] * 4, *sums)
        fresh = numba.njit(types, fastmath={"contract"}, error_model="numpy")(function.py_func)
        text = "\n".join(fresh.inspect_asm().values())
        if "xmm" not in text:
            pytest.skip("no x86 processor")
        assert "ymm" in text or "zmm" in text


def test_one_specialisation_serves_all_calls():
    run(make(iq=True))
    run(make(iq=False))
    for kernel in (das_shift.das_shift, das_shift.skew):
        assert len(getattr(kernel, "signatures", [None])) == 1
