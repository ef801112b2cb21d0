"""Ensemble delay-and-sum against a float64 sum over every pair, and frame by frame against das."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk_kernels import das, das_ensemble

COMPILED = hasattr(das_ensemble.das_ensemble, "py_func")
FS = 20e6
FC = 5e6
C = 1540.0
NS = 240
BOXCAR = np.zeros(4)
HANN = np.array([1, 0.5, 0.5, 0])
TUKEY = np.array([0.4, 0.5, 0.5, 0])
BLACKMAN = np.array([1, 0.42, 0.5, 0.08])


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def sample_reference(row, s, code):
    """The rows of frames at the fractional sample s; None outside."""
    last = len(row) - 1
    if not 0 <= s <= last:
        return None
    i = min(int(s), last - 1)
    w = s - i
    if code == das_ensemble.INTERPOLATION_NEAREST:
        return row[i + (w >= 0.5)]
    if code == das_ensemble.INTERPOLATION_LINEAR:
        return (1 - w) * row[i] + w * row[i + 1]

    def keys(x):  # Keys 1981, equation 15 with a = -1/2
        x = abs(x)
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2

    return sum(row[min(max(i + m, 0), last)] * keys(w - m) for m in (-1, 0, 1, 2))


def reference(case, fd=0.0, f_number=1.0, window=BOXCAR, width=-1.0, height=-1.0,
              interpolation=1, normalize=0):  # fmt: skip
    """Float64, one pair at a time, straight from the equation; (n_points, n_frames)."""
    data = np.moveaxis(case["data"].astype(complex), 0, -1)
    points, positions, normals, tangents = (
        case[name].astype(float) for name in ("points", "positions", "normals", "tangents")
    )
    time, weight, zero = case["time"], case["weight"], case["zero"]
    out = np.zeros((len(points), data.shape[-1]), complex)
    for p, point in enumerate(points):
        divisor = 0.0
        for e in range(len(positions)):
            r = point - positions[e]
            axial = r @ normals[e]
            lateral = np.linalg.norm(r - axial * normals[e])
            if not (axial > 0 and 2 * f_number * lateral <= axial):
                continue
            u = 2 * f_number * lateral / axial
            a = 1.0
            if window[0] > 0:
                v = max(0.0, (u - 1 + window[0]) / window[0])
                a = window[1] + window[2] * np.cos(np.pi * v) + window[3] * np.cos(2 * np.pi * v)
            distance = np.linalg.norm(r)
            if width >= 0:
                across = r @ tangents[e]
                along = np.sqrt(max(lateral**2 - across**2, 0))
                a *= np.sinc(width * across / distance)
                a *= np.sinc(max(height, 0) * along / distance) * axial / distance
            for t in range(len(data)):
                tau = time[t, p] + distance / C
                if not (np.isfinite(tau) and abs(weight[t, p]) > 0):
                    continue
                divisor += abs(weight[t, p]) * a
                x = sample_reference(data[t, e], (tau - zero[t]) * FS, interpolation)
                if x is not None:
                    out[p] += weight[t, p] * a * x * np.exp(2j * np.pi * fd * tau)
        if normalize:
            out[p] = out[p] / divisor if divisor > 0 else 0
    return out


def linear_array(n, pitch=0.3e-3):
    positions = np.zeros((n, 3))
    positions[:, 0] = (np.arange(n) - (n - 1) / 2) * pitch
    return positions, np.tile([0.0, 0, 1], (n, 1)), np.tile([1.0, 0, 0], (n, 1))


def curved_array(n, radius=40e-3, pitch=0.5e-3):
    angle = (np.arange(n) - (n - 1) / 2) * pitch / radius
    normals = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 1)
    tangents = np.stack([np.cos(angle), 0 * angle, -np.sin(angle)], 1)
    return radius * normals - [0, 0, radius], normals, tangents


def matrix_array(n, pitch=0.3e-3):
    x = (np.arange(n) - (n - 1) / 2) * pitch
    positions = np.stack([np.repeat(x, n), np.tile(x, n), np.zeros(n * n)], 1)
    return positions, np.tile([0.0, 0, 1], (n * n, 1)), np.tile([1.0, 0, 0], (n * n, 1))


ARRAYS = {"linear": linear_array(20), "curved": curved_array(20), "matrix": matrix_array(5)}


def make(array="linear", seed=0, n_points=37, n_transmits=2, n_frames=8, iq=True):
    """Random data, points, transmit times and weights."""
    rng = np.random.default_rng(seed)
    positions, normals, tangents = (
        a.astype(np.float32) for a in (ARRAYS[array] if isinstance(array, str) else array)
    )
    points = np.stack(
        [rng.uniform(-3e-3, 3e-3, n_points), rng.uniform(-1e-3, 1e-3, n_points),
         rng.uniform(-0.2e-3, 9e-3, n_points)], 1
    ).astype(np.float32)  # fmt: skip
    shape = (n_frames, n_transmits, len(positions), NS)
    data = rng.standard_normal(shape).astype(np.float32)
    if iq:
        data = (data + 1j * rng.standard_normal(shape)).astype(np.complex64)
    time = points[:, 2] / C + rng.uniform(-1e-7, 1e-7, (n_transmits, n_points))
    weight = rng.uniform(-1, 1, time.shape).astype(np.float32)
    weight[rng.random(time.shape) < 0.2] = 0
    return {
        "data": data, "points": points, "positions": positions, "normals": normals,
        "tangents": tangents, "time": time.astype(float), "weight": weight,
        "zero": rng.uniform(0, 1e-6, n_transmits),
    }  # fmt: skip


def blocks_of(data):
    """Frames fastest, in blocks of lanes; NaN fills what no frame fills."""
    n_parts = 2 if np.iscomplexobj(data) else 1
    n = len(data) * n_parts
    lanes = next((size for size in das_ensemble.LANES if n <= size), das_ensemble.LANES[-1])
    rows = np.ascontiguousarray(np.moveaxis(data, 0, -1)).view(np.float32)
    padded = np.full((*rows.shape[:-1], -(-n // lanes) * lanes), np.nan, np.float32)
    padded[..., :n] = rows
    split = padded.reshape(*rows.shape[:-1], padded.shape[-1] // lanes, lanes)
    return np.ascontiguousarray(np.moveaxis(split, -2, 1)), n_parts


def run(case, kernel=das_ensemble.das_ensemble, fd=0.0, f_number=1.0, window=BOXCAR, width=-1.0,
        height=-1.0, interpolation=1, normalize=0, tiles=None, place=None):  # fmt: skip
    data = case["data"]
    blocks, n_parts = blocks_of(data)
    n_points = len(case["points"])
    place = np.arange(n_points) if place is None else place
    out = np.full((n_points, len(data) * n_parts), 777, np.float32)
    # The interpreter warns of what compiled code passes over.
    with np.errstate(all="ignore"):
        for start, stop in tiles or [(0, n_points)]:
            kernel(
                blocks, case["points"], place, case["positions"], case["normals"], case["tangents"],
                case["time"], case["weight"], case["zero"], window, FS, fd, C, f_number, width,
                height, interpolation, normalize, n_parts, start, stop, out,
            )  # fmt: skip
    return out.view(data.dtype)


def by_das(case, fd=0.0, f_number=1.0, window=BOXCAR, width=-1.0, height=-1.0, interpolation=1,
           normalize=0):  # fmt: skip
    """Frame by frame by the reference kernel."""
    out = np.empty((len(case["points"]), len(case["data"])), case["data"].dtype)
    geometry = [case[name] for name in ("points", "positions", "normals", "tangents", "time",
                                        "weight", "zero")]  # fmt: skip
    for f, frame in enumerate(case["data"]):
        one = np.empty(len(out), out.dtype)
        kernel, frequencies = (das.das_iq, (FS, fd)) if fd else (das.das_rf, (FS,))
        kernel(
            frame, *geometry, window, *frequencies, C, f_number, width, height, interpolation,
            normalize, 0, len(one), one,
        )  # fmt: skip
        out[:, f] = one
    return out


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("window", [BOXCAR, TUKEY, BLACKMAN], ids=["boxcar", "tukey", "blackman"])
@pytest.mark.parametrize("interpolation", [0, 1, 2])
def test_iq_and_rf_equal_the_sum_over_pairs(array, window, interpolation):
    for iq, normalize in itertools.product((False, True), (0, 1)):
        case = make(array, n_points=21, n_frames=5, iq=iq)
        options = {"window": window, "interpolation": interpolation, "normalize": normalize}
        options["fd"] = FC if iq else 0.0
        expected = reference(case, **options)
        actual = run(case, **options)
        # float32 coordinates are exact in both; 2e-5 is float32 summation
        np.testing.assert_allclose(actual, expected if iq else expected.real, atol=2e-5)
        assert np.abs(expected).max() > 0.25


@pytest.mark.parametrize("interpolation", [0, 1, 2])
def test_source_in_the_interpreter_equals_the_sum_over_pairs(interpolation):
    for array, iq in (("curved", True), ("matrix", False)):
        case = make(array, n_points=4, n_frames=3, iq=iq)
        options = {"window": HANN, "interpolation": interpolation, "normalize": 1}
        options |= {"width": 0.9, "height": 2.1, "fd": FC if iq else 0.0}
        expected = reference(case, **options)
        actual = run(case, python(das_ensemble.das_ensemble), **options)
        np.testing.assert_allclose(actual, expected if iq else expected.real, atol=2e-5)


@pytest.mark.parametrize("array", ARRAYS)
def test_directivity_is_that_of_the_closed_form(array):
    case = make(array, n_points=25, n_frames=2)
    options = {"fd": FC, "f_number": 0.0, "width": 1.7, "height": 2.6}
    expected = reference(case, **options)
    np.testing.assert_allclose(run(case, **options), expected, atol=2e-5)
    assert np.abs(expected - reference(case, fd=FC, f_number=0.0)).max() > 0.05


@given(
    array=st.sampled_from(sorted(ARRAYS)),
    seed=st.integers(0, 2**31),
    n_frames=st.integers(1, 100),
    iq=st.booleans(),
    f_number=st.floats(0, 4),
    window=st.sampled_from([BOXCAR, HANN, TUKEY, BLACKMAN]),
    width=st.sampled_from([-1.0, 0.0, 0.8]),
    interpolation=st.integers(0, 2),
    normalize=st.integers(0, 1),
)
def test_every_frame_equals_the_reference_kernel(
    array, seed, n_frames, iq, f_number, window, width, interpolation, normalize
):
    n_points = 33
    if not COMPILED:
        n_points, n_frames = 2, n_frames % 2 + 1
    case = make(array, seed, n_points=n_points, n_frames=n_frames, iq=iq)
    options = {"fd": FC if iq else 0.0, "f_number": f_number, "window": window, "width": width}
    options |= {"height": 1.1, "interpolation": interpolation, "normalize": normalize}
    expected = by_das(case, **options)
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(run(case, **options), expected, rtol=0, atol=4e-6 * scale)


def test_any_cut_and_any_place_gives_the_same_bits():
    case = make("matrix", n_points=61, n_frames=12)
    options = {"fd": FC, "f_number": 0.7, "window": HANN, "normalize": 1}
    whole = run(case, **options)
    rng = np.random.default_rng(1)
    for _ in range(5):
        cuts = np.sort(rng.integers(0, 62, 4))
        tiles = list(itertools.pairwise([0, *cuts.tolist(), 61]))
        np.testing.assert_array_equal(run(case, tiles=tiles[::-1], **options), whole)
    order = rng.permutation(61)
    mixed = dict(case, points=case["points"][order])
    mixed |= {name: np.ascontiguousarray(case[name][:, order]) for name in ("time", "weight")}
    np.testing.assert_array_equal(run(mixed, place=order, **options), whole)


def test_a_place_that_is_no_row_is_not_written():
    case = make(n_points=20)
    place = np.arange(20)
    place[[3, 7, 11]] = -1, 20, 2**62
    out = run(case, fd=FC, place=place)
    assert (out[[3, 7, 11]] == 777 + 777j).all()
    np.testing.assert_array_equal(
        np.delete(out, [3, 7, 11], 0), np.delete(run(case, fd=FC), [3, 7, 11], 0)
    )


def test_blocks_beyond_the_last_frame_are_not_written():
    case = make(n_points=20)
    blocks, _ = blocks_of(case["data"][:3])
    more = np.concatenate([blocks, blocks, blocks], axis=1)
    out = np.full((21, 3 * 2), 777, np.float32)
    das_ensemble.das_ensemble(
        more, case["points"], np.arange(20), case["positions"], case["normals"], case["tangents"],
        case["time"], case["weight"], case["zero"], BOXCAR, FS, FC, C, 1.0, -1.0, -1.0, 1, 0, 2,
        0, 20, out[:20],
    )  # fmt: skip
    np.testing.assert_array_equal(out[:20].view(np.complex64), run(case, fd=FC)[:, :3])
    np.testing.assert_array_equal(out[20], 777)


@pytest.mark.parametrize("interpolation", [0, 1, 2])
@pytest.mark.parametrize(
    "bad", [np.nan, np.inf, -np.inf, 1.0, -1.0, 1e300, 2.0**29 / FS, -(2.0**29) / FS]
)
def test_a_time_that_is_none_or_far_away_reads_nothing(bad, interpolation):
    case = make()
    case["time"][:] = bad
    for normalize in (0, 1):
        out = run(case, fd=FC, interpolation=interpolation, normalize=normalize)
        np.testing.assert_array_equal(out, 0)


def test_coordinates_that_are_not_finite_give_zero_and_leave_the_others_alone():
    case = make(n_points=30)
    whole = run(case, fd=FC)
    for row, bad in ((0, np.nan), (15, np.inf), (16, -np.inf), (29, np.nan)):
        case["points"][row, row % 3] = bad
    out = run(case, fd=FC)
    hit = [0, 15, 16, 29]
    np.testing.assert_array_equal(out[hit], 0)
    np.testing.assert_array_equal(np.delete(out, hit, 0), np.delete(whole, hit, 0))


def test_the_ends_of_the_record_count_and_nothing_beyond_them():
    """One element, straight below it: sample s of the record for transmit times that hit it."""
    positions, normals, tangents = linear_array(1)
    z = np.float32(1e-3)
    s = np.array([-0.01, 0, 0.25, NS - 1.25, NS - 1, NS - 0.99])
    case = make((positions, normals, tangents), n_points=len(s), n_transmits=1, n_frames=9)
    case["points"][:] = (0, 0, z)
    case["zero"][:] = 0
    case["weight"][:] = 1
    case["time"][0] = s / FS - np.float64(z) / C
    for interpolation in range(3):
        expected = reference(case, interpolation=interpolation)
        # at s = 0 and s = NS − 1 rounding decides whether the record still holds it
        free = [0, 2, 3, 5]
        actual = run(case, interpolation=interpolation)
        np.testing.assert_allclose(actual[free], expected[free], atol=1e-6)
        np.testing.assert_array_equal(actual[[0, 5]], 0)
        row = case["data"][:, 0, 0]
        for i, sample in ((1, 0), (4, NS - 1)):
            assert (np.abs(actual[i] - row[:, sample]) < 1e-6).all() or (actual[i] == 0).all()


def test_a_nan_stays_in_its_frame_and_goes_to_the_points_that_read_it():
    case = make(n_points=37, n_transmits=1, n_frames=12)
    case["weight"][:] = 1
    whole = run(case, fd=FC)
    case["data"][5, 0, 9, 100:140] = np.nan
    out = run(case, fd=FC)
    others = np.arange(12) != 5
    np.testing.assert_array_equal(out[:, others], whole[:, others])
    read = np.isnan(by_das(case, fd=FC)[:, 5])
    assert read.any()
    assert not read.all()
    np.testing.assert_array_equal(np.isnan(out[:, 5]), read)


@pytest.mark.parametrize("n_samples", [0, 1])
def test_a_record_of_fewer_than_two_samples_gives_zeros(n_samples):
    case = make()
    case["data"] = np.ascontiguousarray(case["data"][..., :n_samples])
    np.testing.assert_array_equal(run(case, fd=FC), 0)


def test_nothing_to_do_does_nothing():
    case = make(n_points=5)
    assert (run(case, fd=FC, tiles=[(2, 2)]) == 777 + 777j).all()
    for empty in ("positions", "normals", "tangents"):
        case[empty] = case[empty][:0]
    case["data"] = np.ascontiguousarray(case["data"][:, :, :0])
    np.testing.assert_array_equal(run(case, fd=FC), 0)


def test_frames_lie_fastest_whatever_their_number():
    """A frame's result does not depend on how many others there are."""
    case = make(n_points=17, n_frames=70)
    whole = run(case, fd=FC)
    for n in (1, 4, 8, 9, 16, 17, 32, 33, 64):
        some = dict(case, data=np.ascontiguousarray(case["data"][:n]))
        np.testing.assert_array_equal(run(some, fd=FC), whole[:, :n])


def test_one_specialisation_serves_all_calls():
    run(make(iq=True), fd=FC)
    run(make(iq=False))
    signatures = getattr(das_ensemble.das_ensemble, "signatures", None)
    assert signatures is None or len(signatures) == 1
