"""Columns resampled from an aligned grid: how close, when, and never unasked."""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Alignment, Beamformer, Kernel
from usdk.beamform.kernel_choice import choose_plan
from usdk.beamform.plan_resampled import (
    MAX_ALIGNED_COLUMNS,
    N_TAPS,
    ResampledPlan,
    aligned_geometry,
)
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, Scan, SectorScan
from usdk.transmit import DivergingWave, PlaneWave, TransmitSequence
from usdk_kernels.point_echoes import add_point_echoes

FC, FS, C, PITCH_M = 5e6, 31.25e6, 1540.0, 0.3e-3
PROBE = Probe.linear(
    "L", n_elements=48, pitch_m=PITCH_M, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
SEQUENCE = TransmitSequence(transmits=tuple(PlaneWave(azimuth_rad=a) for a in (-0.2, 0.0, 0.15)))
RECEIVE = ReceiveSettings(
    sampling_frequency_hz=FS, n_samples=900, time_zero_s=(0.0,) * 3, sound_speed_m_s=C
)
# 0.91 of half the pitch: on no fraction of it.
SCAN = LinearScan(x_m=np.linspace(-6e-3, 6e-3, 89), z_m=np.linspace(4e-3, 18e-3, 200))


@cache
def rf() -> Any:
    """Echoes of speckle and three bright points."""
    rng = np.random.default_rng(5)
    places_m = rng.uniform((-8e-3, 0, 3e-3), (8e-3, 0, 19e-3), (600, 3))
    places_m[:3] = [(-3e-3, 0, 8e-3), (0, 0, 12e-3), (4e-3, 0, 15e-3)]
    amplitudes = rng.standard_normal(600).astype(np.float32)
    amplitudes[:3] = 12
    data = np.zeros((3, 48, 900), np.float32)
    delays_s = SEQUENCE.delays_s(PROBE, C)
    add_point_echoes(
        places_m.astype(np.float32), amplitudes, PROBE.element_positions_m.astype(np.float32),
        PROBE.element_normals.astype(np.float32), delays_s, np.ones(delays_s.shape, np.float32),
        np.zeros(3), FC, 0.6, FS, C, PROBE.element_width_m, 0.0, 0, 48, data,
    )  # fmt: skip
    return data


def error(image: Any, expected: Any) -> float:
    return float(np.linalg.norm(image - expected) / np.linalg.norm(expected))


def made(data: Any, receive: ReceiveSettings, scan: Scan = SCAN, **options: Any) -> Any:
    return Beamformer(PROBE, SEQUENCE, receive, scan, **options)(data)


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        # A boxcar aperture takes in whole elements: it jumps from column to column.
        ({"f_number": 1.0, "window": "boxcar"}, 0.06),
        ({"f_number": 1.0, "window": "hann"}, 0.02),
        ({"f_number": 2.0, "window": "tukey"}, 0.02),
        ({"f_number": 0.0, "normalize": False}, 0.04),
    ],
)
def test_resampled_columns_are_close_to_the_exact_sum(
    options: dict[str, Any], bound: float
) -> None:
    exact = made(rf(), RECEIVE, **options)
    resampled = made(rf(), RECEIVE, alignment="resample", **options)
    assert 0 < error(resampled, exact) < bound


def test_resampled_columns_are_as_close_to_band_limited_interpolation_as_exact_ones() -> None:
    # Sixteen samples for one: linear interpolation between them errs by nothing that counts here.
    from scipy.signal import resample

    fine = resample(rf(), 900 * 16, axis=2).astype(np.float32)
    receive = ReceiveSettings(
        sampling_frequency_hz=16 * FS, n_samples=900 * 16, time_zero_s=(0.0,) * 3, sound_speed_m_s=C
    )
    options: dict[str, Any] = {"f_number": 1.0, "window": "hann"}
    ideal = made(fine, receive, **options)
    errors = [
        error(made(rf(), RECEIVE, alignment=alignment, **options), ideal) for alignment in Alignment
    ]
    assert errors[1] < 1.01 * errors[0]


def test_iq_is_resampled_too() -> None:
    iq = demodulate(Acquisition(data=rf()[None], probe=PROBE, sequence=SEQUENCE, receive=RECEIVE))
    exact, resampled = (
        Beamformer.for_acquisition(iq, SCAN, alignment=alignment, window="hann")(iq.data[0])
        for alignment in Alignment
    )
    assert resampled.dtype == np.complex64
    assert 0 < error(resampled, exact) < 0.02


def test_it_is_done_only_where_asked_for_by_name_and_said() -> None:
    unasked = Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN)
    assert unasked.kernel != Kernel.SHIFT
    assert "resampled" not in unasked.explain()
    asked = Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN, alignment="resample")
    assert asked.kernel == Kernel.SHIFT
    assert "columns resampled from 128 aligned ones" in asked.explain()
    general = Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN, alignment="resample", kernel="general")
    assert "resampled" not in general.explain()
    assert error(general(rf()), unasked(rf())) < 1e-4
    with pytest.raises(ArgumentError, match="exact, resample"):
        Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN, alignment="aligned")


