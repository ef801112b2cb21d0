"""The plan of the lattice kernel against a float64 sum, and the plans of other kernels."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Interpolation, Method, TransmitWeighting, Window
from usdk.beamform.plan_general import GeneralPlan
from usdk.beamform.plan_lattice import LatticePlan, why_not_exact
from usdk.beamform.plan_range import RangePlan
from usdk.beamform.transmit_weights import transmit_weights
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan, Scan, SectorScan
from usdk.sequences import plane_waves
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, SingleElement, TransmitSequence

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 1100
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, lens_delay_s=0.07e-6, **BAND)
CONVEX = Probe.curved("C", n_elements=24, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
RANGES = np.linspace(3e-3, 27e-3, 261)
COARSE = np.linspace(2e-3, 27e-3, 171)
PLANES = tuple(PlaneWave(azimuth_rad=a) for a in (-0.1, 0.0, 0.15))
DIVERGING = (
    DivergingWave(source_m=(1e-3, 0.0, -7e-3)),
    DivergingWave(source_m=(-2e-3, 0.0, -5e-3)),
    SingleElement(element=5),
    DivergingWave(source_m=(0.0, 0.0, -9e-3)),
    SingleElement(element=23),
)
FOCUSED = tuple(FocusedWave(focus_m=(x, 0.0, 15e-3), origin_m=(x, 0.0, 0.0)) for x in
                (-3e-3, -1.5e-3, 0.0, 1.5e-3, 3e-3))  # fmt: skip


def fan(n_lines: int, pitches: float, ranges_m: Any = RANGES, offset: float = 0.2) -> SectorScan:
    pitch_rad = 2 * np.arcsin(0.5e-3 / 2 / 15e-3)
    return SectorScan(
        angles_rad=(np.arange(n_lines) - n_lines / 2 + offset) * pitches * pitch_rad,
        ranges_m=15e-3 + ranges_m,
        apex_m=(0.0, -15e-3),
    )


def columns(n_lines: int, pitches: float, ranges_m: Any = RANGES) -> LinearScan:
    return LinearScan(x_m=(np.arange(n_lines) - n_lines / 2) * pitches * 0.3e-3, z_m=ranges_m)


WEIGHTED: dict[str, Any] = {"weighting": TransmitWeighting.LINES}
RETROSPECTIVE: dict[str, Any] = {"weighting": TransmitWeighting.RETROSPECTIVE}
CASES: dict[str, tuple[Probe, Any, Scan, dict[str, Any]]] = {
    "diverging waves, convex": (CONVEX, DIVERGING, fan(41, 2 / 3), {}),
    "the same, coarse": (CONVEX, DIVERGING, fan(31, 1, COARSE), {"directivity": True}),
    "plane waves, convex": (CONVEX, PLANES, fan(52, 0.5), {"window": Window.BLACKMAN}),
    "focused waves, lines": (CONVEX, FOCUSED, fan(52, 0.5), WEIGHTED),
    "focused waves, retrospective": (CONVEX, FOCUSED, fan(41, 2 / 3, COARSE), RETROSPECTIVE),
    "focused waves, all alike": (LINEAR, FOCUSED, columns(31, 0.75), {"f_number": 0.5}),
    "diverging waves, linear": (LINEAR, DIVERGING, columns(50, 0.5), {"directivity": True}),
    "open and plain": (
        CONVEX, DIVERGING, fan(41, 2 / 3),
        {"normalize": False, "window": Window.BOXCAR, "f_number": 0.0},
    ),
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
    real = rng.standard_normal(of.data_shape).astype(np.float32)
    if not of.is_iq:
        return real
    return (real + 1j * rng.standard_normal(of.data_shape)).astype(np.complex64)


def image(plan: Any, of: Geometry, data: NDArray[Any], threads: int | None = None) -> NDArray[Any]:
    out = np.full(of.scan.shape, np.nan, data.dtype)
    plan(data, out, threads)
    return out


def reference(of: Geometry, how: Method, data: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Float64, and where no element stands on the rim of an aperture."""
    points_m = of.scan.points_m().reshape(-1, 3)
    probe, receive = of.probe, of.receive
    shares = transmit_weights(of, points_m, how.weighting).astype(float)
    taper, a0, a1, a2 = how.window_coefficients
    total, heard = np.zeros(len(points_m), complex), np.zeros(len(points_m))
    sure = np.ones(len(points_m), bool)
    arrivals_s = [
        wave.arrival_time_s(points_m, probe, C) + 2 * probe.lens_delay_s
        for wave in of.sequence.transmits
    ]
    for e, (position_m, normal) in enumerate(
        zip(probe.element_positions_m, probe.element_normals, strict=True)
    ):
        way_m = points_m - position_m
        distance_m, axial_m = np.linalg.norm(way_m, axis=1), way_m @ normal
        lateral_m = np.linalg.norm(way_m - axial_m[:, None] * normal, axis=1)
        opening_m = axial_m - 2 * how.f_number * lateral_m
        sure &= (np.abs(opening_m) > 1e-6) & (np.abs(axial_m) > 1e-6)
        inside = (axial_m > 0) & (opening_m >= 0)
        with np.errstate(all="ignore"):
            place = 2 * how.f_number * lateral_m / axial_m
            a = np.ones_like(place)
            if taper > 0:
                v = np.pi * np.maximum(0, (place - (1 - taper)) / taper)
                a = a0 + a1 * np.cos(v) + a2 * np.cos(2 * v)
            if how.directivity:
                sine = lateral_m / distance_m
                a = a * np.sinc(probe.element_width_m / of.wavelength_m * sine)
                a = a * axial_m / distance_m
        a = np.where(inside, a, 0)
        for t, time_s in enumerate(arrivals_s):
            tau_s = time_s + distance_m / C
            s = (tau_s - receive.time_zero_s[t]) * receive.sampling_frequency_hz
            good = np.isfinite(s) & (s >= 0) & (s <= receive.n_samples - 1) & inside
            s, tau_s = np.where(good, s, 0), np.where(good, tau_s, 0)
            record = data[t, e].astype(complex)
            j = np.minimum(s.astype(int), receive.n_samples - 2)
            x = record[j] + (s - j) * (record[j + 1] - record[j])
            x = x * np.exp(2j * np.pi * receive.demodulation_frequency_hz * tau_s)
            total += np.where(good, shares[t] * a * x, 0)
            heard += np.abs(shares[t]) * a * np.isfinite(time_s)
    if how.normalize:
        total = np.where(heard > 0, total / np.where(heard > 0, heard, 1), 0)
    shape = of.scan.shape
    return (total if of.is_iq else total.real).reshape(shape), sure.reshape(shape)


