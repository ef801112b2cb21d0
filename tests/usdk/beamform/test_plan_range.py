"""The plan of the scan-line kernel against the plan of the general one."""

from __future__ import annotations

import dataclasses
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting, Window
from usdk.beamform.plan_general import GeneralPlan
from usdk.beamform.plan_range import RangePlan, why_not_exact
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan, Scan, SectorScan, VolumeScan
from usdk.sequences import plane_waves
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement, TransmitSequence

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 1100
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, lens_delay_s=0.07e-6, **BAND)
CONVEX = Probe.curved("C", n_elements=24, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
MATRIX = Probe.matrix("M", n_elements_x=6, n_elements_y=5, pitch_m=0.3e-3, **BAND)
RANGES = np.linspace(3e-3, 27e-3, 157)
COLUMNS = LinearScan(x_m=np.linspace(-4e-3, 4.1e-3, 37), z_m=RANGES)
FAN = SectorScan(
    angles_rad=np.linspace(-0.35, 0.36, 41), ranges_m=15e-3 + RANGES, apex_m=(0.0, -15e-3)
)
VOLUME = VolumeScan(x_m=np.linspace(-2e-3, 2e-3, 6), y_m=np.linspace(-2e-3, 1e-3, 5), z_m=RANGES)
PLANES = tuple(PlaneWave(azimuth_rad=a) for a in (-0.1, 0.0, 0.15))
DIVERGING = (
    DivergingWave(source_m=(1e-3, 0.0, -7e-3)),
    DivergingWave(source_m=(-2e-3, 0.0, -5e-3)),
    SingleElement(element=5),
)
FOCUSED = tuple(FocusedWave(focus_m=(x, 0.0, 15e-3), origin_m=(x, 0.0, 0.0)) for x in
                (-3e-3, -1.5e-3, 0.0, 1.5e-3, 3e-3))  # fmt: skip
CASES: dict[str, tuple[Probe, Any, Scan, dict[str, Any]]] = {
    "plane waves, columns off the elements": (LINEAR, PLANES, COLUMNS, {}),
    "diverging waves, convex": (CONVEX, DIVERGING, FAN, {}),
    "focused waves, lines": (CONVEX, FOCUSED, FAN, {"weighting": TransmitWeighting.LINES}),
    "focused waves, retrospective": (
        CONVEX, FOCUSED, FAN, {"weighting": TransmitWeighting.RETROSPECTIVE},
    ),
    "focused waves, all alike": (LINEAR, FOCUSED, FAN, {}),
    "volume": (MATRIX, DIVERGING, VOLUME, {"directivity": True, "f_number": 0.0}),
    "plain sum": (CONVEX, DIVERGING, FAN, {"normalize": False, "window": Window.BOXCAR}),
}  # fmt: skip


def geometry(probe: Probe, waves: Any, scan: Scan, *, iq: bool = True, **changes: Any) -> Geometry:
    values = {
        "sampling_frequency_hz": FS,
        "n_samples": N_SAMPLES,
        "time_zero_s": tuple(np.linspace(-1e-6, 1e-6, len(waves)).tolist()),
        "demodulation_frequency_hz": FC if iq else 0.0,
        "sound_speed_m_s": C,
    }
    receive = ReceiveSettings(**(values | changes))
    return Geometry(probe, TransmitSequence(transmits=waves), receive, scan)


def method(**options: Any) -> Method:
    return Method(**({"f_number": 1.0, "window": Window.HANN} | options))


def noise(of: Geometry, *, seed: int = 1) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    shape = (len(of.sequence), of.probe.n_elements, of.receive.n_samples)
    real = rng.standard_normal(shape).astype(np.float32)
    if not of.receive.demodulation_frequency_hz:
        return real
    return (real + 1j * rng.standard_normal(shape)).astype(np.complex64)


def image(plan: Any, of: Geometry, data: NDArray[Any], threads: int | None = None) -> NDArray[Any]:
    out = np.full(of.scan.shape, np.nan, data.dtype)
    plan(data, out, threads)
    return out


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_general_kernel(name: str, iq: bool) -> None:
    probe, waves, scan, options = CASES[name]
    of, how = geometry(probe, waves, scan, iq=iq), method(**options)
    assert why_not_exact(of, how) is None
    data = noise(of)
    actual = image(RangePlan(of, how), of, data)
    expected = image(GeneralPlan(of, how), of, data)
    # The general kernel holds coordinates as float32: noise, which has no pulse, shows it.
    error = np.sqrt(np.mean(np.abs(actual - expected) ** 2) / np.mean(np.abs(expected) ** 2))
    assert error < 5e-4
    assert np.abs(expected).max() > 0


@pytest.mark.parametrize("name", ["diverging waves, convex", "focused waves, retrospective"])
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    probe, waves, scan, options = CASES[name]
    of = geometry(probe, waves, scan)
    plan, data = RangePlan(of, method(**options)), noise(of)
    one = image(plan, of, data, threads=1)
    for threads in (2, 5):
        np.testing.assert_array_equal(image(plan, of, data, threads=threads), one)
    assert plan.n_tiles >= 8


def test_one_plan_serves_several_threads_at_once() -> None:
    probe, waves, scan, _ = CASES["diverging waves, convex"]
    of = geometry(probe, waves, scan)
    plan = RangePlan(of, method())
    frames = [noise(of, seed=seed) for seed in range(4)]
    expected = [image(plan, of, frame) for frame in frames]
    found: dict[int, NDArray[Any]] = {}

    def run(k: int) -> None:
        found[k] = image(plan, of, frames[k], threads=1)

    workers = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for k in range(4):
        np.testing.assert_array_equal(found[k], expected[k])


@pytest.mark.parametrize("name", ["diverging waves, convex", "focused waves, lines", "volume"])
def test_a_frame_allocates_no_arrays(name: str) -> None:
    probe, waves, scan, options = CASES[name]
    of = geometry(probe, waves, scan)
    plan, data = RangePlan(of, method(**options)), noise(of)
    out = np.empty(of.scan.shape, data.dtype)
    plan(data, out, 1)
    tracemalloc.start()
    try:
        plan(data, out, 1)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        plan(data, out, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 20_000


def test_times_of_simple_waves_are_not_held() -> None:
    probe, waves, scan, _ = CASES["volume"]
    fine = VolumeScan(x_m=scan.x_m, y_m=scan.y_m, z_m=np.linspace(3e-3, 27e-3, 4000))  # type: ignore[attr-defined]
    of = geometry(probe, waves, fine, iq=False)
    small = RangePlan(geometry(probe, waves, scan, iq=False), method()).n_bytes
    assert RangePlan(of, method()).n_bytes < 8 * len(waves) * np.prod(fine.shape) / 2
    assert small < 10e6


def test_beams_that_do_not_reach_a_tile_are_not_in_its_tables() -> None:
    probe, waves, scan, options = CASES["focused waves, lines"]
    how = method(**options)
    reaching = RangePlan(geometry(probe, waves, scan, iq=False), how).n_bytes
    assert reaching < 0.7 * 12 * len(waves) * np.prod(scan.shape)


def test_why_it_is_not_exact() -> None:
    of = geometry(CONVEX, DIVERGING, FAN)
    assert "cubic" in str(why_not_exact(of, method(interpolation=Interpolation.CUBIC)))

    class Points(SectorScan):
        def lines(self) -> None:
            return None

    points = Points(angles_rad=FAN.angles_rad, ranges_m=FAN.ranges_m)
    bent = dataclasses.replace(of, scan=points)
    assert "straight" in str(why_not_exact(bent, method()))


def test_apertures_too_narrow_for_float32_are_left_to_another_kernel() -> None:
    probe, waves, scan, _ = CASES["plane waves, columns off the elements"]
    of = geometry(probe, waves, scan)
    assert why_not_exact(of, method(f_number=4.0)) is None
    assert "F-number" in str(why_not_exact(of, method(f_number=30.0)))
    # At the limit the windows still agree.
    data, how = noise(of), method(f_number=4.0)
    actual, expected = image(RangePlan(of, how), of, data), image(GeneralPlan(of, how), of, data)
    assert np.linalg.norm(actual - expected) < 1e-4 * np.linalg.norm(expected)


def test_why_another_kernel_is_better() -> None:
    def reason(scan: Scan, **changes: Any) -> str | None:
        return RangePlan(geometry(CONVEX, DIVERGING, scan, **changes), method()).why_not_better()

    assert reason(FAN) is None
    few = SectorScan(angles_rad=FAN.angles_rad, ranges_m=FAN.ranges_m[:7])
    assert "points stand on a line" in str(reason(few))
    assert "samples apart" in str(reason(FAN, sampling_frequency_hz=120e6))


def test_tables_that_are_too_large_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.beamform.point_tables.MAX_PLAN_BYTES", 100_000)
    with pytest.raises(ArgumentError, match="fewer points"):
        RangePlan(geometry(CONVEX, FOCUSED, FAN), method())


@pytest.mark.parametrize("is_iq", [True, False], ids=["IQ", "RF"])
def test_a_point_in_the_plane_of_the_face_is_silent(is_iq: bool) -> None:
    fan = SectorScan(angles_rad=np.linspace(-0.6, 0.6, 13), ranges_m=np.linspace(0, 20e-3, 41))
    probe = Probe.linear(
        "P", n_elements=24, pitch_m=0.3e-3, centre_frequency_hz=3e6, fractional_bandwidth=0.6
    )
    receive = ReceiveSettings(
        sampling_frequency_hz=12e6,
        n_samples=400,
        time_zero_s=(0.0,),
        demodulation_frequency_hz=3e6 if is_iq else 0.0,
    )
    data = np.random.default_rng(0).standard_normal((1, 24, 400)).astype(np.float32)
    image = Beamformer(
        probe, plane_waves([0]), receive, fan, kernel="range", f_number=0, normalize=False
    )(data.astype(np.complex64) if is_iq else data)
    assert not image[:, 0].any()
    assert image[:, 1:].all()


def test_points_too_far_apart_for_float32_are_left_to_the_general_kernel() -> None:
    probe = Probe.linear(
        "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=3e6, fractional_bandwidth=0.6
    )
    receive = ReceiveSettings(sampling_frequency_hz=1e3, n_samples=40, time_zero_s=(0.0,))
    x_m = np.linspace(-2.1e-3, 2.217e-3, 5)
    for depth_m, kernel in ((1.0, "general"), (0.05, "range")):
        scan = LinearScan(x_m=x_m, z_m=np.linspace(1e-3, depth_m, 17))
        assert Beamformer(probe, plane_waves([0]), receive, scan).kernel == kernel
