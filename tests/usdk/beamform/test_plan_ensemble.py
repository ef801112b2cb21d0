"""Ensembles: every frame as the general plan beamforms it, whatever the layout and the threads."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import plan_ensemble
from usdk.beamform.coherence_factor import CoherenceFactor
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Compounding, Interpolation, Method, TransmitWeighting, Window
from usdk.beamform.plan_ensemble import EnsemblePlan, why_not_exact
from usdk.beamform.plan_general import GeneralPlan
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan, LineScan, Scan, SectorScan, VolumeScan
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, Transmit, TransmitSequence

NS = 300
_BAND: dict[str, Any] = {"centre_frequency_hz": 4e6, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, **_BAND)
CURVED = Probe.curved("C", n_elements=24, pitch_m=0.4e-3, radius_m=30e-3, **_BAND)
MATRIX = Probe.matrix("M", n_elements_x=5, n_elements_y=4, pitch_m=0.3e-3, **_BAND)
DEPTHS = np.linspace(2e-3, 11e-3, 37)
ACROSS = np.linspace(-3e-3, 3.1e-3, 21)
PLANES: tuple[Transmit, ...] = (PlaneWave(azimuth_rad=0.1), PlaneWave(azimuth_rad=-0.07))
BEAMS: tuple[Transmit, ...] = tuple(
    FocusedWave(origin_m=(x, 0.0, 0.0), focus_m=(x, 0.0, 8e-3)) for x in (-2e-3, 0.0, 2e-3)
)
GEOMETRIES: dict[str, tuple[Probe, tuple[Transmit, ...], Scan]] = {
    "linear": (LINEAR, PLANES, LinearScan(x_m=ACROSS, z_m=DEPTHS)),
    "curved": (
        CURVED,
        (DivergingWave(source_m=(0.0, 0.0, -9e-3)),),
        SectorScan(
            angles_rad=np.linspace(-0.15, 0.15, 19), ranges_m=DEPTHS + 30e-3, apex_m=(0.0, -30e-3)
        ),
    ),
    "matrix": (
        MATRIX,
        (PlaneWave(azimuth_rad=0.0),),
        VolumeScan(x_m=ACROSS[::4], y_m=ACROSS[::3] / 2, z_m=DEPTHS[::2]),
    ),
}


def geometry(name: str = "linear", *, is_iq: bool = True, **changes: Any) -> Geometry:
    probe, waves, scan = GEOMETRIES[name]
    made = {"probe": probe, "sequence": TransmitSequence(transmits=waves), "scan": scan}
    made |= changes
    receive = ReceiveSettings(
        sampling_frequency_hz=16e6,
        n_samples=NS,
        time_zero_s=(2e-7,) * len(made["sequence"]),
        demodulation_frequency_hz=4e6 if is_iq else 0.0,
    )
    return Geometry(receive=receive, **made)


def ensemble(of: Geometry, n_frames: int, seed: int = 0) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    shape = (n_frames, len(of.sequence), of.probe.n_elements, of.receive.n_samples)
    real = rng.standard_normal(shape)
    if not of.receive.demodulation_frequency_hz:
        return real.astype(np.float32)
    return (real + 1j * rng.standard_normal(shape)).astype(np.complex64)


def frame_by_frame(of: Geometry, method: Method, data: NDArray[Any]) -> NDArray[Any]:
    plan = GeneralPlan(of, method)
    out = np.empty((len(data), *of.scan.shape), data.dtype)
    for frame, image in zip(data, out, strict=True):
        plan(frame, image, 1)
    return np.moveaxis(out, 0, -1)


def close(actual: NDArray[Any], expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(actual, expected, rtol=0, atol=4e-6 * np.abs(expected).max())


@pytest.mark.parametrize("n_frames", [1, 8, 12, 16, 32, 100])
@pytest.mark.parametrize("is_iq", [True, False], ids=["iq", "rf"])
def test_every_frame_equals_the_general_plan_in_both_layouts(n_frames: int, is_iq: bool) -> None:
    of, method = geometry(is_iq=is_iq), Method(f_number=1.0)
    data = ensemble(of, n_frames)
    expected = frame_by_frame(of, method, data)
    assert np.abs(expected).max() > 0.1
    plan = EnsemblePlan(of, method, n_frames)
    out = np.full((*of.scan.shape, n_frames), np.nan, data.dtype)
    plan(data, out, 2)
    close(out, expected)
    again = np.full(out.shape, np.nan, data.dtype)
    plan.from_frames_fastest(np.ascontiguousarray(np.moveaxis(data, 0, -1)), again, 2)
    np.testing.assert_array_equal(again, out)


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("interpolation", ["nearest", "linear", "cubic"])
def test_any_geometry_and_interpolation(name: str, interpolation: str) -> None:
    of = geometry(name)
    method = Method(
        f_number=0.8,
        window=Window.HAMMING,
        interpolation=Interpolation(interpolation),
        directivity=True,
    )
    data = ensemble(of, 9)
    out = np.empty((*of.scan.shape, 9), np.complex64)
    EnsemblePlan(of, method, 9)(data, out, None)
    close(out, frame_by_frame(of, method, data))


@given(
    name=st.sampled_from(sorted(GEOMETRIES)),
    n_frames=st.integers(1, 40),
    f_number=st.floats(0, 3),
    window=st.sampled_from(list(Window)),
    normalize=st.booleans(),
    is_iq=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_method(
    name: str,
    n_frames: int,
    f_number: float,
    window: Window,
    normalize: bool,
    is_iq: bool,
    seed: int,
) -> None:
    of = geometry(name, is_iq=is_iq)
    method = Method(f_number=f_number, window=window, normalize=normalize)
    data = ensemble(of, n_frames, seed)
    out = np.empty((*of.scan.shape, n_frames), data.dtype)
    EnsemblePlan(of, method, n_frames)(data, out, None)
    close(out, frame_by_frame(of, method, data))


def test_focused_beams_share_a_point_as_in_the_general_plan() -> None:
    of = geometry(sequence=TransmitSequence(transmits=BEAMS))
    method = Method(f_number=1.0, weighting=TransmitWeighting.LINES)
    data = ensemble(of, 8)
    out = np.empty((*of.scan.shape, 8), np.complex64)
    EnsemblePlan(of, method, 8)(data, out, None)
    close(out, frame_by_frame(of, method, data))


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    of, method = geometry(), Method(f_number=1.0)
    data = ensemble(of, 10)
    whole = np.empty((*of.scan.shape, 10), np.complex64)
    EnsemblePlan(of, method, 10)(data, whole, 1)
    monkeypatch.setattr(plan_ensemble, "POINTS_PER_PIECE", 50)
    plan = EnsemblePlan(of, method, 10)
    assert plan.n_tiles == 16
    for threads in (1, 2, 5):
        out = np.full(whole.shape, np.nan, np.complex64)
        plan(data, out, threads)
        np.testing.assert_array_equal(out, whole)


def test_a_line_is_a_scan_too() -> None:
    scan = LineScan(start_m=(0.0, 0.0, 2e-3), end_m=(1e-3, 0.0, 9e-3), n_samples=41)
    of, method = geometry(scan=scan), Method(f_number=1.0)
    data = ensemble(of, 4)
    out = np.empty((41, 4), np.complex64)
    EnsemblePlan(of, method, 4)(data, out, None)
    close(out, frame_by_frame(of, method, data))


@pytest.mark.parametrize("shape", [(1,), (100,), (1, 1), (21, 37), (33, 16), (5, 6, 7)])
def test_every_point_is_visited_once(shape: tuple[int, ...]) -> None:
    order = plan_ensemble._order(shape)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(np.prod(shape)))


@pytest.mark.parametrize(
    ("n_frames", "offset", "is_copied"), [(16, 0, False), (16, 2, True), (15, 0, True)]
)
def test_whole_rows_in_whole_cache_lines_are_read_in_place(
    n_frames: int, offset: int, is_copied: bool
) -> None:
    """Otherwise the copy that the plan holds is written."""
    of, method = geometry(), Method(f_number=1.0)
    frames = ensemble(of, n_frames)
    store = plan_ensemble._zeros((2 * frames.size + offset,))
    rows = store[offset:].view(np.complex64).reshape(*frames.shape[1:], n_frames)
    rows[:] = np.moveaxis(frames, 0, -1)
    plan = EnsemblePlan(of, method, n_frames)
    out = np.empty((*of.scan.shape, n_frames), np.complex64)
    plan.from_frames_fastest(rows, out, 1)
    assert plan._rows.take().any() == is_copied
    close(out, frame_by_frame(of, method, frames))


def test_memory_is_that_of_tables_and_rows() -> None:
    of, method = geometry(), Method(f_number=1.0)
    small, large = EnsemblePlan(of, method, 32), EnsemblePlan(of, method, 96)
    n_points = 21 * 37
    assert large.n_bytes - small.n_bytes == 2 * 2 * 24 * NS * 32 * 8
    assert small.n_bytes == 2 * 24 * NS * 32 * 8 + n_points * (8 + 12 + 2 * 12)


def test_what_it_does_not_sum_is_said() -> None:
    of, method = geometry(), Method(f_number=1.0)
    assert why_not_exact(of, method) is None
    factor = dataclasses.replace(method, combination=CoherenceFactor())
    assert "coherence factor" in str(why_not_exact(of, factor))
    mean = dataclasses.replace(method, compounding=Compounding.INCOHERENT, transmit_groups=(0, 1))
    assert "incoherent" in str(why_not_exact(of, mean))
    fine = dataclasses.replace(method, interpolation=Interpolation.BAND_LIMITED)
    assert "band-limited" in str(why_not_exact(of, fine))


def test_bad_arrays_and_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    of, method = geometry(), Method(f_number=1.0)
    with pytest.raises(ArgumentError, match="at least one frame"):
        EnsemblePlan(of, method, 0)
    plan = EnsemblePlan(of, method, 4)
    data, out = ensemble(of, 4), np.empty((*of.scan.shape, 4), np.complex64)
    with pytest.raises(ArgumentError, match=r"data must be complex64 of shape \(4, 2, 24, 300\)"):
        plan(data[:3], out, None)
    with pytest.raises(ArgumentError, match="out must be complex64"):
        plan(data, out.real.copy(), None)
    with pytest.raises(ArgumentError, match="data must be C-contiguous"):
        plan(np.asfortranarray(data), out, None)
    with pytest.raises(ArgumentError, match=r"shape \(2, 24, 300, 4\)"):
        plan.from_frames_fastest(data, out, None)
    out.flags.writeable = False
    with pytest.raises(ArgumentError, match="out must be C-contiguous and writable"):
        plan(data, out, None)
    monkeypatch.setattr(plan_ensemble, "MAX_ROWS_BYTES", 2**20)
    with pytest.raises(ArgumentError, match="take fewer frames"):
        EnsemblePlan(of, method, 32)
