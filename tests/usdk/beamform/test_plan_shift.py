from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import Method
from usdk.beamform.plan_shift import why_not_exact
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, SectorScan, scan_for
from usdk.sequences import diverging_waves, focused_lines, plane_waves
from usdk.transmit import PlaneWave, TransmitSequence
from usdk_kernels import das_shift

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 700
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.6}
PROBE = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, lens_delay_s=0.07e-6, **BAND)
CONVEX = Probe.curved("C", n_elements=24, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
PLANES = plane_waves([-8, 0, 8])
X_M = PROBE.element_positions_m[:, 0]


def receive_for(sequence: TransmitSequence, *, iq: bool = True) -> ReceiveSettings:
    return ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=N_SAMPLES,
        time_zero_s=tuple(np.linspace(-1e-6, 1e-6, len(sequence)).tolist()),
        demodulation_frequency_hz=FC if iq else 0.0,
        sound_speed_m_s=C,
    )


def noise(n_transmits: int = 3, *, iq: bool = True, seed: int = 1) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    shape = (n_transmits, 24, N_SAMPLES)
    real = rng.standard_normal(shape).astype(np.float32)
    if not iq:
        return real
    return (real + 1j * rng.standard_normal(shape)).astype(np.complex64)


def plan(
    scan: Any = None, *, iq: bool = True, sequence: Any = PLANES, **options: Any
) -> Beamformer:
    scan = scan_for(PROBE, depth_m=25e-3) if scan is None else scan
    return Beamformer(PROBE, sequence, receive_for(sequence, iq=iq), scan, **options)


def columns(first: float, n: int, per_pitch: int, *, start_m: float = 5e-3) -> LinearScan:
    """Columns from `first` fractions of the pitch beside the first element."""
    x_m = X_M[0] + (first + np.arange(n)) * PROBE.pitch_m / per_pitch
    return LinearScan(x_m=x_m, z_m=np.linspace(start_m, 20e-3, 61))


SCANS = {
    "default": scan_for(PROBE, depth_m=25e-3),
    "on the elements": columns(0, 24, 1),
    "thirds": columns(0, 70, 3),
    "a region": columns(7, 19, 2, start_m=11e-3),
    "beyond the ends": columns(-20, 90, 2),
    "off the elements": columns(0.41, 20, 1),
    "from the face": columns(0, 47, 2, start_m=0.0),
    "as float32": LinearScan(x_m=X_M.astype(np.float32), z_m=np.linspace(5e-3, 20e-3, 31)),
}


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
def test_it_is_chosen_and_equals_the_general_kernel(scan: LinearScan, iq: bool) -> None:
    data = noise(iq=iq)
    for options in (
        {"f_number": 0.0, "window": "tukey"},
        {"f_number": 1.03, "window": "hann", "normalize": False},
        {"f_number": 0.71, "window": "tukey", "taper": 0.3},
        {"f_number": 0.9, "window": "blackman", "directivity": True},
    ):
        fast = plan(scan, iq=iq, **options)
        assert fast.kernel == "shift"
        expected = plan(scan, iq=iq, kernel="general", **options)(data)
        # The general kernel's coordinates are float32: 2e-9 m of 3e-4 m, a wavelength.
        assert np.abs(fast(data) - expected).max() < 1e-4 * np.abs(expected).max(), options


