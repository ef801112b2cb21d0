from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer, CoherenceFactor
from usdk.beamform import plan_aligned as plans
from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.aligned_reader import AlignedReader
from usdk.beamform.plan_aligned import AlignedPlan
from usdk.beamform.point_tables import PointTables
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, SectorScan, VolumeScan
from usdk.sequences import diverging_waves, focused_lines, plane_waves, single_elements
from usdk.transmit import TransmitSequence

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 700
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, **BAND)
PHASED = Probe.linear("P", n_elements=24, pitch_m=0.15e-3, kind=ArrayKind.PHASED, **BAND)
CONVEX = Probe.curved("C", n_elements=24, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
MATRIX = Probe.matrix("M", n_elements_x=6, n_elements_y=4, pitch_m=0.3e-3, **BAND)
LINES = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 9), z_m=np.linspace(5e-3, 20e-3, 31))
FAN = SectorScan(
    angles_rad=np.linspace(-0.6, 0.6, 9),
    ranges_m=np.linspace(17e-3, 35e-3, 31),
    apex_m=(0.0, -15e-3),
)
CUBE = VolumeScan(
    x_m=np.linspace(-2e-3, 2e-3, 5), y_m=np.linspace(-1e-3, 1e-3, 3), z_m=np.linspace(5e-3, 9e-3, 7)
)
PLANES = plane_waves([-8, 0, 8])
CASES: dict[str, tuple[Probe, TransmitSequence, Any, dict[str, Any]]] = {
    "planes": (LINEAR, PLANES, LINES, {"window": "hann"}),
    "elements": (CONVEX, single_elements([3, 12]), FAN, {"f_number": 0.7, "directivity": True}),
    "diverging": (PHASED, diverging_waves(PHASED, tilts_deg=[-10, 10]), LINES, {}),
    "lines": (
        CONVEX,
        focused_lines(CONVEX, focus_depth_m=20e-3, n_lines=6),
        FAN,
        {"weighting": "lines", "window": "blackman"},
    ),
    "beams": (
        LINEAR,
        focused_lines(LINEAR, focus_depth_m=12e-3, n_lines=6),
        LINES,
        {"weighting": "retrospective", "interpolation": "cubic"},
    ),
    "volume": (MATRIX, diverging_waves(MATRIX, tilts_deg=[0]), CUBE, {"normalize": False}),
}


def planned(
    name: str, *, iq: bool = True, scan: Any = None, **options: Any
) -> tuple[Beamformer, NDArray[Any]]:
    probe, sequence, own_scan, settings = CASES[name]
    n = len(sequence)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=N_SAMPLES,
        time_zero_s=tuple(np.linspace(-1e-6, 1e-6, n).tolist()),
        demodulation_frequency_hz=FC if iq else 0.0,
        sound_speed_m_s=C,
    )
    rng = np.random.default_rng(3)
    data = rng.standard_normal((n, 24, N_SAMPLES, 2)).astype(np.float32)
    plan = Beamformer(probe, sequence, receive, scan or own_scan, **(settings | options))
    return plan, data.view(np.complex64)[..., 0] if iq else data[..., 0].copy()


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("name", CASES)
def test_its_sum_is_that_of_the_general_kernel(name: str, iq: bool) -> None:
    general, data = planned(name, iq=iq, kernel="general")
    aligned, _ = planned(name, iq=iq, kernel="aligned")
    expected, ours = general(data), aligned(data)
    assert np.abs(expected).max() > 0
    assert np.abs(ours - expected).max() <= 3e-6 * np.abs(expected).max()
    assert aligned.explain().startswith("aligned")


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("across", ["elements", "transmits", "both"])
def test_threads_and_pieces_change_no_bit(
    name: str, across: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"combination": CoherenceFactor(across)}
    plan, data = planned(name, **options)
    expected = plan(data, threads=1)
    assert np.abs(expected).max() > 0
    assert np.array_equal(plan(data, threads=5), expected)
    for n_bytes in (1, 50_000):
        monkeypatch.setattr(plans, "SCRATCH_BYTES", n_bytes)
        pieces, _ = planned(name, **options)
        assert np.array_equal(pieces(data, threads=2), expected)


