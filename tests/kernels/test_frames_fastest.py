"""Frames fastest: numpy's own transposition, bit by bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk_kernels import frames_fastest


def python(kernel):
    """The kernel's source, run by the interpreter."""
    return getattr(kernel, "py_func", kernel)


def case(n_frames, n_samples, n_parts, n_lanes, n_transmits=2, n_elements=3):
    """Random bits, rows that are ours, and what every lane of the blocks must hold."""
    rng = np.random.default_rng(n_frames + 100 * n_samples)
    shape = (n_frames, n_transmits, n_elements, n_samples, n_parts)
    data = rng.integers(0, 2**32, shape, np.uint32).view(np.float32)
    width = n_frames * n_parts
    rows = np.ascontiguousarray(np.moveaxis(data, 0, 3)).reshape(*shape[1:4], width)
    n_blocks = -(-width // n_lanes)
    padded = np.full((*shape[1:4], n_blocks * n_lanes), 7, np.float32)
    padded[..., :width] = rows
    blocks = np.moveaxis(padded.reshape(*shape[1:4], n_blocks, n_lanes), 3, 1)
    return data, rows, np.ascontiguousarray(blocks)


def same_bits(a, b):
    return np.array_equal(a.view(np.uint32), b.view(np.uint32))


@given(
    n_frames=st.integers(1, 70),
    n_samples=st.integers(0, 50),
    n_parts=st.sampled_from([1, 2]),
    n_lanes=st.sampled_from([16, 32, 64]),
)
def test_every_lane_holds_its_frame(n_frames, n_samples, n_parts, n_lanes):
    data, rows, expected = case(n_frames, n_samples, n_parts, n_lanes)
    for kernel, source in ((frames_fastest.frames_fastest, data), (frames_fastest.cut_rows, rows)):
        out = np.full(expected.shape, 7, np.float32)
        for start, stop in ((4, 6), (0, 1), (1, 4)):
            kernel(source, start, stop, out)
        assert same_bits(out, expected)


@pytest.mark.parametrize("n_parts", [1, 2])
def test_source_in_the_interpreter_does_the_same(n_parts):
    data, rows, expected = case(11, 18, n_parts, 16)
    for kernel, source in ((frames_fastest.frames_fastest, data), (frames_fastest.cut_rows, rows)):
        out = np.full(expected.shape, 7, np.float32)
        python(kernel)(source, 0, 6, out)
        assert same_bits(out, expected)


def test_records_that_are_not_asked_for_are_untouched():
    data, rows, expected = case(5, 20, 2, 16)
    for kernel, source in ((frames_fastest.frames_fastest, data), (frames_fastest.cut_rows, rows)):
        out = np.full(expected.shape, 7, np.float32)
        kernel(source, 2, 4, out)
        assert same_bits(out[0, :, 2], expected[0, :, 2])
        assert same_bits(out[1, :, 0], expected[1, :, 0])
        assert (out[0, :, :2] == 7).all()
        assert (out[1, :, 1:] == 7).all()
