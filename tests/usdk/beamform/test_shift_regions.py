"""The shift kernel on rectangular sub-regions, wherever their columns begin."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer, Kernel
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.transmit import PlaneWave, TransmitSequence

PITCH_M = 0.3e-3
PROBE = Probe.linear(
    "L", n_elements=24, pitch_m=PITCH_M, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
SEQUENCE = TransmitSequence(transmits=tuple(PlaneWave(azimuth_rad=a) for a in (-0.2, 0.0, 0.13)))
N_SAMPLES = 500
RF = np.random.default_rng(0).standard_normal((3, 24, N_SAMPLES)).astype(np.float32)
IQ = (RF + 1j * RF[:, ::-1]).astype(np.complex64)


def receive(demodulation_hz: float) -> ReceiveSettings:
    return ReceiveSettings(
        sampling_frequency_hz=20e6,
        n_samples=N_SAMPLES,
        time_zero_s=(0.2e-6, 0.0, -0.1e-6),
        demodulation_frequency_hz=demodulation_hz,
    )


@given(
    per_pitch=st.integers(1, 5),
    # In pitches from the middle of the array: on elements, between them and beyond either end.
    first=st.floats(-20, 20),
    n_columns=st.integers(2, 40),
    start_um=st.integers(-1000, 18000),
    depth_um=st.integers(50, 8000),
    n_depths=st.integers(2, 30),
    f_number=st.sampled_from([0.0, 0.9, 2.5]),
    is_iq=st.booleans(),
    window=st.sampled_from(["boxcar", "hann"]),
)
def test_any_region_on_any_aligned_grid_equals_the_general_kernel(
    per_pitch: int,
    first: float,
    n_columns: int,
    start_um: int,
    depth_um: int,
    n_depths: int,
    f_number: float,
    is_iq: bool,
    window: str,
) -> None:
    scan = LinearScan(
        x_m=(first + np.arange(n_columns) / per_pitch) * PITCH_M,
        z_m=np.linspace(start_um, start_um + depth_um, n_depths) * 1e-6,
    )
    data = IQ if is_iq else RF
    made = [
        Beamformer(
            PROBE, SEQUENCE, receive(5e6 * is_iq), scan, kernel=kernel, f_number=f_number,
            window=window, normalize=False,
        )(data)
        for kernel in (Kernel.SHIFT, Kernel.GENERAL)
    ]  # fmt: skip
    # Elements on the very rim of an aperture count for one kernel and not for the other, which
    # holds coordinates as float32.
    unlike = np.abs(made[0] - made[1]) > 2e-3
    if f_number and window == "boxcar" and unlike.any():
        lateral_m = np.abs(scan.x_m[:, None] - PROBE.element_positions_m[:, 0])
        rim = np.abs(2 * f_number * lateral_m[:, None] - np.abs(scan.z_m)[:, None])
        unlike &= (rim > 1e-8).all(axis=-1)
    assert not unlike.any()


def test_a_region_of_a_scan_is_cut_out_of_it() -> None:
    x_m = (np.arange(48) - 23.7) * PITCH_M / 2
    z_m = np.linspace(2e-3, 14e-3, 65)
    whole = Beamformer(PROBE, SEQUENCE, receive(0.0), LinearScan(x_m=x_m, z_m=z_m))
    region = Beamformer(PROBE, SEQUENCE, receive(0.0), LinearScan(x_m=x_m[11:35], z_m=z_m[20:41]))
    assert whole.kernel == region.kernel == Kernel.SHIFT
    expected = whole(RF)[11:35, 20:41]
    np.testing.assert_allclose(region(RF), expected, atol=2e-5 * float(np.abs(expected).max()))


def test_a_small_region_needs_a_small_part_of_the_record() -> None:
    x_m = (np.arange(24) - 11.5) * PITCH_M
    whole, region = (
        Beamformer(PROBE, SEQUENCE, receive(0.0), LinearScan(x_m=x_m, z_m=z_m), f_number=1.5)
        for z_m in (np.linspace(1e-3, 17e-3, 300), np.linspace(8e-3, 9e-3, 20))
    )
    assert whole.kernel == region.kernel == Kernel.SHIFT
    assert region.n_bytes < 0.35 * whole.n_bytes
    assert math.prod(region.geometry.scan.shape) == 480