def test_waves_that_lean_towards_y_and_part_apertures_are_exact_too() -> None:
    waves = (PlaneWave(azimuth_rad=0.1, elevation_rad=0.2), PlaneWave(aperture=(3, 9)))
    sequence = TransmitSequence(transmits=waves)
    fast, slow = plan(sequence=sequence), plan(sequence=sequence, kernel="general")
    assert fast.kernel == "shift"
    expected = slow(noise(2))
    assert np.abs(fast(noise(2)) - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_plan_says_which_kernel_runs_and_why() -> None:
    assert "columns on 1/2 of the pitch" in plan().explain()
    assert "shift IQ kernel" in plan().explain()
    assert "general RF kernel, as asked" in plan(iq=False, kernel="general").explain()
    assert "not shift: interpolation is cubic" in plan(interpolation="cubic").explain()


UNEVEN_M = PROBE.element_positions_m + (np.arange(24) == 7)[:, None] * [2e-8, 0, 0]
TURNED = np.tile([np.sin(0.01), 0.0, np.cos(0.01)], (24, 1))
LOWERED_M = PROBE.element_positions_m + np.array([0, 0, 1e-5])


@pytest.mark.parametrize(
    ("probe", "sequence", "scan", "options", "message"),
    [
        (PROBE, PLANES, SCANS["default"], {"interpolation": "nearest"}, "nearest, not linear"),
        (PROBE, plane_waves([0]), SCANS["default"], {"weighting": "lines"}, "not compounded"),
        (PROBE, diverging_waves(PROBE), SCANS["default"], {}, "plane wave"),
        (PROBE, focused_lines(PROBE, n_lines=3, focus_depth_m=1e-2), SCANS["default"], {}, "plane"),
        (PROBE, PLANES, columns(0, 30, 1.37), {}, "do not divide the pitch"),  # type: ignore[arg-type]
        (PROBE, PLANES, columns(0, 12, 0.5), {}, "do not divide the pitch"),  # type: ignore[arg-type]
        (PROBE, PLANES, columns(0, 30, 300_000), {}, "more than 64 columns"),
        (CONVEX, PLANES, SCANS["default"], {}, "stand on the x axis"),
        (replace(PROBE, element_normals=TURNED), PLANES, SCANS["default"], {}, "look along z"),
        (replace(PROBE, element_positions_m=LOWERED_M), PLANES, SCANS["default"], {}, "x axis"),
        (replace(PROBE, element_positions_m=UNEVEN_M), PLANES, SCANS["default"], {}, "equally"),
        (
            replace(PROBE, element_positions_m=PROBE.element_positions_m[::-1]),
            PLANES,
            SCANS["default"],
            {},
            "equally",
        ),
        (
            PROBE,
            PLANES,
            SectorScan(angles_rad=np.linspace(-0.5, 0.5, 31), ranges_m=np.linspace(5e-3, 2e-2, 9)),
            {},
            "not parallel",
        ),
    ],
)
def test_where_it_is_not_exact_another_kernel_runs_and_asking_for_it_is_refused(
    probe: Probe, sequence: TransmitSequence, scan: Any, options: dict[str, Any], message: str
) -> None:
    receive = receive_for(sequence)
    other = Beamformer(probe, sequence, receive, scan, **options)
    assert other.kernel in ("general", "range", "lattice")
    assert message in other.explain()
    with pytest.raises(ArgumentError, match=message):
        Beamformer(probe, sequence, receive, scan, kernel="shift", **options)


def test_a_copy_that_would_fill_the_memory_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.beamform.plan_shift.MAX_SKEWED_BYTES", 10_000)
    assert "too large" in plan().explain()
    assert plan().kernel != "shift"
    with pytest.raises(ArgumentError, match="too large"):
        plan(kernel="shift")


def test_a_time_zero_beyond_all_numbers_gives_silence() -> None:
    receive = replace(receive_for(PLANES), time_zero_s=(-1e302, 1e302, 1e302))
    beamformer = Beamformer(PROBE, PLANES, receive, columns(0, 24, 1), kernel="shift")
    assert not beamformer(noise()).any()


def test_shifts_that_fixed_point_cannot_hold_are_refused() -> None:
    receive = replace(receive_for(PLANES), sampling_frequency_hz=1e14)
    with pytest.raises(ArgumentError, match="too many samples to run along"):
        Beamformer(PROBE, PLANES, receive, columns(0, 24, 1), kernel="shift")
    silent = Beamformer(PROBE, PLANES, receive, columns(0, 24, 1))
    assert silent.kernel != "shift"
    assert not silent(noise()).any()


def test_an_unknown_kernel_is_refused() -> None:
    with pytest.raises(ArgumentError, match="general, shift"):
        plan(kernel="fast")


def test_a_few_columns_are_left_to_another_kernel_unless_asked_for() -> None:
    few = columns(5, 3, 1)
    assert plan(few).kernel != "shift"
    assert "fewer than 8 columns" in plan(few).explain()
    asked = plan(few, kernel="shift")
    assert asked.kernel == "shift"
    expected = plan(few)(noise())
    assert np.abs(asked(noise()) - expected).max() < 1e-4 * np.abs(expected).max()


def test_a_phased_array_may_have_parallel_lines() -> None:
    phased = replace(PROBE, kind=ArrayKind.PHASED)
    geometry = Geometry(phased, PLANES, receive_for(PLANES), SCANS["default"])
    assert why_not_exact(geometry, Method(f_number=1.0)) is None


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    fast = plan()
    assert np.array_equal(fast(noise(), threads=1), fast(noise(), threads=threads))


def test_a_depth_does_not_depend_on_the_depths_about_it() -> None:
    big = SCANS["default"]
    part = LinearScan(x_m=big.x_m, z_m=big.z_m[17:150])
    assert np.array_equal(plan(big)(noise())[:, 17:150], plan(part)(noise()))


def test_threads_may_share_one_plan() -> None:
    fast = plan()
    frames = [noise(seed=seed) for seed in range(6)]
    expected = [fast(frame) for frame in frames]
    found: list[Any] = [None] * 6

    def work(i: int) -> None:
        found[i] = fast(frames[i])

    workers = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one, other)


def test_frames_do_not_remember_each_other() -> None:
    fast = plan()
    first = fast(noise(seed=1))
    fast(noise(seed=2) * np.complex64(1e20))
    assert np.array_equal(fast(noise(seed=1)), first)


@pytest.mark.parametrize("iq", [True, False])
def test_read_only_and_scattered_data_need_no_second_compilation(iq: bool) -> None:
    fast, data = plan(iq=iq), noise(iq=iq)
    expected = fast(data)
    frozen = data.copy()
    frozen.flags.writeable = False
    for given_data in (frozen, np.asfortranarray(data)):
        np.testing.assert_array_equal(fast(given_data), expected)
    for kernel in (das_shift.das_shift, das_shift.skew):
        assert len(getattr(kernel, "signatures", [0])) == 1
