from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.beamform.geometry import Geometry
from usdk.beamform.options import TransmitWeighting, Window
from usdk.beamform.plan_general import POINTS_PER_TILE
from usdk.beamform.transmit_weights import transmit_weights
from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.scan import LinearScan, SectorScan
from usdk.sequences import diverging_waves, focused_lines, plane_waves, single_elements
from usdk.transmit import FocusedWave, PlaneWave, TransmitSequence
from usdk_kernels import das

C, FS, FC, N_SAMPLES = 1540.0, 20e6, 5e6, 700
BAND = {"centre_frequency_hz": FC, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=24, pitch_m=0.3e-3, **BAND)
PHASED = Probe.linear("P", n_elements=24, pitch_m=0.15e-3, kind=ArrayKind.PHASED, **BAND)
CONVEX = Probe.curved("C", n_elements=24, pitch_m=0.5e-3, radius_m=15e-3, **BAND)
LINES = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 9), z_m=np.linspace(5e-3, 20e-3, 31))
FAN = SectorScan(
    angles_rad=np.linspace(-0.6, 0.6, 9),
    ranges_m=np.linspace(17e-3, 35e-3, 31),
    apex_m=(0.0, -15e-3),
)
PLANES = plane_waves([-8, 0, 8])


def receive_for(sequence: TransmitSequence, *, iq: bool = True) -> ReceiveSettings:
    n = len(sequence)
    return ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=N_SAMPLES,
        time_zero_s=tuple(np.linspace(-1e-6, 1e-6, n).tolist()),
        demodulation_frequency_hz=FC if iq else 0.0,
        sound_speed_m_s=C,
    )


def noise(n_transmits: int, *, iq: bool = True, seed: int = 1) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    shape = (n_transmits, 24, N_SAMPLES)
    real = rng.standard_normal(shape).astype(np.float32)
    if not iq:
        return real
    return (real + 1j * rng.standard_normal(shape)).astype(np.complex64)


def naive(
    data: NDArray[Any],
    probe: Probe,
    sequence: TransmitSequence,
    receive: ReceiveSettings,
    scan: Any,
    *,
    f_number: float,
    window: str = "boxcar",
    taper: float = 0.5,
    width_wavelengths: float | None = None,
    weights: NDArray[np.float64] | None = None,
    normalize: bool = True,
) -> NDArray[np.complex128]:
    """Delay-and-sum as its definition says, in float64, with numpy's own interpolation."""
    points_m = scan.points_m().reshape(-1, 3)
    weights = np.ones((len(sequence), len(points_m))) if weights is None else weights
    total = np.zeros(len(points_m), complex)
    divisor = np.zeros(len(points_m))
    index = np.arange(receive.n_samples)
    for t, transmit in enumerate(sequence.transmits):
        arrival_s = transmit.arrival_time_s(points_m, probe, receive.sound_speed_m_s)
        for e in range(probe.n_elements):
            offset_m = points_m - probe.element_positions_m[e]
            distance_m = np.linalg.norm(offset_m, axis=1)
            cosine = offset_m @ probe.element_normals[e] / distance_m
            tangent = np.tan(np.arccos(np.clip(cosine, -1, 1)))
            u = 2 * f_number * tangent
            inside = (cosine > 0) & (u <= 1)
            shape = np.ones_like(u)
            if window == "hann":
                shape = np.cos(np.pi * u / 2) ** 2
            elif window == "tukey":
                edge = np.cos(np.pi / 2 * (u - 1 + taper) / max(taper, 1e-12)) ** 2
                shape = np.where(u <= 1 - taper, 1.0, edge)
            elif window == "hamming":
                shape = 0.54 + 0.46 * np.cos(np.pi * u)
            elif window == "blackman":
                shape = 0.42 + 0.5 * np.cos(np.pi * u) + 0.08 * np.cos(2 * np.pi * u)
            if width_wavelengths is not None:  # every point here lies in the elements' plane
                sine = np.sqrt(1 - np.clip(cosine, -1, 1) ** 2)
                shape = shape * np.sinc(width_wavelengths * sine) * cosine
            time_s = arrival_s + distance_m / receive.sound_speed_m_s + 2 * probe.lens_delay_s
            sample = (time_s - receive.time_zero_s[t]) * receive.sampling_frequency_hz
            divisor += np.where(inside, shape * np.abs(weights[t]), 0.0)
            inside &= (sample >= 0) & (sample <= receive.n_samples - 1)
            a = np.where(inside, shape * weights[t], 0.0)
            row = data[t, e].astype(complex)
            value = np.interp(sample, index, row.real) + 1j * np.interp(sample, index, row.imag)
            total += a * value * np.exp(2j * np.pi * receive.demodulation_frequency_hz * time_s)
    if normalize:
        total = np.divide(total, divisor, out=np.zeros_like(total), where=divisor > 1e-9)
    return total.reshape(scan.shape)


