"""What follows from displacements."""

from __future__ import annotations

import numpy as np
import pytest

from usdk.errors import ArgumentError
from usdk.scan import LinearScan
from usdk.tissue_motion import TissueMotion

SCAN = LinearScan(x_m=np.arange(2) * 1e-3, z_m=1e-2 + np.arange(400) * 5e-5)


def motion(displacement_m, times_s=None):
    n_pairs = displacement_m.shape[2]
    return TissueMotion(
        displacement_m=displacement_m.astype(np.float32),
        quality=np.ones(displacement_m.shape, np.float32),
        scan=SCAN,
        times_s=np.arange(n_pairs + 1) * 1e-2 if times_s is None else np.asarray(times_s),
        is_after_gap=np.zeros(n_pairs, bool),
    )


def test_cumulated_motion_follows_the_tissue():
    # Tissue that stretches by 1 % each frame: material at Z is at 1.01^n Z.
    steps = np.repeat((0.01 * SCAN.z_m)[np.newaxis, :, np.newaxis], 5, axis=2)
    moved = motion(np.repeat(steps, 2, axis=0))
    inner = slice(0, 300)
    followed = moved.cumulated_m()
    expected = np.multiply.outer(SCAN.z_m, 1.01 ** np.arange(1, 6) - 1)
    np.testing.assert_allclose(followed[1, inner], expected[inner], rtol=1e-4)
    np.testing.assert_allclose(
        moved.cumulated_m(follow=False)[0], np.cumsum(steps[0], axis=1), rtol=1e-5
    )
    strain = moved.strain(1e-3)
    np.testing.assert_allclose(strain[0, :280, -1], 1.01**5 - 1, rtol=1e-3)


def test_rates_come_from_the_times_of_the_frames():
    steps = np.repeat((-0.002 * SCAN.z_m)[np.newaxis, :, np.newaxis], 2, axis=0)
    moved = motion(steps, times_s=[1.0, 1.004])
    np.testing.assert_allclose(moved.velocity_m_s, steps / 0.004, rtol=1e-5)
    np.testing.assert_allclose(moved.strain_rate_hz(1e-3), -0.5, rtol=1e-3)
    assert moved.step_m == pytest.approx(5e-5)


@pytest.mark.parametrize("times_s", [[np.nan, 1], [1, 1], [2, 1]])
def test_without_times_there_are_no_rates(times_s):
    moved = motion(np.zeros((*SCAN.shape, 1)), times_s=times_s)
    with pytest.raises(ArgumentError, match="times"):
        _ = moved.velocity_m_s
    with pytest.raises(ArgumentError, match="times"):
        moved.strain_rate_hz(1e-3)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match="n_pairs"):
        motion(np.zeros((2, 5, 1)))
    with pytest.raises(ArgumentError, match="times_s"):
        motion(np.zeros((*SCAN.shape, 1)), times_s=[0.0, 1, 2])
