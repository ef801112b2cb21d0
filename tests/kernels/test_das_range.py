"""Delay-and-sum along scan lines against a float64 sum over every pair, and the general kernel."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk_kernels import das, das_range

C = 1540.0
BOXCAR = (0.0, 1.0, 0.0, 0.0)
WINDOWS = {
    "boxcar": BOXCAR,
    "hann": (1.0, 0.5, 0.5, 0.0),
    "hamming": (1.0, 0.54, 0.46, 0.0),
    "blackman": (1.0, 0.42, 0.5, 0.08),
    "tukey": (0.5, 0.5, 0.5, 0.0),
}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def reference(case):
    """Float64, straight from the equation; also where no element stands on an aperture's rim."""
    g = case
    points = g["origins"][:, None] + g["ranges"][None, :, None] * g["directions"][:, None]
    data = g["data"].astype(complex)
    n_transmits, n_elements, n_samples = data.shape
    out = np.zeros(points.shape[:2], complex)
    heard = np.zeros(points.shape[:2])
    sure = np.ones(points.shape[:2], bool)
    for e in range(n_elements):
        r = points - g["positions"][e]
        distance = np.linalg.norm(r, axis=-1)
        axial = r @ g["normals"][e]
        lateral = np.linalg.norm(r - axial[..., None] * g["normals"][e], axis=-1)
        opening = axial - 2 * g["f_number"] * lateral
        inside = (axial > 0) & (opening >= 0)
        sure &= (np.abs(opening) > 1e-4 * distance) & (np.abs(axial) > 1e-4 * distance)
        with np.errstate(all="ignore"):
            u = 2 * g["f_number"] * lateral / axial
            taper, a0, a1, a2 = g["window"]
            if taper > 0:
                v = np.maximum(0, (u - (1 - taper)) / taper)
                a = a0 + a1 * np.cos(np.pi * v) + a2 * np.cos(2 * np.pi * v)
            else:
                a = np.ones_like(u)
            if g["width"] >= 0:
                across = r @ g["tangents"][e] / distance
                up = r @ np.cross(g["normals"][e], g["tangents"][e]) / distance
                a = a * np.sinc(g["width"] * across) * np.sinc(max(g["height"], 0) * up)
                a = a * axial / distance
        a = np.where(inside, a, 0)
        for t in range(n_transmits):
            passes = np.isfinite(g["times"][t]) & np.isfinite(distance)
            tau = np.where(passes, g["times"][t] + distance / C, 0)
            weight = np.nan_to_num(g["weights"][t]) if g["weights"].size else 1.0
            weight = np.where(passes, weight, 0)
            s = (tau - g["zero"][t]) * g["fs"]
            good = passes & (s >= 0) & (s <= n_samples - 1)
            s = np.where(good, s, 0)
            j = np.minimum(s.astype(int), n_samples - 2)
            x = data[t, e, j] + (s - j) * (data[t, e, j + 1] - data[t, e, j])
            x = np.where(good & (weight != 0), x * np.exp(2j * np.pi * g["fd"] * tau), 0)
            out += weight * a * x
            heard += np.abs(weight) * a
    if g["normalize"]:
        out = np.where(heard > 0, out / np.where(heard > 0, heard, 1), 0)
    return out, sure