CASES: list[tuple[Probe, TransmitSequence, Any]] = [
    (LINEAR, PLANES, LINES),
    (LINEAR, single_elements([0, 11, 23]), LINES),
    (PHASED, diverging_waves(PHASED, tilts_deg=[-10, 10]), LINES),
    (CONVEX, single_elements([3, 12]), FAN),
    (CONVEX, plane_waves([0]), FAN),
]


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize(("probe", "sequence", "scan"), CASES)
def test_the_beamformer_is_delay_and_sum(
    probe: Probe, sequence: TransmitSequence, scan: Any, iq: bool
) -> None:
    receive, data = receive_for(sequence, iq=iq), noise(len(sequence), iq=iq)
    for options in (
        {"f_number": 0.0, "window": "boxcar"},
        {"f_number": 1.0, "window": "hann"},
        {"f_number": 0.8, "window": "hamming"},
        {"f_number": 0.8, "window": "blackman"},
        {"f_number": 0.7, "window": "tukey", "taper": 0.3},
        {"f_number": 1.5, "window": "tukey", "taper": 0.0, "normalize": False},
    ):
        ours = Beamformer(probe, sequence, receive, scan, **options)(data)  # type: ignore[arg-type]
        expected = naive(data, probe, sequence, receive, scan, **options)  # type: ignore[arg-type]
        expected = expected if iq else expected.real
        # An element on the rim of an aperture may fall to either side in float32.
        off = np.abs(ours - expected) > 2e-4 * np.abs(expected).max()
        assert off.mean() < 0.02, options


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
@pytest.mark.parametrize(("probe", "sequence", "scan"), CASES)
def test_elements_are_weighed_by_their_directivity(
    probe: Probe, sequence: TransmitSequence, scan: Any, iq: bool
) -> None:
    receive, data = receive_for(sequence, iq=iq), noise(len(sequence), iq=iq)
    options: dict[str, Any] = {"f_number": 0.8, "window": "hann"}
    plan = Beamformer(probe, sequence, receive, scan, directivity=True, **options)
    assert "element directivity" in plan.explain()
    width = probe.element_width_m * FC / C
    expected = naive(data, probe, sequence, receive, scan, width_wavelengths=width, **options)
    expected = expected if iq else expected.real
    np.testing.assert_allclose(plan(data), expected, atol=2e-4 * np.abs(expected).max())


def test_cubic_interpolation_reads_a_smooth_signal_better_than_linear_and_nearest() -> None:
    receive = receive_for(PLANES, iq=False)
    time_s = np.array(receive.time_zero_s)[:, None] + np.arange(N_SAMPLES) / FS
    tone = np.sin(2 * np.pi * 2e6 * time_s).astype(np.float32)
    data = np.repeat(tone[:, None], 24, axis=1)
    points_m = LINES.points_m()
    arrival_s = [t.arrival_time_s(points_m, LINEAR, C) for t in PLANES.transmits]
    flights_s = np.linalg.norm(points_m[:, :, None] - LINEAR.element_positions_m, axis=-1) / C
    exact = np.mean(
        [np.sin(2 * np.pi * 2e6 * (a[..., None] + flights_s)).mean(axis=-1) for a in arrival_s], 0
    )
    error = {}
    for kind in ("nearest", "linear", "cubic"):
        plan = Beamformer(
            LINEAR, PLANES, receive, LINES, f_number=0, window="boxcar", interpolation=kind
        )
        error[kind] = np.abs(plan(data) - exact).max()
    assert error["cubic"] < 0.2 * error["linear"] < 0.2 * error["nearest"]