def test_a_scan_that_is_aligned_is_left_as_it_is() -> None:
    aligned = LinearScan(x_m=PROBE.element_positions_m[4:44, 0], z_m=SCAN.z_m)
    beamformer = Beamformer(PROBE, SEQUENCE, RECEIVE, aligned, alignment="resample")
    assert "resampled" not in beamformer.explain()
    np.testing.assert_array_equal(beamformer(rf()), made(rf(), RECEIVE, aligned, kernel="shift"))


FEW = LinearScan(x_m=[-6e-3, 5.95e-3], z_m=SCAN.z_m)  # type: ignore[arg-type]
SECTOR = SectorScan(angles_rad=np.linspace(-0.3, 0.3, 64), ranges_m=SCAN.z_m)
DIVERGING = TransmitSequence(transmits=(DivergingWave(source_m=(0.0, 0.0, -5e-3)),) * 3)
PHASED = Probe.linear(
    "P",
    kind=ArrayKind.PHASED,
    n_elements=48,
    pitch_m=PITCH_M,
    centre_frequency_hz=FC,
    fractional_bandwidth=0.6,
)
MATRIX = Probe.matrix(
    "M",
    n_elements_x=8,
    n_elements_y=6,
    pitch_m=PITCH_M,
    centre_frequency_hz=FC,
    fractional_bandwidth=0.6,
)


@pytest.mark.parametrize(
    ("probe", "sequence", "scan", "options", "why"),
    [
        (PROBE, SEQUENCE, SECTOR, {}, "not parallel"),
        (PHASED, DIVERGING, SCAN, {}, "not plane waves"),
        (PROBE, SEQUENCE, FEW, {}, "would take longer"),
        (PROBE, SEQUENCE, SCAN, {"interpolation": "cubic"}, "cubic"),
        (MATRIX, SEQUENCE, SCAN, {}, "not stand on the x axis"),
        (PROBE, SEQUENCE, SCAN, {"combination": "coherence factor"}, "only sums are"),
    ],
)
def test_where_it_cannot_be_done_the_exact_sum_is_made_and_the_reason_said(
    probe: Probe, sequence: TransmitSequence, scan: Scan, options: dict[str, Any], why: str
) -> None:
    beamformer = Beamformer(probe, sequence, RECEIVE, scan, alignment="resample", **options)
    assert beamformer.kernel != Kernel.SHIFT
    said = beamformer.explain()
    assert why in said[said.index("not resampled") :]
    exact = Beamformer(probe, sequence, RECEIVE, scan, **options)(rf())
    np.testing.assert_array_equal(beamformer(rf()), exact)


@given(
    first=st.floats(-8e-3, 4e-3),
    width=st.floats(0.5e-3, 16e-3),
    n_columns=st.integers(8, 300),
    f_number=st.floats(0, 4),
    centre_hz=st.floats(1e6, 12e6),
)
def test_the_aligned_grid_is_fine_enough_and_covers_the_scan(
    first: float, width: float, n_columns: int, f_number: float, centre_hz: float
) -> None:
    probe = Probe.linear(
        "L", n_elements=32, pitch_m=PITCH_M, centre_frequency_hz=centre_hz, fractional_bandwidth=0.6
    )
    scan = LinearScan(x_m=np.linspace(first, first + width, n_columns), z_m=[0.01, 0.02])  # type: ignore[arg-type]
    beamformer = Beamformer(probe, SEQUENCE, RECEIVE, scan, f_number=f_number)
    aligned, reason = aligned_geometry(beamformer.geometry, beamformer.method)
    if aligned is None:
        assert reason
        return
    assert isinstance(aligned.scan, LinearScan)
    x_m = aligned.scan.x_m
    step_m = x_m[1] - x_m[0]
    assert PITCH_M / step_m == pytest.approx(round(PITCH_M / step_m), rel=1e-6)
    assert step_m <= width / (n_columns - 1) * (1 + 1e-5)
    sines = 1 / math.hypot(1, 2 * f_number) + math.sin(0.2)
    assert step_m <= 0.8 * C / (2 * 1.3 * centre_hz * sines) * (1 + 1e-5)
    assert x_m[N_TAPS // 2 - 1] == pytest.approx(first, abs=1e-9)
    assert x_m[-1] >= first + width + (N_TAPS // 2 - 1) * step_m * (1 - 1e-5)
    assert x_m.size <= MAX_ALIGNED_COLUMNS * n_columns + N_TAPS


def test_threads_change_no_bit_of_it() -> None:
    beamformer = Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN, alignment="resample")
    one = beamformer(rf(), threads=1)
    np.testing.assert_array_equal(beamformer(rf(), threads=3), one)


def test_resampling_itself_allocates_nothing_for_a_frame() -> None:
    data, out = rf(), np.empty(SCAN.shape, np.float32)
    planned = Beamformer(PROBE, SEQUENCE, RECEIVE, SCAN, alignment="resample")
    aligned, _ = aligned_geometry(planned.geometry, planned.method)
    assert aligned is not None
    _, inner, _ = choose_plan(aligned, planned.method, None)
    image = np.empty(aligned.scan.shape, np.float32)
    plan = ResampledPlan(inner, aligned, SCAN)
    more = traced(lambda: plan(data, out, 1)) - traced(lambda: inner(data, image, 1))
    assert more < 4096


def traced(call: Callable[[], None]) -> int:
    """Bytes that a call holds at most, when it is made for the third time."""
    call()
    tracemalloc.start()
    try:
        call()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
