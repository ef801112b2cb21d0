"""A matrix along slow time against numpy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels.slow_time_matrix import apply_matrix

KERNELS = [apply_matrix, getattr(apply_matrix, "py_func", apply_matrix)]


def packet_of(n_points, n_pulses, seed=0):
    rng = np.random.default_rng(seed)
    parts = rng.standard_normal((2, n_points, n_pulses))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def reference(packet, matrix):
    return packet.astype(np.complex128) @ matrix.T.astype(np.float64)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("n_points", "n_pulses", "n_out"), [(33, 12, 12), (1, 3, 1), (32, 16, 5), (7, 1, 2), (40, 9, 9)]
)
def test_it_is_the_product(kernel, n_points, n_pulses, n_out):
    packet = packet_of(n_points, n_pulses)
    matrix = np.random.default_rng(1).standard_normal((n_out, n_pulses)).astype(np.float32)
    out = np.full((n_points, n_out), np.nan, np.complex64)
    kernel(packet, matrix, 0, n_points, out)
    np.testing.assert_allclose(out, reference(packet, matrix), atol=1e-5)


def test_any_division_gives_the_same_bits():
    packet, matrix = packet_of(150, 10), np.eye(10, dtype=np.float32) - np.float32(0.1)
    whole, parts = np.empty_like(packet), np.zeros_like(packet)
    apply_matrix(packet, matrix, 0, 150, whole)
    for start, stop in ((0, 1), (1, 45), (45, 46), (46, 150)):
        apply_matrix(packet, matrix, start, stop, parts)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_the_range_is_written(kernel):
    packet, out = packet_of(9, 4), np.zeros((9, 4), np.complex64)
    kernel(packet, np.eye(4, dtype=np.float32), 3, 5, out)
    np.testing.assert_array_equal(out[3:5], packet[3:5])
    assert not np.any(np.delete(out, (3, 4), axis=0))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_stays_with_its_point(kernel, value):
    packet, out = packet_of(5, 6), np.empty((5, 6), np.complex64)
    packet[2, 3] = value
    with np.errstate(invalid="ignore"):
        kernel(packet, np.ones((6, 6), np.float32), 0, 5, out)
    assert not np.isfinite(out[2]).any()
    assert np.isfinite(np.delete(out, 2, axis=0)).all()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_empty_packets_do_no_harm(kernel, shape):
    out = np.ones((shape[0], 3), np.complex64)
    kernel(np.empty(shape, np.complex64), np.ones((3, shape[1]), np.float32), 0, shape[0], out)
    assert not out.any()


def test_one_specialisation_serves_all_calls():
    assert len(getattr(apply_matrix, "signatures", [None])) == 1