def test_data_of_ones_give_ones_wherever_anything_is_heard() -> None:
    receive = replace(receive_for(PLANES, iq=False), n_samples=N_SAMPLES)
    data = np.ones((3, 24, N_SAMPLES), np.float32)
    for window in Window:
        image = Beamformer(LINEAR, PLANES, receive, LINES, f_number=1.2, window=window)(data)
        assert np.allclose(image, 1, atol=1e-6)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    scan = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 41), z_m=np.linspace(5e-3, 20e-3, 333))
    assert math.prod(scan.shape) > 3 * POINTS_PER_TILE
    plan = Beamformer(LINEAR, PLANES, receive_for(PLANES), scan)
    data = noise(3)
    assert np.array_equal(plan(data, threads=1), plan(data, threads=threads))


def test_a_point_does_not_depend_on_the_points_about_it() -> None:
    big = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 97), z_m=np.linspace(5e-3, 20e-3, 61))
    part = LinearScan(x_m=big.x_m[40:43], z_m=big.z_m[7:50])
    receive, data = receive_for(PLANES), noise(3)
    whole = Beamformer(LINEAR, PLANES, receive, big, kernel="general")(data)
    alone = Beamformer(LINEAR, PLANES, receive, part, kernel="general")(data)
    assert np.array_equal(whole[40:43, 7:50], alone)


def test_compounding_is_the_sum_of_its_transmits() -> None:
    receive, data = receive_for(PLANES), noise(3)
    options: dict[str, Any] = {"normalize": False, "weighting": "compound"}
    together = Beamformer(LINEAR, PLANES, receive, LINES, **options)(data)
    apart = np.zeros_like(together)
    for t, transmit in enumerate(PLANES.transmits):
        alone = TransmitSequence(transmits=(transmit,))
        own = replace(receive, time_zero_s=(receive.time_zero_s[t],))
        apart += Beamformer(LINEAR, alone, own, LINES, **options)(data[t : t + 1])
    assert np.allclose(together, apart, rtol=0, atol=1e-5 * np.abs(together).max() * 3)


@settings(max_examples=10, deadline=None)
@given(a=st.floats(-4, 4), b=st.floats(-4, 4))
def test_beamforming_is_linear(a: float, b: float) -> None:
    plan = Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES)
    one, other = noise(3, seed=1), noise(3, seed=2)
    both = plan(np.complex64(a) * one + np.complex64(b) * other)
    assert np.allclose(both, a * plan(one) + b * plan(other), rtol=0, atol=1e-4)


def test_turning_a_convex_array_turns_its_picture() -> None:
    step_rad = 2 * math.asin(CONVEX.pitch_m / (2 * CONVEX.radius_m))
    angles_rad = step_rad * np.arange(-6, 7)
    scan = SectorScan(
        angles_rad=angles_rad, ranges_m=np.linspace(17e-3, 30e-3, 40), apex_m=(0.0, -15e-3)
    )
    still, turned = single_elements([8]), single_elements([13])
    data = noise(1)
    # Element e + 5 of the turned data is element e of the first; no other element is heard.
    moved = np.zeros_like(data)
    moved[:, 5:] = data[:, :-5]
    data = data.copy()
    data[:, -5:] = 0
    options: dict[str, Any] = {"f_number": 1.0, "normalize": False}
    receive = receive_for(still)
    first = Beamformer(CONVEX, still, receive, scan, **options)(data)
    second = Beamformer(CONVEX, turned, receive, scan, **options)(moved)
    assert np.allclose(first[:-5], second[5:], rtol=0, atol=2e-3 * np.abs(first).max())