def make(
    *, kind="convex", n_elements=12, n_lines=5, n_ranges=37, n_transmits=2, n_samples=400,
    fs=20e6, iq=True, f_number=1.0, window="boxcar", width=-1.0, height=-1.0, normalize=0,
    weighted=True, step=0.1e-3, start=1e-3, seed=0,
):  # fmt: skip
    """A case of random lines over an array; echoes from before the record to beyond it."""
    rng = np.random.default_rng(seed)
    pitch = 0.3e-3
    if kind == "matrix":
        side = int(np.ceil(np.sqrt(n_elements)))
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1)
        flat = (grid.reshape(-1, 2)[:n_elements] - (side - 1) / 2) * pitch
        positions = np.concatenate([flat, np.zeros((n_elements, 1))], 1)
        normals = np.tile([0.0, 0.0, 1.0], (n_elements, 1))
        tangents = np.tile([1.0, 0.0, 0.0], (n_elements, 1))
    else:
        radius = 10e-3 if kind == "convex" else 1e6
        angle = (np.arange(n_elements) - (n_elements - 1) / 2) * pitch / radius
        zero = 0 * angle
        positions = np.stack([radius * np.sin(angle), zero, radius * (np.cos(angle) - 1)], 1)
        normals = np.stack([np.sin(angle), zero, np.cos(angle)], 1)
        tangents = np.stack([np.cos(angle), zero, -np.sin(angle)], 1)
    origins = rng.uniform(-1e-3, 1e-3, (n_lines, 3)) * [1, kind == "matrix", 0.5]
    directions = rng.standard_normal((n_lines, 3)) * [0.4, 0.4 * (kind == "matrix"), 0] + [0, 0, 1]
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    ranges = start + step * np.arange(n_ranges)
    points = origins[:, None] + ranges[None, :, None] * directions[:, None]
    sources = rng.uniform(-3e-3, 3e-3, (n_transmits, 3)) - [0, 0, 8e-3]
    times = np.linalg.norm(points - sources[:, None, None], axis=-1) / C
    weights = rng.uniform(-0.2, 1, times.shape).astype(np.float32)
    shape = (n_transmits, n_elements, n_samples)
    data = rng.standard_normal(shape).astype(np.float32)
    if iq:
        data = (data + 1j * rng.standard_normal(shape)).astype(np.complex64)
    return {
        "data": data, "positions": positions, "normals": normals, "tangents": tangents,
        "origins": origins, "directions": directions, "ranges": ranges, "times": times,
        "weights": weights if weighted else np.empty((0, 0, 0), np.float32),
        "zero": rng.uniform(5e-6, 7e-6, n_transmits), "fs": fs, "fd": 5e6 if iq else 0.0,
        "f_number": float(f_number), "window": WINDOWS[window], "width": float(width),
        "height": float(height), "normalize": normalize,
    }  # fmt: skip


