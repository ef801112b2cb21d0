"""Autocorrelation of packets against float64 sums, with and without a filter."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest

from usdk_kernels import autocorrelation
from usdk_kernels.autocorrelation import COLUMNS, MATRIX, NO_FILTER, PROJECTION, ROWS

PULSES = (2, 3, 5, 8, 9, 12, 16, 19, 33)
KINDS = (NO_FILTER, PROJECTION, MATRIX)


class Result(NamedTuple):
    power: np.ndarray
    lag: np.ndarray
    axial: np.ndarray


def packets(n_lines=2, n_samples=37, n_pulses=8, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n_lines, n_samples, n_pulses)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def padded(rows, multiple):
    shape = (-(-rows.shape[0] // multiple) * multiple, -(-rows.shape[1] // COLUMNS) * COLUMNS)
    result = np.zeros(shape, np.float32)
    result[: rows.shape[0], : rows.shape[1]] = rows
    return result


def filter_of(kind, n_pulses):
    """The filter as a matrix, as the kernel takes it, and the pulses that it leaves."""
    if kind == PROJECTION:
        times = np.linspace(-1, 1, n_pulses)
        basis = np.linalg.qr(np.vander(times, min(3, n_pulses - 1)))[0].T
        matrix = np.eye(n_pulses) - basis.T @ basis
        return matrix, padded(basis, ROWS // 2), n_pulses
    if kind == MATRIX:
        n_out = max(2, n_pulses - 2)
        matrix = np.random.default_rng(9).standard_normal((n_out, n_pulses)).astype(np.float32)
        return matrix, padded(matrix, ROWS), n_out
    return np.eye(n_pulses), np.zeros((0, 0), np.float32), n_pulses


def expected(iq, kind=NO_FILTER, lag=1):
    """The equations, in float64."""
    matrix, _, _ = filter_of(kind, iq.shape[-1])
    y = iq.astype(np.complex128) @ matrix.T
    along = np.zeros(iq.shape[:2], np.complex128)
    along[:, :-1] = np.mean(y[:, 1:] * y[:, :-1].conj(), axis=-1)
    along[:, -1] = along[:, -2] if iq.shape[1] > 1 else 0
    pairs = y[..., lag:] * y[..., : y.shape[-1] - lag].conj()
    return Result(np.mean(np.abs(y) ** 2, axis=-1), pairs.mean(axis=-1), along)


def run(iq, kind=NO_FILTER, lag=1, *, interpreted=False, tiles=None, axial=True):
    """The kernel's results, with a guard of 7 around every array that it writes."""
    n_lines, n_samples, n_pulses = iq.shape
    n_points = n_lines * n_samples
    _, coefficients, n_out = filter_of(kind, n_pulses)
    guarded = [np.full(n + 32, 7, np.float32) for n in (n_points, 2 * n_points, 2 * n_points)]
    power, lag_one, along = (array[16:-16] for array in guarded)
    flat = np.ascontiguousarray(iq).reshape(-1).view(np.float32)
    settings = (flat, n_pulses, coefficients, kind, n_out, lag)
    name = "autocorrelate_axial" if axial else "autocorrelate"
    kernel = getattr(autocorrelation, name)
    kernel = getattr(kernel, "py_func", kernel) if interpreted else kernel
    for tile in tiles or [(0, n_lines if axial else n_points)]:
        if axial:
            kernel(*settings, n_samples, *tile, power, lag_one, along)
        else:
            kernel(*settings, *tile, power, lag_one)
    for array in guarded:
        assert np.all(array[:16] == 7)
        assert np.all(array[-16:] == 7)
    shape = (n_lines, n_samples)
    return Result(
        power.reshape(shape),
        lag_one.view(np.complex64).reshape(shape),
        along.view(np.complex64).reshape(shape),
    )