def test_the_aperture_of_a_convex_array_turns_with_its_elements() -> None:
    # Straight before the outermost element, that element alone receives at a large F-number.
    normal = CONVEX.element_normals[-1]
    point_m = CONVEX.element_positions_m[-1] + 10e-3 * normal
    scan = LinearScan(x_m=point_m[0] + np.array([0, 1e-6]), z_m=point_m[2] + np.array([0, 1e-6]))
    sequence = single_elements([23])
    receive = receive_for(sequence, iq=False)
    plan = Beamformer(CONVEX, sequence, receive, scan, f_number=12, window="boxcar")
    for element, heard in ((23, 1.0), (22, 0.0), (0, 0.0)):
        data = np.zeros((1, 24, N_SAMPLES), np.float32)
        data[:, element] = 1
        assert plan(data)[0, 0] == heard


@pytest.mark.parametrize("lens_delay_s", [0.0, 0.1e-6, 0.35e-6])
def test_the_lens_delays_the_echo_both_ways(lens_delay_s: float) -> None:
    probe = replace(LINEAR, lens_delay_s=lens_delay_s)
    sequence = plane_waves([0])
    receive = replace(receive_for(sequence, iq=False), time_zero_s=(0.0,))
    depth_m = 12e-3
    flights_s = np.linalg.norm(LINEAR.element_positions_m - [0, 0, depth_m], axis=1) / C
    arrival_s = depth_m / C + flights_s + 2 * lens_delay_s
    time_s = np.arange(N_SAMPLES) / FS
    data = np.exp(-(((time_s - arrival_s[:, None]) * 4e6) ** 2))[None].astype(np.float32)
    scan = LinearScan(x_m=np.array([0, 1e-4]), z_m=depth_m + np.arange(-60, 61) * 1e-5)
    image = Beamformer(probe, sequence, receive, scan, interpolation="cubic")(data)
    assert abs(scan.z_m[np.argmax(image[0])] - depth_m) <= 1e-5


BEAMS = focused_lines(LINEAR, n_lines=7, focus_depth_m=12e-3, n_aperture=8)


def line_weights(sequence: TransmitSequence, scan: Any) -> NDArray[np.float32]:
    geometry = Geometry(LINEAR, sequence, receive_for(sequence), scan)
    weights = transmit_weights(geometry, scan.points_m().reshape(-1, 3), TransmitWeighting.LINES)
    return weights.reshape(len(sequence), *scan.shape)


def test_beams_share_a_point_by_nearness_and_the_shares_add_up_to_one() -> None:
    weights = line_weights(BEAMS, LINES)
    assert np.allclose(weights.sum(axis=0), 1, atol=1e-6)
    assert np.all((weights > 0).sum(axis=0) <= 2)
    assert np.all(weights >= 0)
    axes_m = np.array([w.origin_m[0] for w in BEAMS.transmits if isinstance(w, FocusedWave)])
    on_axes = LinearScan(x_m=axes_m, z_m=LINES.z_m)
    assert np.allclose(line_weights(BEAMS, on_axes), np.eye(7)[:, :, None], atol=1e-6)
    between = LinearScan(x_m=axes_m[:-1] + np.diff(axes_m) / 4, z_m=LINES.z_m)
    quarter = line_weights(BEAMS, between)
    for line in range(6):
        assert np.allclose(quarter[line, line], 0.75, atol=1e-5)
        assert np.allclose(quarter[line + 1, line], 0.25, atol=1e-5)


def test_a_beam_that_was_sent_twice_counts_half_each_time() -> None:
    (beam,) = focused_lines(LINEAR, n_lines=1, focus_depth_m=12e-3, n_aperture=8).transmits
    weights = line_weights(TransmitSequence(transmits=(beam, beam)), LINES)
    assert np.allclose(weights, 0.5)


