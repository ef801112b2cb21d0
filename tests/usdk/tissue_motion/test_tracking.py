"""From channel data of compressed scatterers to strain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves
from usdk.tissue_motion import TissueTracking
from usdk_kernels.point_echoes import add_point_echoes

STRAIN = -0.004
N_ELEMENTS, N_SAMPLES = 32, 700
PROBE = Probe.linear(
    "test",
    n_elements=N_ELEMENTS,
    pitch_m=3e-4,
    centre_frequency_hz=5e6,
    fractional_bandwidth=0.6,
)
SCAN = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 9), z_m=np.linspace(8e-3, 20e-3, 360))


@pytest.fixture(scope="module")
def acquisition():
    """Three frames of tissue that is pressed together along z, by STRAIN each."""
    rng = np.random.default_rng(7)
    n = 2500
    places_m = np.zeros((n, 3))
    places_m[:, 0] = rng.uniform(-6e-3, 6e-3, n)
    places_m[:, 2] = rng.uniform(6e-3, 22.5e-3, n)
    amplitudes = rng.standard_normal(n).astype(np.float32)
    data = np.zeros((3, 1, N_ELEMENTS, N_SAMPLES), np.float32)
    for frame in range(3):
        moved_m = places_m.copy()
        moved_m[:, 2] *= (1 + STRAIN) ** frame
        add_point_echoes(
            moved_m.astype(np.float32),
            amplitudes,
            PROBE.element_positions_m.astype(np.float32),
            PROBE.element_normals.astype(np.float32),
            np.zeros((1, N_ELEMENTS)),
            np.ones((1, N_ELEMENTS), np.float32),
            np.zeros(1),
            5e6,
            0.6,
            20e6,
            1540.0,
            3e-4,
            0.0,
            0,
            N_ELEMENTS,
            data[frame],
        )
    return Acquisition(
        data=data,
        probe=PROBE,
        sequence=plane_waves(),
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6, n_samples=N_SAMPLES, time_zero_s=(0.0,)
        ),
        device_timestamps_s=np.array([0.0, 0.01, 0.02]),
    )


def test_a_uniform_compression_is_measured(acquisition):
    tracking = TissueTracking(
        acquisition, scan=SCAN, window_m=2e-3, n_lines=5, search_m=1.5e-4, f_number=2.0
    )
    motion = tracking(acquisition)
    expected = np.multiply.outer(SCAN.z_m, (1 + STRAIN) ** np.arange(1, 3) - 1)
    inner = slice(40, -40)
    cumulated = motion.cumulated_m()[2:-2, inner]
    ratio = cumulated / expected[np.newaxis, inner]
    # Echoes that come back aslant at F-number 2 take 0.3 % off the phase.
    np.testing.assert_allclose(np.median(ratio, axis=(0, 1)), 1, atol=0.02)
    assert motion.quality[2:-2, inner].mean() > 0.9
    strain = motion.strain(6e-3)[2:-2, 160:200, -1]
    assert strain.mean() == pytest.approx((1 + STRAIN) ** 2 - 1, rel=0.1)
    rate = motion.strain_rate_hz(6e-3)[2:-2, 160:200]
    assert rate.mean() == pytest.approx(STRAIN / 0.01, rel=0.1)


def test_the_stream_goes_on_from_one_acquisition_to_the_next(acquisition):
    whole = TissueTracking(acquisition, scan=SCAN, search_m=1.5e-4)(acquisition)
    tracking = TissueTracking(acquisition, scan=SCAN, search_m=1.5e-4)
    assert tracking(acquisition[:1]) is None
    second, third = tracking(acquisition[1:2]), tracking(acquisition[2:3])
    np.testing.assert_array_equal(second.displacement_m[..., 0], whole.displacement_m[..., 0])
    np.testing.assert_array_equal(third.displacement_m[..., 0], whole.displacement_m[..., 1])
    np.testing.assert_allclose(third.times_s, [0.01, 0.02])
    tracking.reset()
    assert tracking(acquisition[:1]) is None


def test_a_gap_is_told(acquisition):
    lossy = replace(
        acquisition,
        sequence_numbers=np.array([0, 1, 4]),
        gaps=(Gap(first_sequence_number=2, n_frames=2),),
    )
    motion = TissueTracking(lossy, scan=SCAN)(lossy)
    np.testing.assert_array_equal(motion.is_after_gap, [False, True])


def test_data_of_another_kind_are_refused(acquisition):
    tracking = TissueTracking(acquisition, scan=SCAN)
    other = replace(acquisition, sequence=plane_waves((1.0,)))
    with pytest.raises(ArgumentError, match="planned for another"):
        tracking(other)
    with pytest.raises(ArgumentError, match="coherent"):
        TissueTracking(acquisition, scan=SCAN, compounding="none")


def test_memory_grows_by_one_frame_alone(acquisition):
    plan = TissueTracking(acquisition, scan=SCAN, window_m=2e-3)
    empty_bytes = plan.n_bytes
    plan(acquisition)
    assert plan.n_bytes - empty_bytes == SCAN.shape[0] * SCAN.shape[1] * 8
    plan.reset()
    assert plan.n_bytes == empty_bytes