def assert_close(actual, wanted):
    scale = np.max(wanted.power)
    for a, b in zip(actual, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-6 * scale, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_pulses", PULSES)
def test_it_is_the_sum_of_the_equations(kind, n_pulses):
    iq = packets(n_pulses=n_pulses)
    assert_close(run(iq, kind), expected(iq, kind))
    without = run(iq, kind, axial=False)
    np.testing.assert_allclose(without.power, expected(iq, kind).power, rtol=1e-4)
    np.testing.assert_allclose(without.lag, expected(iq, kind).lag, atol=1e-4 * n_pulses)


@pytest.mark.parametrize("kind", KINDS)
def test_source_in_the_interpreter_does_the_same(kind):
    iq = packets(1, 18, 9)
    assert_close(run(iq, kind, interpreted=True), expected(iq, kind))
    flat = run(iq, kind, interpreted=True, axial=False)
    np.testing.assert_allclose(flat.lag, expected(iq, kind).lag, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lag", [1, 2, 5, 9])
def test_any_lag(kind, lag):
    iq = packets(n_pulses=12)
    assert_close(run(iq, kind, lag), expected(iq, kind, lag))


@pytest.mark.parametrize("n_samples", [1, 2, 15, 16, 17, 31, 46])
def test_lines_of_any_length_know_their_deeper_neighbour(n_samples):
    iq = packets(3, n_samples, 6)
    assert_close(run(iq), expected(iq))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_pulses", [5, 12])
def test_tiles_may_be_cut_anywhere_without_changing_a_bit(kind, n_pulses):
    iq = packets(5, 33, n_pulses)
    whole = run(iq, kind)
    parts = run(iq, kind, tiles=[(3, 5), (0, 1), (1, 3)])
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)
    flat = run(iq, kind, axial=False, tiles=[(101, 165), (0, 7), (7, 101)])
    np.testing.assert_array_equal(flat.power, whole.power)
    np.testing.assert_array_equal(flat.lag, whole.lag)


BITS = """
import sys
import numpy as np
from usdk_kernels import autocorrelation
n = 12
x = np.random.default_rng(0).standard_normal(2 * n * 99).astype(np.float32)
rows = np.linalg.qr(np.random.default_rng(1).standard_normal((n, n)))[0][:4]
rows = np.ascontiguousarray(np.pad(rows, ((0, 0), (0, 4))), np.float32)
power, lag, axial = np.empty(99, np.float32), np.empty(198, np.float32), np.empty(198, np.float32)
for kind in (autocorrelation.NO_FILTER, autocorrelation.PROJECTION, autocorrelation.MATRIX):
    m = 4 if kind == autocorrelation.MATRIX else n
    if "flat" in sys.argv:
        autocorrelation.autocorrelate(x, n, rows, kind, m, 1, 0, 99, power, lag)
    else:
        autocorrelation.autocorrelate_axial(x, n, rows, kind, m, 1, 99, 0, 1, power, lag, axial)
    print(power.tobytes().hex(), lag.tobytes().hex())
"""


def test_compiled_now_or_read_from_the_cache_it_gives_the_same_bits(tmp_path):
    def bits(kernel):
        return subprocess.run(
            [sys.executable, "-c", BITS, kernel],
            env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True, text=True, check=True, timeout=300,
        ).stdout  # fmt: skip

    first = bits("axial")
    assert [bits("axial"), bits("flat"), bits("flat")] == [first] * 3


def test_what_a_projection_takes_away_is_gone_to_rounding():
    iq = packets(n_pulses=16)
    still = iq + 1e3 * packets(n_pulses=1, seed=3)
    with_clutter, without = run(still, PROJECTION), expected(iq, PROJECTION)
    np.testing.assert_allclose(with_clutter.power, without.power, rtol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_pulses", [7, 8])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_pulse_that_is_no_number_spoils_its_point_alone(kind, n_pulses, bad):
    iq = packets(2, 40, n_pulses)
    clean = run(iq, kind)
    iq[1, 20, 3] = bad
    with np.errstate(invalid="ignore"):
        spoiled = run(iq, kind)
    others = np.ones(clean.power.shape, bool)
    others[1, 20] = False
    np.testing.assert_array_equal(spoiled.power[others], clean.power[others])
    np.testing.assert_array_equal(spoiled.lag[others], clean.lag[others])
    assert not np.isfinite(spoiled.power[1, 20])
    assert not np.isfinite(spoiled.lag[1, 20])
    others[1, 19] = False
    np.testing.assert_array_equal(spoiled.axial[others], clean.axial[others])


def test_the_transposition_in_the_interpreter_is_the_compiled_one():
    source = np.arange(600, dtype=np.float32)
    rows = np.zeros(300, np.float32)
    autocorrelation._transpose(source, 5, 20, rows, 3)
    expected_rows = source[5 : 5 + 20 * 16].reshape(16, 20)[:, :16].T
    np.testing.assert_array_equal(rows[3 : 3 + 256].reshape(16, 16), expected_rows)


def test_nothing_to_do_does_nothing():
    iq = packets()
    assert np.all(run(iq, axial=False, tiles=[(4, 4)]).power == 7)
    assert run(iq[:0]).power.size == 0


def test_one_specialisation_serves_all_calls():
    for name in ("autocorrelate", "autocorrelate_axial"):
        assert len(getattr(getattr(autocorrelation, name), "signatures", [None])) == 1