def test_beams_that_leave_one_point_share_it() -> None:
    fan = focused_lines(PHASED, n_lines=5, focus_depth_m=12e-3)
    origin = LinearScan(x_m=np.array([0.0, 1e-9]), z_m=np.array([0.0, 1e-9]))
    weights = line_weights(fan, origin)
    assert np.all(np.isfinite(weights))
    assert np.allclose(weights.sum(axis=0), 1, atol=1e-6)


def test_focused_beams_give_the_same_as_the_naive_sum_with_their_shares() -> None:
    receive, data = receive_for(BEAMS), noise(7)
    plan = Beamformer(LINEAR, BEAMS, receive, LINES, f_number=1.0, window="hann", weighting="lines")
    weights = line_weights(BEAMS, LINES).reshape(7, -1).astype(np.float64)
    expected = naive(
        data, LINEAR, BEAMS, receive, LINES, f_number=1.0, window="hann", weights=weights
    )
    assert np.abs(plan(data) - expected).max() < 2e-4 * np.abs(expected).max()


def test_a_beam_far_away_from_every_point_is_not_read() -> None:
    right = LinearScan(x_m=np.linspace(2e-3, 3e-3, 5), z_m=LINES.z_m)
    plan = Beamformer(LINEAR, BEAMS, receive_for(BEAMS), right, weighting="lines")
    data = noise(7)
    spoilt = data.copy()
    spoilt[:3] = np.nan
    image = plan(data)
    assert np.array_equal(image, plan(spoilt))
    weights = line_weights(BEAMS, right).reshape(7, -1).astype(np.float64)
    expected = naive(
        data,
        LINEAR,
        BEAMS,
        plan.geometry.receive,
        right,
        f_number=1.0,
        window="tukey",
        weights=weights,
    )
    assert np.abs(image - expected).max() < 2e-4 * np.abs(expected).max()


def test_the_result_is_written_where_asked() -> None:
    plan = Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES)
    out = np.full(LINES.shape, np.nan, np.complex64)
    assert plan(noise(3), out=out) is out
    assert np.array_equal(out, plan(noise(3)))


def test_integer_samples_give_what_their_float_copies_give() -> None:
    receive = receive_for(PLANES, iq=False)
    data = (1000 * noise(3, iq=False)).astype(np.int16)
    plan = Beamformer(LINEAR, PLANES, receive, LINES)
    assert np.array_equal(plan(data), plan(data.astype(np.float32)))


def test_the_plan_says_what_runs() -> None:
    text = Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES).explain()
    for word in ("IQ", "3 transmits", "compound", "24 elements", "279 points", "linear", "tukey"):
        assert word in text
    assert "tukey window of taper 0.5" in text
    assert "not normalized" not in text
    plain = Beamformer(
        LINEAR, PLANES, receive_for(PLANES), LINES, window="hann", normalize=False
    ).explain()
    assert "hann window, not normalized" in plain


def test_a_phased_array_looks_aside_with_all_of_its_elements_unless_told_otherwise() -> None:
    sequence = single_elements([0])
    receive = receive_for(sequence, iq=False)
    aside = SectorScan(
        angles_rad=np.radians([-45.0, 0.0, 45.0]), ranges_m=np.linspace(8e-3, 12e-3, 5)
    )
    data = np.ones((1, 24, N_SAMPLES), np.float32)
    assert np.allclose(Beamformer(PHASED, sequence, receive, aside)(data), 1)
    narrow = Beamformer(PHASED, sequence, receive, aside, f_number=1.0)(data)
    assert np.all(narrow[[0, 2]] == 0)
    assert Beamformer(LINEAR, sequence, receive, aside).method.f_number == 1


