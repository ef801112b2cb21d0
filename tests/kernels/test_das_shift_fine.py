"""Shift-invariant delay-and-sum of upsampled records, against a float64 sum over every pair."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from usdk_kernels.das_shift_fine import (
    GROUP,
    NOWHERE_M,
    PADDING,
    ROWS_READ,
    TAPS,
    das_shift_fine,
    skew_fine,
)

FS, FC, C, NS, PITCH = 20e6, 5e6, 1540.0, 220, 0.3e-3
WINDOWS = {
    "boxcar": np.array([0.0, 1.0, 0.0, 0.0]),
    "hann": np.array([1.0, 0.5, 0.5, 0.0]),
    "blackman": np.array([1.0, 0.42, 0.5, 0.08]),
}


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def case(
    *, n_elements=9, per_pitch=1, n_columns=9, start=0.0, angles=(-0.2, 0.0, 0.15), n_fine=2,
    depths=(2e-3, 4.1e-3, 7.7e-3), f_number=1.0, window="boxcar", width=-1.0, normalize=0,
    is_iq=False, time_zero_s=1e-6, first_row=0, seed=0,
):  # fmt: skip
    rng = np.random.default_rng(seed)
    n_transmits = len(angles)
    shift = rng.uniform(0, 9, (n_transmits, n_elements))
    planes = 2 if is_iq else 1
    return {
        "data": rng.standard_normal((n_transmits, n_elements, NS, planes)).astype(np.float32),
        "whole": np.floor(shift).astype(np.int64),
        "taps": rng.standard_normal((n_transmits, n_fine, n_elements, TAPS)).astype(np.float32),
        "turns": rng.uniform(-40, 40, (n_transmits, n_elements)),
        "first_row": np.full(n_transmits, first_row, np.int64),
        "directions": np.column_stack((np.sin(angles), np.cos(angles))),
        "time_s": rng.uniform(0, 2e-7, n_transmits),
        "time_zero_s": np.full(n_transmits, time_zero_s),
        "depths": np.array(depths),
        "columns": start + np.arange(n_columns) * PITCH / per_pitch,
        "per_pitch": per_pitch, "f_number": f_number, "window": WINDOWS[window], "width": width,
        "normalize": normalize, "fd": FC if is_iq else 0.0,
    }  # fmt: skip


def run(c, skew=skew_fine, add=das_shift_fine, cuts=()):
    n_transmits, n_elements, n_samples, n_planes = c["data"].shape
    n_fine, per_pitch, n_columns = c["taps"].shape[1], c["per_pitch"], len(c["columns"])
    per_phase = -(-n_columns // per_pitch) + n_elements - 1
    lateral_m = np.full((per_pitch, per_phase + GROUP - 1), NOWHERE_M)
    for p in range(per_pitch):
        n = -(-(n_columns - p) // per_pitch) + n_elements - 1
        lateral_m[p, :n] = c["columns"][0] + p * PITCH / per_pitch
        lateral_m[p, :n] += (np.arange(n) - (n_elements - 1)) * PITCH
    rows = n_samples * n_fine + ROWS_READ
    skewed = np.zeros((n_transmits, rows, n_planes, n_elements + PADDING), np.float32)
    out = np.full((n_columns, len(c["depths"]), n_planes), np.nan, np.float32)
    for begin, end in itertools.pairwise((0, *cuts, n_samples)):
        skew(
            c["data"], c["whole"], c["taps"], c["turns"], c["first_row"], begin, end, skewed,
        )  # fmt: skip
    for begin, end in itertools.pairwise((0, *[k for k in cuts if k < 3], len(c["depths"]))):
        add(
            skewed, c["first_row"], c["depths"], lateral_m, c["directions"], c["window"],
            c["time_s"], c["time_zero_s"], n_elements, n_fine, FS, c["fd"], C, c["f_number"],
            c["width"], c["normalize"], begin, end, out,
        )  # fmt: skip
    return out


def reference(c):
    """Float64, one pair at a time, straight from the equations."""
    n_transmits, n_elements, n_samples, n_planes = c["data"].shape
    n_fine = c["taps"].shape[1]
    out = np.zeros((len(c["columns"]), len(c["depths"])), complex)

    def row(t, e, index):
        """The upsampled record of an element at a row."""
        if not 0 <= index < n_samples * n_fine:
            return 0.0
        begin = index // n_fine + c["first_row"][t] + c["whole"][t, e] - (TAPS // 2 - 1)
        total = 0j
        for k in range(TAPS):
            if 0 <= begin + k < n_samples:
                sample = c["data"][t, e, begin + k].astype(float)
                value = complex(sample[0], sample[1]) if n_planes == 2 else sample[0]
                total += float(c["taps"][t, index % n_fine, e, k]) * value
        return total * np.exp(2j * np.pi * c["turns"][t, e]) if n_planes == 2 else total.real

    for (i, x), (d, z) in itertools.product(enumerate(c["columns"]), enumerate(c["depths"])):
        total, weights = 0j, 0.0
        for e, t in itertools.product(range(n_elements), range(n_transmits)):
            lateral = x - e * PITCH
            if not (z > 0 and 2 * c["f_number"] * abs(lateral) <= z):
                continue
            taper, a0, a1, a2 = c["window"]
            v = max(0.0, (2 * c["f_number"] * abs(lateral) / z - 1 + taper) / taper) if taper else 0
            a = a0 + a1 * np.cos(np.pi * v) + a2 * np.cos(2 * np.pi * v)
            a = a if taper else 1.0
            if c["width"] >= 0:
                sine, cosine = np.array([lateral, z]) / np.hypot(lateral, z)
                a *= np.sinc(c["width"] * sine) * cosine
            weights += a
            time_s = (lateral * c["directions"][t, 0] + z * c["directions"][t, 1]) / C
            time_s += np.hypot(lateral, z) / C + c["time_s"][t]
            place = ((time_s - c["time_zero_s"][t]) * FS - c["first_row"][t]) * n_fine
            if not 0 <= place < n_samples * n_fine:
                continue
            index = int(np.floor(place))
            w = place - index
            value = (1 - w) * row(t, e, index) + w * row(t, e, index + 1)
            total += a * value * np.exp(2j * np.pi * c["fd"] * time_s)
        if c["normalize"]:
            total = total / weights if weights > 0 else 0
        out[i, d] = total
    return out


def as_complex(out):
    return out[..., 0] + 1j * out[..., 1] if out.shape[-1] == 2 else out[..., 0]


CASES = {
    "default": {},
    "one row to the sample": {"n_fine": 1},
    "four": {"n_fine": 4},
    "three columns to the pitch": {"per_pitch": 3, "n_columns": 22},
    "beside the array": {"start": 2.23e-3, "n_columns": 21},
    "wide": {"n_elements": 40, "n_columns": 37, "f_number": 0.0},
    "Hann, normalized": {"window": "hann", "normalize": 1},
    "Blackman, directivity": {"window": "blackman", "width": 0.9, "normalize": 1},
    "IQ": {"is_iq": True},
    "IQ, halves of the pitch": {"is_iq": True, "per_pitch": 2, "n_columns": 18, "normalize": 1},
    "rows from sample 12 on": {"first_row": 12},
    "echoes before the record": {"time_zero_s": 9e-6},
    "echoes beyond the record": {"depths": (5e-3, 8.3e-3, 30e-3)},
    "behind the array": {"depths": (-3e-3, 0.0, 4e-3)},
    "one element": {"n_elements": 1, "f_number": 0.0},
}


@pytest.mark.parametrize("name", CASES)
def test_the_sum_is_that_of_a_float64_loop(name):
    c = case(**CASES[name])
    expected = reference(c)
    assert np.allclose(as_complex(run(c)), expected, atol=3e-3 * max(1, np.abs(expected).max()))


def test_the_source_gives_the_same_as_the_compiled_kernel():
    c = case(n_elements=4, n_columns=5, is_iq=True, depths=(3e-3, 5e-3))
    plain = run(c, python(skew_fine), python(das_shift_fine))
    assert np.allclose(plain, run(c), atol=1e-4)


@settings(max_examples=25)
@given(
    n_elements=st.integers(1, 20),
    n_columns=st.integers(1, 40),
    per_pitch=st.integers(1, 3),
    start=st.floats(-6e-3, 6e-3),
    f_number=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    n_fine=st.integers(1, 4),
    is_iq=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_geometry(n_elements, n_columns, per_pitch, start, f_number, n_fine, is_iq, seed):
    c = case(
        n_elements=n_elements, n_columns=n_columns, per_pitch=per_pitch, start=start,
        f_number=f_number, n_fine=n_fine, is_iq=is_iq, seed=seed, depths=(3.1e-3, 8e-3),
    )  # fmt: skip
    off = np.abs(as_complex(run(c)) - reference(c))
    # An element on the very rim of an aperture, or a position on a row, may fall to either side.
    assert np.mean(off > 0.02 * max(1, np.abs(reference(c)).max())) < 0.1


def test_cutting_the_work_changes_no_bit():
    c = case(per_pitch=2, n_columns=17, is_iq=True)
    whole, cut = run(c), run(c, cuts=(1, 2, 64, 101))
    if config.BOUNDSCHECK:
        # Checks keep products and sums from being fused, in one loop and not in another.
        np.testing.assert_allclose(cut, whole, atol=1e-4)
        return
    assert np.array_equal(cut, whole)


def test_times_and_depths_that_are_no_number_give_silence():
    c = case()
    c["depths"][1] = np.nan
    c["time_s"][0] = np.nan
    c["time_zero_s"][1] = np.inf
    out = run(c)
    assert np.all(np.isfinite(out))
    assert not out[:, 1].any()
    assert out[:, 2].any()


def test_a_sample_that_is_no_number_stays_where_it_is():
    c = case(n_columns=9)
    c["data"][0, 0, 0] = np.nan
    assert np.isfinite(run(c)).any()
    assert np.isfinite(run(c)[8, 2, 0])


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("whole", [2**63 - 1, 2**63 - 40, -(2**63), 2**31, -(2**31)])
def test_shifts_beyond_the_record_leave_rows_of_zeros(whole, is_iq):
    c = case(is_iq=is_iq)
    c["whole"][:, 2] = whole
    n_transmits, n_elements, n_samples, n_planes = c["data"].shape
    skewed = np.full((n_transmits, 2 * n_samples, n_planes, n_elements + PADDING), 7, np.float32)
    with np.errstate(over="ignore"):  # the interpreter warns of what compiled code passes over
        skew_fine(
            c["data"], c["whole"], c["taps"], c["turns"], c["first_row"], 0, n_samples, skewed
        )
    assert not skewed[..., PADDING + 2].any()
    assert skewed[..., PADDING + 3].any()


def test_phases_that_are_no_number_stay_with_their_element():
    c = case(is_iq=True)
    c["turns"][:, 4] = np.nan
    out = as_complex(run(c))
    c["data"][:, 4] = 0
    c["turns"][:, 4] = 0
    assert not np.isfinite(out).all()
    finite = np.isfinite(out)
    assert finite.any()
    assert np.array_equal(out[finite], as_complex(run(c))[finite])


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
def test_offsets_in_the_place_of_nowhere_are_not_heard(is_iq):
    c = case(is_iq=is_iq, f_number=0.0, n_fine=1)
    n_transmits, n_elements, n_samples, n_planes = c["data"].shape
    skewed = np.ones((n_transmits, n_samples, n_planes, n_elements + PADDING), np.float32)
    outs = []
    for end_m in (NOWHERE_M, 0.0):
        lateral_m = np.full((1, n_elements + 8 + GROUP - 1), end_m)
        lateral_m[0, : n_elements + 8] = (np.arange(n_elements + 8) - 8) * PITCH
        outs.append(np.empty((9, len(c["depths"]), n_planes), np.float32))
        das_shift_fine(
            skewed, c["first_row"], c["depths"], lateral_m, c["directions"], c["window"],
            c["time_s"], c["time_zero_s"], n_elements, 1, FS, c["fd"], C, 0.0, -1.0, 1,
            0, len(c["depths"]), outs[-1],
        )  # fmt: skip
    assert np.array_equal(*outs)