def assert_is_the_sum(of: Geometry, how: Method, plan: Any = None) -> None:
    data = noise(of)
    actual = image(plan or LatticePlan(of, how), of, data)
    expected, sure = reference(of, how, data)
    assert np.isfinite(actual).all()
    scale = max(float(np.abs(expected).max()), 1e-3)
    np.testing.assert_allclose(actual[sure], expected[sure], rtol=0, atol=3e-5 * scale)


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("name", CASES)
def test_is_the_sum_at_the_very_delay(name: str, iq: bool) -> None:
    probe, waves, scan, options = CASES[name]
    of, how = geometry(probe, waves, scan, iq=iq), method(**options)
    assert why_not_exact(of, how) is None
    assert_is_the_sum(of, how)


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_other_kernels(name: str, iq: bool) -> None:
    probe, waves, scan, options = CASES[name]
    of, how = geometry(probe, waves, scan, iq=iq), method(**options)
    data = noise(of)
    actual = image(LatticePlan(of, how), of, data)
    for plan, most in ((RangePlan, 3e-5), (GeneralPlan, 5e-4)):
        expected = image(plan(of, how), of, data)
        error = np.sqrt(np.mean(np.abs(actual - expected) ** 2) / np.mean(np.abs(expected) ** 2))
        # The general kernel holds coordinates as float32: noise, which has no pulse, shows it.
        assert error < most
        assert np.abs(expected).max() > 0