@pytest.mark.parametrize(
    "options",
    [
        {"f_number": -1.0},
        {"f_number": math.nan},
        {"f_number": math.inf},
        {"taper": 1.1},
        {"taper": math.nan},
        {"taper": "half"},
        {"f_number": [1.0]},
        {"interpolation": "band-limited", "upsampling": 2.5},
        {"interpolation": "band-limited", "upsampling": 0},
        {"window": "kaiser"},
        {"window": 2},
        {"f_number": "wide"},
        {"interpolation": "sinc"},
        {"weighting": "lines"},
        {"weighting": "none"},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES, **options)


def test_a_plan_that_would_fill_the_memory_is_refused_before_it_is_made() -> None:
    huge = LinearScan(x_m=np.linspace(-1, 1, 8000), z_m=np.linspace(0.1, 1, 8000))
    beams = focused_lines(LINEAR, n_lines=24, focus_depth_m=0.02)
    with pytest.raises(ArgumentError, match="fewer points"):
        Beamformer(LINEAR, beams, receive_for(beams), huge, weighting="compound")


def test_an_aperture_past_the_probe_is_refused() -> None:
    sequence = TransmitSequence(transmits=(PlaneWave(aperture=(0, LINEAR.n_elements + 1)),))
    with pytest.raises(ArgumentError, match="reaches past"):
        Beamformer(LINEAR, sequence, receive_for(sequence), LINES)


def test_a_clock_for_other_transmits_is_refused() -> None:
    with pytest.raises(ArgumentError, match="3 transmits"):
        Beamformer(LINEAR, PLANES, receive_for(plane_waves([0])), LINES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 24, N_SAMPLES), np.complex64), "shape"),
        (np.zeros((3, 23, N_SAMPLES), np.complex64), "shape"),
        (np.zeros((3, 24, N_SAMPLES - 1), np.complex64), "shape"),
        (np.zeros((1, 3, 24, N_SAMPLES), np.complex64), "one frame"),
        (np.zeros((3, 24, N_SAMPLES), np.float32), "demodulate first"),
        ([], "shape"),
        (np.full((3, 24, N_SAMPLES), "x"), "numbers"),
        (np.zeros((3, 24, N_SAMPLES), bool), "numbers"),
    ],
)
def test_data_of_another_plan_are_refused(data: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES)(data)


def test_iq_data_for_an_rf_plan_are_refused() -> None:
    with pytest.raises(ArgumentError, match="planned for RF"):
        Beamformer(LINEAR, PLANES, receive_for(PLANES, iq=False), LINES)(noise(3))


@pytest.mark.parametrize(
    "out",
    [
        np.empty((9, 30), np.complex64),
        np.empty((9, 31), np.complex128),
        np.empty((31, 9), np.complex64).T,
        np.frombuffer(bytes(9 * 31 * 8), np.complex64).reshape(9, 31),
    ],
)
def test_a_place_that_does_not_fit_is_refused(out: NDArray[Any]) -> None:
    with pytest.raises(ArgumentError, match="out must be"):
        Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES)(noise(3), out=out)


@pytest.mark.parametrize("threads", [0, -1, 1000])
def test_a_senseless_number_of_threads_is_refused(threads: int) -> None:
    with pytest.raises(ArgumentError, match="threads"):
        Beamformer(LINEAR, PLANES, receive_for(PLANES), LINES)(noise(3), threads=threads)


@pytest.mark.parametrize("iq", [True, False])
def test_read_only_and_scattered_data_need_no_second_compilation(iq: bool) -> None:
    beamformer = Beamformer(LINEAR, PLANES, receive_for(PLANES, iq=iq), LINES, kernel="general")
    data = noise(3, iq=iq)
    expected = beamformer(data)
    frozen = data.copy()
    frozen.flags.writeable = False
    scattered = np.asfortranarray(data)
    for given_data in (frozen, scattered):
        np.testing.assert_array_equal(beamformer(given_data), expected)
    kernel = das.das_iq if iq else das.das_rf
    # Without the compiler a kernel is a plain function.
    assert len(getattr(kernel, "signatures", [0])) == 1