def n_items(case):
    return len(case["origins"]) * -(-len(case["ranges"]) // das_range.LANES)


def planes_of(data, split=das_range.split_planes):
    n_transmits, n_elements, n_samples = data.shape
    if data.dtype == np.float32:
        return data.reshape(n_transmits, n_elements, 1, n_samples)
    planes = np.full((n_transmits * n_elements, 2, n_samples), np.nan, np.float32)
    pairs = data.view(np.float32).reshape(-1, n_samples, 2)
    split(pairs, 0, len(pairs), planes)
    return planes.reshape(n_transmits, n_elements, 2, n_samples)


def run(case, kernel=das_range.das_range, cuts=None):
    planes = planes_of(case["data"])
    shape = (len(case["origins"]), len(case["ranges"]), planes.shape[2])
    out = np.full(shape, np.nan, np.float32)
    room = case.get("room", np.empty(0, np.uint8))
    for a, b in itertools.pairwise(cuts or [0, n_items(case)]):
        with np.errstate(all="ignore"):  # the source, interpreted, warns of NaN and infinity
            kernel(
                planes, case["origins"], case["directions"], case["ranges"], case["positions"],
                case["normals"], case["tangents"], case["times"], case["weights"], case["zero"],
                np.array(case["window"]), case["fs"], case["fd"], C, case["f_number"],
                case["width"], case["height"], case["normalize"], a, b, room, out,
            )  # fmt: skip
    return out[..., 0] if shape[2] == 1 else out.view(np.complex64)[..., 0]


def assert_close(actual, case, atol=1e-4):
    expected, sure = reference(case)
    if case["data"].dtype == np.float32:
        expected = expected.real
    assert sure.mean() > 0.5
    size = np.abs(expected).max()
    scale = max(size, 1.0)
    np.testing.assert_allclose(actual[sure], expected[sure], rtol=0, atol=atol * scale)


@pytest.mark.parametrize("iq", [False, True], ids=["rf", "iq"])
@pytest.mark.parametrize("kind", ["linear", "convex", "matrix"])
@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
def test_equals_the_sum_over_every_pair(kind, iq, interpreted):
    case = make(kind=kind, iq=iq, n_elements=9, normalize=int(iq))
    kernel = das_range.das_range
    assert_close(run(case, python(kernel) if interpreted else kernel), case)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("width", [-1.0, 0.8])
@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
def test_window_and_directivity(window, width, interpreted):
    case = make(
        kind="matrix", window=window, width=width, height=1.3, n_lines=3, n_ranges=17,
        normalize=1, f_number=0.7,
    )  # fmt: skip
    kernel = das_range.das_range
    assert_close(run(case, python(kernel) if interpreted else kernel), case)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(["linear", "convex", "matrix"]), iq=st.booleans(),
    n_elements=st.integers(1, 70), n_lines=st.integers(1, 9), n_ranges=st.integers(1, 40),
    n_transmits=st.integers(1, 3), n_samples=st.integers(2, 700), fs=st.floats(3e6, 60e6),
    f_number=st.sampled_from([0.0, 0.5, 1.0, 2.5]), window=st.sampled_from(sorted(WINDOWS)),
    width=st.sampled_from([-1.0, 0.0, 0.5, 2.5]), normalize=st.integers(0, 1),
    weighted=st.booleans(), step=st.floats(0, 0.6e-3), start=st.floats(-3e-3, 20e-3),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_any_geometry_rate_and_aperture(**options):
    case = make(**options)
    expected, sure = reference(case)
    if case["data"].dtype == np.float32:
        expected = expected.real
    # A normalized sum of few weak weights is as uncertain as the weights are.
    scale = max(np.abs(expected).max(), 1.0)
    np.testing.assert_allclose(run(case)[sure], expected[sure], rtol=0, atol=5e-4 * scale)


@pytest.mark.parametrize("iq", [False, True], ids=["rf", "iq"])
def test_agrees_with_the_general_kernel(iq):
    case = make(
        kind="convex", n_elements=64, n_lines=12, n_ranges=90, n_samples=900, iq=iq,
        window="tukey", width=0.5, normalize=1,
    )  # fmt: skip
    points = case["origins"][:, None] + case["ranges"][None, :, None] * case["directions"][:, None]
    points = points.reshape(-1, 3).astype(np.float32)
    out = np.empty(len(points), case["data"].dtype)
    frequencies = (case["fs"], case["fd"]) if iq else (case["fs"],)
    n = len(case["times"])
    kernel = das.das_iq if iq else das.das_rf
    kernel(
        case["data"], points, case["positions"].astype(np.float32),
        case["normals"].astype(np.float32), case["tangents"].astype(np.float32),
        case["times"].reshape(n, -1), case["weights"].reshape(n, -1), case["zero"],
        np.array(case["window"]), *frequencies, C, case["f_number"], case["width"],
        case["height"], das.INTERPOLATION_LINEAR, 1, 0, len(points), out,
    )  # fmt: skip
    actual = run(case)
    _, sure = reference(case)
    size = np.abs(out).max()
    np.testing.assert_allclose(actual[sure], out.reshape(actual.shape)[sure], atol=2e-4 * size)


@pytest.mark.parametrize("n_lines", [1, 3, 11])
def test_tiles_may_be_cut_anywhere(n_lines):
    case = make(n_lines=n_lines, n_elements=40, n_ranges=53, weighted=False)
    whole = run(case)
    n = n_items(case)
    cuts = sorted({0, 1, 2, n // 3, n // 2 + 1, n - 1, n})
    np.testing.assert_array_equal(run(case, cuts=cuts).view(np.uint64), whole.view(np.uint64))


@pytest.mark.parametrize("iq", [False, True], ids=["rf", "iq"])
@pytest.mark.parametrize("n_elements", [1, 5, 40])
def test_scratch_of_the_caller_is_enough_and_may_hold_anything(n_elements, iq):
    case = make(n_elements=n_elements, n_transmits=3, iq=iq, width=0.5, n_lines=6)
    case["origins"][1] = np.nan
    n_bytes = das_range.scratch_bytes(3, n_elements, 2 if iq else 1)
    whole = run(case)
    for first in (0, 1, 8, 63):
        room = np.full(n_bytes + 64, 255, np.uint8)
        case["room"] = room[first : first + n_bytes]
        np.testing.assert_array_equal(run(case), whole)
        assert (room[:first] == 255).all()
        assert (room[first + n_bytes :] == 255).all()


def test_only_the_items_asked_for_are_written():
    case = make(n_lines=5, n_ranges=40)
    out = run(case, cuts=[6, 8])
    assert np.isfinite(out[1:3, 16:32]).all()
    assert np.isnan(out).sum() == out.size - 32


def test_arrival_times_and_weights_that_are_nan_or_infinite_skip_the_transmit():
    case = make(n_transmits=3, normalize=1)
    case["times"][0, 1, 5:9] = np.nan
    case["times"][1, :, 20:] = np.inf
    case["times"][2, 0] = -np.inf
    case["weights"][0, 2, 3:6] = np.nan
    case["weights"][1, 3] = 0
    assert_close(run(case), case)
    case["times"][:] = np.nan
    assert (run(case) == 0).all()


def test_a_jump_of_the_arrival_times_is_followed():
    case = make(n_samples=900)
    case["times"][0, :, 7:] += 12e-6
    case["times"][1, :, 10:12] += 3e-6
    case["times"][1, :, 12:] -= 5e-6
    assert_close(run(case), case)


def test_steps_wider_than_a_window_are_read_point_by_point():
    case = make(step=0.9e-3, fs=40e6, n_samples=4000, n_ranges=40)
    assert (case["ranges"][15] - case["ranges"][0]) * case["fs"] / C > das_range.WINDOW
    assert_close(run(case), case)


@pytest.mark.parametrize("n_samples", [2, 3, 17, 40])
@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
def test_short_records_and_their_ends(n_samples, interpreted):
    case = make(n_samples=n_samples, n_elements=5, n_transmits=1, f_number=0.0, step=0.02e-3)
    case["zero"] = case["times"][:, 2, 20] + case["ranges"][20] / C
    kernel = das_range.das_range
    actual = run(case, python(kernel) if interpreted else kernel)
    assert_close(actual, case)
    assert (actual != 0).any()


def test_the_very_last_sample_is_read():
    case = make(kind="linear", n_elements=1, n_lines=1, n_ranges=1, n_transmits=1, iq=False)
    case.update(n_samples=8, f_number=0.0, weights=np.empty((0, 0, 0), np.float32))
    case["data"] = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 8)
    case["positions"][:] = 0
    case["origins"][:], case["directions"][:] = 0, [0, 0, 1]
    case["ranges"] = np.array([C / case["fs"] * 4])
    case["times"], case["zero"] = np.full((1, 1, 1), 3 / case["fs"]), np.zeros(1)
    assert run(case)[0, 0] == pytest.approx(8, abs=1e-4)
    case["times"] += 1e-3 / case["fs"]
    assert run(case)[0, 0] == 0


def test_one_sample_empty_apertures_and_points_behind_the_array_give_zero():
    case = make(n_samples=1)
    assert (run(case) == 0).all()
    case = make(f_number=1e4)
    assert (run(case) == 0).all()
    case = make(start=-30e-3, kind="linear", f_number=0.0)
    assert (run(case) == 0).all()
    case = make(n_ranges=20)
    case["times"] += 1.0
    assert (run(case) == 0).all()
    case["times"] -= 2.0
    assert (run(case) == 0).all()


def test_places_that_are_not_finite_give_zero():
    case = make(n_lines=6, n_ranges=40, normalize=1)
    whole = run(case)
    case["origins"][1, 0] = np.nan
    case["directions"][2] = np.inf
    out = run(case)
    assert (out[1:3] == 0).all()
    np.testing.assert_array_equal(out[[0, 3, 4, 5]], whole[[0, 3, 4, 5]])
    case["ranges"][20] = np.nan
    out = run(case)
    assert (out[:, 16:32] == 0).all()
    np.testing.assert_array_equal(out[0, :16], whole[0, :16])


def test_an_element_that_is_nowhere_is_left_out():
    case = make(n_elements=9, normalize=1)
    away = {k: case[k].copy() for k in ("positions", "normals", "tangents")}
    keep = np.arange(9) != 4
    case["positions"][4] = np.nan
    actual = run(case)
    for name, array in away.items():
        case[name] = array[keep]
    case["data"] = np.ascontiguousarray(case["data"][:, keep])
    assert_close(actual, case)


def test_no_lines_no_ranges_no_elements():
    case = make(n_lines=1)
    case["origins"] = case["origins"][:0].copy()
    case["times"] = case["times"][:, :0].copy()
    case["weights"] = case["weights"][:, :0].copy()
    assert run(case).shape == (0, 37)
    case = make()
    for name in ("positions", "normals", "tangents"):
        case[name] = case[name][:0].copy()
    case["data"] = np.ascontiguousarray(case["data"][:, :0])
    assert (run(case) == 0).all()


@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
def test_planes_hold_the_real_and_the_imaginary_parts(interpreted):
    data = make()["data"]
    split = das_range.split_planes
    planes = planes_of(data, python(split) if interpreted else split)
    np.testing.assert_array_equal(planes[:, :, 0], data.real)
    np.testing.assert_array_equal(planes[:, :, 1], data.imag)


def test_one_specialisation_serves_all_calls():
    run(make())
    run(make(iq=False, weighted=False))
    signatures = getattr(das_range.das_range, "signatures", [None])
    assert len(signatures) == 1
