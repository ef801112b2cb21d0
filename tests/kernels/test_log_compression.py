"""Log compression against float64 logarithms."""

from __future__ import annotations

import numpy as np
import pytest

from usdk_kernels import log_compression
from usdk_kernels.log_compression import FLOOR_DB


def kernels(kernel):
    """The compiled kernel and its source."""
    return [kernel, getattr(kernel, "py_func", kernel)]


def log_reference(envelope, reference):
    with np.errstate(divide="ignore"):
        return np.maximum(20 * np.log10(envelope.astype(float) / reference), FLOOR_DB)


@pytest.mark.parametrize("reference", [1.0, 3.3e-4, 7e30, 1e-35])
@pytest.mark.parametrize("kernel", kernels(log_compression.log_compress))
def test_decibels_equal_the_logarithm(kernel, reference):
    ratio = np.geomspace(1e-5, 1e5, 203)[None]
    envelope = (ratio * reference).astype(np.float32)
    out = np.empty(envelope.shape, np.float32)
    kernel(envelope, reference, out)
    tolerance = 2e-5 if reference > 1e-30 else 0.02  # the last envelopes are subnormal numbers
    np.testing.assert_allclose(out, log_reference(envelope, reference), atol=tolerance)


def test_every_octave_is_continuous():
    # Either side of the mantissa's seams, and the powers of two themselves.
    seam = np.sqrt(0.5) * 2.0 ** np.arange(-20, 20)
    envelope = np.concatenate([seam * (1 - 1e-6), seam, seam * (1 + 1e-6), 2.0 ** np.arange(-9, 9)])
    envelope = envelope.astype(np.float32)[None]
    out = np.empty_like(envelope)
    log_compression.log_compress(envelope, 1.0, out)
    np.testing.assert_allclose(out, log_reference(envelope, 1.0), atol=2e-5)


@pytest.mark.parametrize("kernel", kernels(log_compression.log_compress))
def test_special_values_follow_the_stated_policy(kernel):
    envelope = np.array([[0, -0.0, -1, 1e-45, 1e-30, 1, np.inf, np.nan]], np.float32)
    out = np.empty_like(envelope)
    kernel(envelope, 1.0, out)
    floor = FLOOR_DB
    np.testing.assert_array_equal(out, [[floor] * 5 + [0, np.inf, np.nan]])


def test_may_work_in_place():
    envelope = np.geomspace(1e-3, 1, 100).astype(np.float32)[None]
    expected = log_reference(envelope, 1.0)
    log_compression.log_compress(envelope, 1.0, envelope)
    np.testing.assert_allclose(envelope, expected, atol=2e-5)


def test_one_specialisation_serves_all_calls():
    for n in (0, 1, 9):
        out = np.zeros((2, n), np.float32)
        log_compression.log_compress(np.ones((2, n), np.float32), 2.0, out)
    assert len(getattr(log_compression.log_compress, "signatures", [None])) == 1
