"""What a planned stage allocates for each frame: its result, and the call itself.

Kernels take scratch for the points that they hold at a time; numba's memory is traced, too.
"""

from __future__ import annotations

import gc
import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.bmode import BMode
from usdk.demodulation import Demodulator, demodulate
from usdk.doppler import FlowMap, SlowTime
from usdk.doppler.colours import ColourComposer
from usdk.image import Band, ImageChain, LookCompounding, Persistence, TimeGain
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import plane_waves
from usdk.tiles import N_THREADS_VARIABLE

# Arguments, closures, tiles and futures of a call; no array of a frame is as small.
A_CALL_BYTES = 64 * 1024
# Delays, weights and sums of one run of points: of each thread, whatever the frame's size.
SCRATCH_BYTES = 640 * 1024
N_THREADS = 2

PROBE = Probe.linear(
    "L", n_elements=64, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
FAN = SectorScan(angles_rad=np.linspace(-0.5, 0.5, 96), ranges_m=np.linspace(2e-3, 20e-3, 400))


def lines(n_depths: int) -> LinearScan:
    """Lines on the elements."""
    x_m = PROBE.element_positions_m[:, 0]
    return LinearScan(x_m=x_m, z_m=np.linspace(2e-3, 20e-3, n_depths))


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(N_THREADS_VARIABLE, str(N_THREADS))


def rf(dtype: Any = np.int16, n_samples: int = 800) -> Acquisition:
    """Noise: 3 plane waves."""
    rng = np.random.default_rng(0)
    receive = ReceiveSettings(
        sampling_frequency_hz=25e6, n_samples=n_samples, time_zero_s=(0.0,) * 3
    )
    data = rng.integers(-999, 999, (1, 3, 64, n_samples)).astype(dtype)
    return Acquisition(data=data, probe=PROBE, sequence=plane_waves([-6, 0, 6]), receive=receive)


def allocated_bytes(work: Callable[[], Any]) -> int:
    """Return the peak above what there was before, of the third call."""
    work(), work()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del result
    return peak - before


def a_frames_bytes(kernel: str, scan: Any, is_iq: bool, n_samples: int) -> int:
    acquisition = rf(np.float32, n_samples)
    if is_iq:
        acquisition = demodulate(acquisition)
    plan = Beamformer.for_acquisition(acquisition, scan, kernel=kernel)
    out, data = np.empty(plan.shape, plan.dtype), acquisition.data[0]
    return allocated_bytes(lambda: plan(data, out=out))


@pytest.mark.parametrize("is_iq", [False, True], ids=["RF", "IQ"])
@pytest.mark.parametrize("kernel", ["shift", "general"])
def test_a_beamformer_allocates_no_more_for_a_larger_frame(kernel: str, is_iq: bool) -> None:
    # 16 tiles against 4, and four times the channel data; the result alone would be 1.6 MB more.
    small = a_frames_bytes(kernel, lines(400), is_iq, 800)
    large = a_frames_bytes(kernel, lines(1600), is_iq, 3200)
    # Threads may work at the same time or not, so that the peak is that of one of them or of all.
    assert small < N_THREADS * SCRATCH_BYTES + A_CALL_BYTES
    assert large < N_THREADS * SCRATCH_BYTES + A_CALL_BYTES


def test_a_demodulator_allocates_nothing() -> None:
    data = rf()
    plan = Demodulator(data)
    out = plan.frame(data.data[0])
    assert allocated_bytes(lambda: plan.frame(data.data[0], out=out)) < A_CALL_BYTES


@pytest.mark.parametrize(
    "options",
    [
        {"scan": lines(2000)},
        {"scan": FAN},
        {
            "scan": FAN,
            "raster": FAN.raster(n_rows=100),
            "grey_map": "s-curve",
            "persistence": 0.5,
            "time_gain": TimeGain(depths_m=(0.0, 0.02), gains_db=(0, 20)),
        },
        {
            "scan": lines(2000),
            "bands": [Band(low_hz=4e6, high_hz=5e6), Band(low_hz=5e6, high_hz=6e6)],
            "compounding": "none",
            "looks": LookCompounding.RMS,
        },
    ],
    ids=["default", "fan", "all", "looks"],
)
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.complex64])
def test_bmode_allocates_the_pixels_and_its_kernels_scratch(
    options: dict[str, Any], dtype: Any
) -> None:
    data = demodulate(rf()) if dtype is np.complex64 else rf(dtype)
    if dtype is np.complex64:
        options = {name: value for name, value in options.items() if name != "bands"}
    plan = BMode(data, **options)
    n_pixels = plan.raster.n_rows * plan.raster.n_columns
    allocated = allocated_bytes(lambda: plan(data))
    # Beamforming is over before the pixels are made.
    assert allocated < max(n_pixels, N_THREADS * SCRATCH_BYTES) + A_CALL_BYTES
    assert allocated >= n_pixels


@pytest.mark.parametrize("n_rows", [100, 700])
def test_of_the_image_chain_only_the_pixels_are_new(n_rows: int) -> None:
    chain = ImageChain(
        FAN,
        FAN.raster(n_rows=n_rows),
        grey_map="square-root",
        persistence=Persistence(coefficient=0.5),
        time_gain=TimeGain(depths_m=(0.0, 0.02), gains_db=(0, 20)),
        n_looks=2,
    )
    look = np.ones(FAN.shape, np.complex64)

    def work() -> Any:
        chain.add(look, index=0)
        chain.add(look, index=1)
        return chain.finish()

    n_pixels = math.prod(chain.converter.shape)
    assert n_pixels <= allocated_bytes(work) < n_pixels + A_CALL_BYTES


@pytest.mark.parametrize("colours", ["red-blue", "variance", "power"])
@pytest.mark.parametrize("n_rows", [100, 400])
def test_of_the_colour_composer_only_the_picture_and_its_values_are_new(
    colours: str, n_rows: int
) -> None:
    values = np.random.default_rng(0).uniform(0.01, 0.2, FAN.shape).astype(np.float32)
    flow_map = FlowMap(
        velocity_m_s=values,
        power=values,
        spread_m_s=values,
        lag_one=values.astype(np.complex64),
        scan=FAN,
        slow_time=SlowTime(prf_hz=4e3, frequency_hz=5e6),
    )
    raster = FAN.raster(n_rows=n_rows)
    plan = ColourComposer(raster, FAN, colours=colours)
    grey = np.zeros((raster.n_rows, raster.n_columns), np.uint8)
    # Three bytes of colour, and velocity and power in float32.
    frame_bytes = grey.size * (3 + 4 + 4)
    allocated = allocated_bytes(lambda: plan(grey, flow_map))
    assert frame_bytes <= allocated < frame_bytes + A_CALL_BYTES