@settings(max_examples=60)
@given(
    convex=st.booleans(), iq=st.booleans(), n_elements=st.integers(2, 40),
    n_lines=st.integers(2, 20), share=st.sampled_from([(1, 1), (1, 2), (2, 3), (3, 1), (5, 7)]),
    offset=st.floats(-9, 9), n_ranges=st.integers(2, 40), start_m=st.floats(-1e-3, 12e-3),
    step=st.floats(0.02, 2.1), fs=st.floats(4e6, 50e6), n_samples=st.integers(2, 700),
    f_number=st.sampled_from([0.0, 0.6, 1.0, 3.0]), window=st.sampled_from(list(Window)),
    directivity=st.booleans(), normalize=st.booleans(), seed=st.integers(0, 99),
    kinds=st.lists(st.sampled_from(["plane", "diverging", "focused", "element"]), min_size=1,
                   max_size=6),
)  # fmt: skip
def test_any_geometry_rate_and_aperture(
    convex: bool, iq: bool, n_elements: int, n_lines: int, share: tuple[int, int], offset: float,
    n_ranges: int, start_m: float, step: float, fs: float, n_samples: int, f_number: float,
    window: Window, directivity: bool, normalize: bool, seed: int, kinds: list[str],
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    waves: list[Any] = []
    for kind in kinds:
        x_m, z_m = float(rng.uniform(-4e-3, 4e-3)), float(rng.uniform(3e-3, 15e-3))
        waves.append({
            "plane": PlaneWave(azimuth_rad=float(rng.uniform(-0.3, 0.3))),
            "diverging": DivergingWave(source_m=(x_m, 0.0, -z_m)),
            "focused": FocusedWave(focus_m=(x_m, 0.0, z_m), origin_m=(x_m, 0.0, 0.0)),
            "element": SingleElement(element=int(rng.integers(n_elements))),
        }[kind])  # fmt: skip
    ranges_m = start_m + step * C / fs * np.arange(n_ranges)
    turn = offset + (np.arange(n_lines) - n_lines / 2) * share[0] / share[1]
    pitch_m = 0.2e-3
    scan: Scan
    if convex:
        probe = Probe.curved("C", n_elements=n_elements, pitch_m=pitch_m, radius_m=10e-3, **BAND)
        pitch_rad = 2 * np.arcsin(pitch_m / 20e-3)
        scan = SectorScan(
            angles_rad=turn * pitch_rad, ranges_m=10e-3 + ranges_m, apex_m=(0.0, -10e-3)
        )
    else:
        probe = Probe.linear("L", n_elements=n_elements, pitch_m=pitch_m, **BAND)
        scan = LinearScan(x_m=turn * pitch_m, z_m=ranges_m)
    of = geometry(
        probe, tuple(waves), scan, iq=iq, sampling_frequency_hz=fs, n_samples=n_samples,
        time_zero_s=tuple(rng.uniform(-3e-6, 6e-6, len(waves)).tolist()),
    )  # fmt: skip
    how = method(
        f_number=f_number, window=window, directivity=directivity, normalize=normalize
    )  # fmt: skip
    assert why_not_exact(of, how) is None
    assert_is_the_sum(of, how)


def test_points_behind_the_array_and_apertures_without_elements_are_silent() -> None:
    scan = fan(41, 2 / 3, np.linspace(-3e-3, 1e-3, 80))
    of, how = geometry(CONVEX, DIVERGING, scan), method(f_number=3.0)
    assert_is_the_sum(of, how)
    silent = image(LatticePlan(of, how), of, noise(of))[:, :55]
    assert not silent.any()


@pytest.mark.parametrize("zero_s", [-1e302, 1e302, 3e-3, -3e-3])
def test_records_that_hold_no_echo_give_silence(zero_s: float) -> None:
    of = geometry(CONVEX, DIVERGING, fan(41, 2 / 3), time_zero_s=(zero_s,) * len(DIVERGING))
    assert not image(LatticePlan(of, method()), of, noise(of)).any()


@pytest.mark.parametrize("name", ["diverging waves, convex", "focused waves, retrospective"])
def test_any_number_of_threads_gives_the_same_bits(name: str) -> None:
    probe, waves, scan, options = CASES[name]
    of = geometry(probe, waves, scan)
    plan, data = LatticePlan(of, method(**options)), noise(of)
    one = image(plan, of, data, threads=1)
    for threads in (2, 5):
        np.testing.assert_array_equal(image(plan, of, data, threads=threads), one)
    assert plan.n_tiles >= 6


def test_one_plan_serves_several_threads_at_once() -> None:
    probe, waves, scan, _ = CASES["diverging waves, convex"]
    of = geometry(probe, waves, scan)
    plan = LatticePlan(of, method())
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


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("name", ["diverging waves, convex", "focused waves, lines"])
def test_a_frame_allocates_no_arrays(name: str, iq: bool) -> None:
    probe, waves, scan, options = CASES[name]
    of = geometry(probe, waves, scan, iq=iq)
    plan, data = LatticePlan(of, method(**options)), noise(of)
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
    # What the kernel takes for one tile, whatever its size.
    assert peak - before < 64_000


def beamformer(
    scan: Scan, probe: Probe = CONVEX, waves: Any = DIVERGING, iq: bool = True, **options: Any
) -> Beamformer:
    of = geometry(probe, waves, scan, iq=iq)
    return Beamformer(of.probe, of.sequence, of.receive, scan, **options)


def test_it_is_chosen_where_lines_stand_on_the_lattice_and_says_so() -> None:
    plan = beamformer(fan(41, 2 / 3))
    assert plan.kernel == "lattice"
    assert "lines on 2/3 of the pitch of a uniform curved array share" in plan.explain()
    plan = beamformer(columns(41, 1), LINEAR)
    assert "lines on the pitch of a uniform linear array share" in plan.explain()
    assert "as asked" in beamformer(fan(41, 1), kernel="lattice").explain()
    assert beamformer(fan(41, 0.777)).kernel == "range"
    assert "not lattice: lines do not stand on a rational" in beamformer(fan(41, 0.777)).explain()
    assert beamformer(columns(41, 1), LINEAR, PLANES).kernel == "shift"
    assert beamformer(columns(41, 1), LINEAR, PLANES, kernel="lattice").kernel == "lattice"


@pytest.mark.parametrize(
    ("scan", "options", "reason"),
    [
        (fan(41, 0.777), {}, "rational part"),
        (fan(41, 1, np.linspace(1e-3, 27e-3, 60)), {}, "span more than 16 samples"),
        (fan(41, 1), {"interpolation": Interpolation.CUBIC}, "cubic, not linear"),
        (fan(41, 1), {"combination": "coherence factor"}, "sums and cannot make"),
    ],
)
def test_where_it_does_not_apply_asking_for_it_is_refused(
    scan: Scan, options: dict[str, Any], reason: str
) -> None:
    assert beamformer(scan, **options).kernel != "lattice"
    with pytest.raises(ArgumentError, match=reason):
        beamformer(scan, kernel="lattice", **options)


def test_tables_that_would_be_too_large_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = beamformer(fan(41, 1), iq=False).n_bytes  # of RF nothing but tables
    for most_bytes in (1000, whole // 2):
        monkeypatch.setattr("usdk.beamform.plan_lattice.MAX_TABLE_BYTES", most_bytes)
        plan = beamformer(fan(41, 1), iq=False)
        assert plan.kernel == "range"
        assert "tables would take more than" in plan.explain()
        with pytest.raises(ArgumentError, match="tables would take"):
            beamformer(fan(41, 1), iq=False, kernel="lattice")


def test_few_points_on_a_line_are_left_to_another_kernel() -> None:
    short = fan(41, 1, RANGES[:5])
    assert beamformer(short).kernel == "general"
    assert beamformer(short, kernel="lattice").kernel == "lattice"


def test_positions_that_fixed_point_cannot_hold_are_refused() -> None:
    scan = columns(41, 1, np.linspace(10.0, 10.0 + 1e-9, 40))
    of = geometry(LINEAR, plane_waves().transmits, scan, sampling_frequency_hz=1e11)
    assert "too many samples" in str(why_not_exact(of, method()))