@pytest.mark.parametrize("name", CASES)
def test_aligned_data_of_any_run_of_points_sum_to_the_image(name: str) -> None:
    plan, data = planned(name, kernel="general")
    image = plan(data).reshape(-1)
    n_transmits = len(plan.geometry.sequence)
    for points in (slice(None), slice(7, 20), slice(-5, None), slice(5, 5)):
        aligned = plan.aligned(data, points=points)
        assert isinstance(aligned, AlignedData)
        n_points = image[points].size
        assert aligned.samples.shape == (n_points, n_transmits, 24)
        weights = (aligned.apodization, aligned.transmit_weights)
        total = np.einsum("pte,pe,pt->p", aligned.samples, *weights) / aligned.divisor()
        assert np.abs(total - image[points]).max(initial=0) <= 3e-6 * np.abs(image).max()


def test_aligned_data_of_the_next_frame_do_not_change_those_of_the_last() -> None:
    plan, data = planned("planes")
    first = plan.aligned(data, points=slice(0, 9))
    kept = first.samples.copy()
    second = plan.aligned(2 * data, points=slice(0, 9))
    assert np.array_equal(first.samples, kept)
    assert np.allclose(second.samples, 2 * kept)
    assert plan.aligned(data, points=slice(9, 12)).samples.shape[0] == 3


def test_too_many_points_are_refused_before_anything_is_made() -> None:
    scan = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 3000), z_m=np.linspace(5e-3, 20e-3, 3000))
    plan, data = planned("planes", scan=LINES)
    reader = AlignedReader(replace(plan.geometry, scan=scan), plan.method)
    with pytest.raises(ArgumentError, match=r"at most 3728270 points at a time, as points=slice"):
        reader(data, slice(None), None)


def test_what_aligned_cannot_take_is_refused() -> None:
    plan, data = planned("planes")
    with pytest.raises(ArgumentError, match="without a step"):
        plan.aligned(data, points=slice(0, 10, 2))
    with pytest.raises(ArgumentError, match="one frame at a time"):
        plan.aligned(data[:1])


def test_a_point_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MAX_SCRATCH_BYTES", 8 * 3 * 24 - 1)
    with pytest.raises(ArgumentError, match="take fewer transmits"):
        planned("planes", combination="coherence factor")


def test_scratch_is_bounded_and_counted() -> None:
    large = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 300), z_m=np.linspace(5e-3, 20e-3, 300))
    plan, _ = planned("planes", scan=large, combination="coherence factor")
    scratch = plan.n_bytes - PointTables(plan.geometry, plan.method).n_bytes
    assert 0.5 * plans.SCRATCH_BYTES < scratch < 1.5 * plans.SCRATCH_BYTES


def test_a_frame_allocates_next_to_nothing() -> None:
    large = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 200), z_m=np.linspace(5e-3, 20e-3, 200))
    plan, data = planned("planes", scan=large, combination="coherence factor")
    out = np.empty(plan.shape, plan.dtype)
    plan(data, out=out, threads=1)
    tracemalloc.start()
    plan(data, out=out, threads=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The aligned samples take 23 MB; what Python and the kernel need for a call is left.
    assert peak < 60_000


def test_the_combination_is_told() -> None:
    plan, _ = planned("planes", combination=CoherenceFactor("both"))
    assert plan.kernel == "aligned"
    assert "which the combination needs" in plan.explain()
    assert plan.explain().endswith("combination: coherence factor across transmits and elements")
    assert "combination" not in planned("planes")[0].explain()


@pytest.mark.parametrize("kernel", ["general", "shift"])
def test_a_kernel_that_sums_is_not_taken_for_another_combination(kernel: str) -> None:
    with pytest.raises(ArgumentError, match="use kernel='aligned' or None"):
        planned("planes", combination="coherence factor", kernel=kernel)


def test_groups_of_transmits_are_combined_apart() -> None:
    options: dict[str, Any] = {"combination": "coherence factor"}
    together, data = planned("planes", compounding="none", **options)
    images = together(data)
    assert together.kernel == "aligned"
    for t, angle_deg in enumerate((-8, 0, 8)):
        geometry = together.geometry
        receive = ReceiveSettings(
            sampling_frequency_hz=FS,
            n_samples=N_SAMPLES,
            time_zero_s=geometry.receive.time_zero_s[t : t + 1],
            demodulation_frequency_hz=FC,
            sound_speed_m_s=C,
        )
        alone = Beamformer(
            LINEAR, plane_waves([angle_deg]), receive, LINES, window="hann", **options
        )
        assert np.array_equal(images[t], alone(data[t : t + 1]))


def test_the_plan_of_no_points_does_nothing() -> None:
    plan, data = planned("planes")
    empty = AlignedPlan(plan.geometry, plan.method, slice(4, 4))
    assert empty.n_tiles == 0
    assert empty.aligned(data, None).samples.shape == (0, 3, 24)
