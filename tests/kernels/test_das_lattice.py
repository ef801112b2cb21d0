"""Delay-and-sum from receive and transmit tables, against a float64 sum over every entry."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usdk_kernels.das_lattice import CHUNK, GROUP, LANES, LINES, PLACES, QUARTERS, das_lattice

ONE = 2.0**PLACES
ROOM = {1: 2 * LANES - 1, QUARTERS: LANES - 1}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def make(
    *, n_lines=5, n_ranges=37, n_elements=9, n_transmits=3, n_samples=200, windows=1, iq=True,
    most_entries=3, seed=0,
):  # fmt: skip
    """Random tables; positions from before the record to beyond it."""
    rng = np.random.default_rng(seed)
    n_planes, n_runs, n_rows = 1 + iq, -(-n_ranges // LANES), n_lines + n_elements - 1
    shape = (n_transmits, n_elements, n_planes, n_samples)

    def rests(*first):
        return rng.integers(0, int((ROOM[windows] - 0.01) / 2 * ONE), (*first, LANES), np.int32)

    counts = rng.integers(0, most_entries + 1, n_lines * n_runs)
    n_entries = int(counts.sum())
    apodization = rng.standard_normal((n_runs, n_rows, n_planes, LANES)).astype(np.float32)
    apodization[rng.random((n_runs, n_rows)) < 0.2] = 0
    weight = rng.standard_normal((n_entries, n_planes, LANES)).astype(np.float32)
    weight *= rng.random((n_entries, 1, LANES)) < 0.8
    low = rng.integers(0, n_elements + 1, (n_lines, n_runs))
    return {
        "data": rng.standard_normal(shape).astype(np.float32),
        # Both edges of the table are passed: elements without a row are left out.
        "first_row": rng.permutation(n_lines) - rng.integers(0, 2) + rng.integers(0, 2),
        "base": rng.integers(-n_samples // 4, n_samples, (n_runs, n_rows, windows), np.int32),
        "rel": rests(n_runs, n_rows),
        "apodization": apodization,
        "open": np.stack([low, rng.integers(low, n_elements + 1)], -1).astype(np.int32),
        "first_entry": np.concatenate([[0], np.cumsum(counts)]),
        "transmit": rng.integers(0, n_transmits, n_entries, np.int32),
        "entry_base": rng.integers(-n_samples // 4, n_samples // 2, (n_entries, windows), np.int32),
        "entry_rel": rests(n_entries),
        "weight": weight,
        "factor": (rng.uniform(0.5, 2, (n_lines, n_ranges))
                   * (rng.random((n_lines, n_ranges)) < 0.9)).astype(np.float32),
    }  # fmt: skip


def complex_of(planes, axis):
    if planes.shape[axis] == 1:
        return planes.take(0, axis).astype(complex)
    return planes.take(0, axis) + 1j * planes.take(1, axis).astype(float)


def reference(case):
    """Float64, straight from the equation."""
    g = case
    data, apodization = complex_of(g["data"], 2), complex_of(g["apodization"], 2)
    weight = complex_of(g["weight"], 1)
    n_lines, n_ranges = g["factor"].shape
    n_runs, n_rows, windows = g["base"].shape
    lanes = np.arange(LANES)
    part = lanes * windows // LANES
    out = np.zeros((n_lines, n_runs, LANES), complex)
    for line, run in itertools.product(range(n_lines), range(n_runs)):
        begin, end = g["open"][line, run]
        first, stop = g["first_entry"][line * n_runs + run :][:2]
        for i, e in itertools.product(range(first, stop), range(begin, end)):
            row = g["first_row"][line] + e
            if not 0 <= row < n_rows:
                continue
            s = g["base"][run, row, part].astype(float) + g["entry_base"][i, part]
            s += (g["rel"][run, row].astype(float) + g["entry_rel"][i]) / ONE
            record = data[g["transmit"][i], e]
            if record.size < 1:
                continue
            inside = (s >= 0) & (s <= record.size - 1)
            x = np.interp(s, np.arange(record.size), record)
            x = np.where(inside, x, 0)
            out[line, run] += weight[i] * apodization[run, row] * x
    out = out.reshape(n_lines, -1)[:, :n_ranges] * g["factor"]
    return out if g["data"].shape[2] == 2 else out.real


def run(case, kernel=das_lattice, cuts=None):
    g = dict(case)
    windows = g["base"].shape[2]
    if windows == QUARTERS:
        lift = np.arange(LANES) // (LANES // QUARTERS) % 2 * (LANES << PLACES)
        g["entry_rel"] = (g["entry_rel"] + lift).astype(np.int32)
    n_lines, n_ranges = g["factor"].shape
    out = np.full((n_lines, n_ranges, g["data"].shape[2]), np.nan, np.float32)
    for a, b in itertools.pairwise(cuts or [0, n_lines]):
        kernel(
            g["data"], g["first_row"], g["base"], g["rel"], g["apodization"], g["open"],
            g["first_entry"], g["transmit"], g["entry_base"], g["entry_rel"], g["weight"],
            g["factor"], a, b, out,
        )  # fmt: skip
    return out[..., 0] if out.shape[2] == 1 else out.view(np.complex64)[..., 0]


def assert_close(actual, case):
    expected = reference(case)
    scale = max(np.abs(expected).max(initial=0), 1.0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("iq", [False, True], ids=["rf", "iq"])
@pytest.mark.parametrize("windows", [1, QUARTERS])
@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
def test_equals_the_sum_over_every_entry_and_element(windows, iq, interpreted):
    case = make(windows=windows, iq=iq)
    assert np.abs(reference(case)).max() > 1
    assert_close(run(case, python(das_lattice) if interpreted else das_lattice), case)


@settings(max_examples=80)
@given(
    n_lines=st.integers(1, 7), n_ranges=st.integers(1, 50), n_elements=st.integers(1, 40),
    n_transmits=st.integers(1, 4), n_samples=st.integers(1, 400),
    windows=st.sampled_from([1, QUARTERS]), iq=st.booleans(), most_entries=st.integers(0, 9),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_any_tables(**options):
    case = make(**options)
    assert_close(run(case), case)


@pytest.mark.parametrize("iq", [False, True], ids=["rf", "iq"])
@pytest.mark.parametrize("windows", [1, QUARTERS])
def test_records_that_hold_every_sample(windows, iq):
    case = make(windows=windows, iq=iq, n_samples=2000, n_elements=2 * CHUNK + 3, most_entries=9)
    case["base"] = np.abs(case["base"]) % 900
    case["entry_base"] = np.abs(case["entry_base"])
    assert case["first_entry"][-1] > GROUP
    assert_close(run(case), case)


def test_lines_may_be_cut_anywhere_without_changing_a_bit():
    case = make(n_lines=LINES + 5, n_samples=400, n_elements=20, most_entries=6)
    whole = run(case)
    np.testing.assert_array_equal(run(case, cuts=[0, 1, 9, LINES, LINES + 5]), whole)


@pytest.mark.parametrize("windows", [1, QUARTERS])
def test_the_last_sample_is_read_and_nothing_beyond_it(windows):
    case = make(n_lines=1, n_ranges=LANES, n_elements=1, n_transmits=1, windows=windows, iq=False)
    case.update(
        first_row=np.zeros(1, np.int64), open=np.array([[[0, 1]]], np.int32),
        first_entry=np.array([0, 1]), transmit=np.zeros(1, np.int32),
        weight=np.ones((1, 1, LANES), np.float32), factor=np.ones((1, LANES), np.float32),
        apodization=np.ones((1, 1, 1, LANES), np.float32),
    )  # fmt: skip
    n_samples = case["data"].shape[3]
    case["base"] = np.full((1, 1, windows), n_samples - 1, np.int32)
    case["entry_base"] = np.zeros((1, windows), np.int32)
    case["rel"], case["entry_rel"] = (
        np.zeros((1, 1, LANES), np.int32),
        np.zeros((1, LANES), np.int32),
    )
    case["rel"][..., 1::2] = 1
    image = run(case)
    np.testing.assert_array_equal(image[0, ::2], case["data"][0, 0, 0, -1])
    np.testing.assert_array_equal(image[0, 1::2], 0)


def test_a_factor_or_weight_of_zero_keeps_nan_out():
    case = make(most_entries=2, n_transmits=2)
    case["data"][1] = np.nan
    case["weight"][case["transmit"] == 1] = 0
    case["factor"][2] = 0
    image = run(case)
    assert np.isfinite(image).all()
    assert not image[2].any()


@pytest.mark.parametrize("interpreted", [False, True], ids=["compiled", "source"])
@pytest.mark.parametrize("seed", range(6))
def test_values_that_make_no_sense_read_nothing_outside(seed, interpreted):
    case = make(seed=seed, windows=1 if seed % 2 else QUARTERS, n_samples=50)
    rng = np.random.default_rng(seed)
    for name in ("base", "rel", "open", "transmit", "entry_base", "entry_rel"):
        of = case[name]
        wild = rng.integers(-(2**31), 2**31, of.shape, np.int64).astype(np.int32)
        case[name] = np.where(rng.random(of.shape) < 0.5, wild, of)
    case["first_row"] = rng.integers(-(2**40), 2**40, case["first_row"].shape)
    case["first_row"][0] = 1
    case["first_entry"] = rng.integers(-50, 500, case["first_entry"].shape)
    kernel = python(das_lattice) if interpreted else das_lattice
    with np.errstate(all="ignore"):
        image = run(case, kernel)
    assert np.isfinite(image).all()


def test_one_specialisation_serves_every_call():
    if not hasattr(das_lattice, "signatures"):
        pytest.skip("not compiled")
    run(make())
    run(make(windows=QUARTERS, iq=False))
    assert len(das_lattice.signatures) == 1


def test_entries_past_all_integers_are_left_out():
    # More entries of another line of the block than are worked on at once.
    case = make(n_lines=2, n_ranges=LANES, most_entries=0, seed=3)
    n_entries = 3 * GROUP
    rng = np.random.default_rng(4)
    case["transmit"] = np.zeros(n_entries, np.int32)
    case["entry_base"] = rng.integers(0, 50, (n_entries, 1), np.int32)
    case["entry_rel"] = np.zeros((n_entries, LANES), np.int32)
    case["weight"] = np.ones((n_entries, 2, LANES), np.float32)
    case["first_row"] = np.array([0, 1])
    case["open"][:] = (0, 9)
    case["first_entry"] = np.array([0, n_entries, n_entries])
    expected = run(case)
    assert np.abs(expected[0]).max() > 0
    case["first_entry"] = np.array([0, 2**63 - 1, 2])
    np.testing.assert_array_equal(run(case), expected)
    case["first_entry"] = np.array([-(2**63), n_entries, -(2**63)])
    np.testing.assert_array_equal(run(case), expected)
