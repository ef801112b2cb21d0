from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import focused_lines, plane_waves, single_elements
from usdk.transmit import TransmitSequence

N_SAMPLES = 700
PROBE = Probe.linear(
    "L", n_elements=24, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
SCAN = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 41), z_m=np.linspace(5e-3, 20e-3, 51))
PLANES = plane_waves([-8, -4, 0, 4, 8])
BEAMS = focused_lines(PROBE, n_lines=6, focus_depth_m=12e-3, n_aperture=8)


def receive_for(sequence: TransmitSequence, *, iq: bool = True) -> ReceiveSettings:
    return ReceiveSettings(
        sampling_frequency_hz=20e6,
        n_samples=N_SAMPLES,
        time_zero_s=tuple(np.linspace(-1e-6, 1e-6, len(sequence)).tolist()),
        demodulation_frequency_hz=5e6 if iq else 0.0,
    )


def noise(n_transmits: int, *, iq: bool = True) -> NDArray[Any]:
    rng = np.random.default_rng(3)
    shape = (n_transmits, 24, N_SAMPLES)
    real = rng.standard_normal(shape).astype(np.float32)
    return (real + 1j * rng.standard_normal(shape)).astype(np.complex64) if iq else real


def plan_for(sequence: TransmitSequence, *, iq: bool = True, **options: Any) -> Beamformer:
    return Beamformer(PROBE, sequence, receive_for(sequence, iq=iq), SCAN, **options)


def alone(
    sequence: TransmitSequence, transmits: list[int], *, iq: bool = True, **options: Any
) -> NDArray[Any]:
    """Return what some of the transmits give by themselves."""
    receive = receive_for(sequence, iq=iq)
    part = replace(sequence, transmits=tuple(sequence.transmits[t] for t in transmits))
    own = replace(receive, time_zero_s=tuple(receive.time_zero_s[t] for t in transmits))
    plan = Beamformer(PROBE, part, own, SCAN, **options)
    return plan(noise(len(sequence), iq=iq)[transmits])


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_none_gives_the_image_of_every_transmit(iq: bool) -> None:
    plan = plan_for(PLANES, iq=iq, compounding="none")
    images = plan(noise(5, iq=iq))
    assert images.shape == plan.shape == (5, *SCAN.shape)
    assert images.dtype == plan.dtype == (np.complex64 if iq else np.float32)
    for t in range(5):
        assert np.array_equal(images[t], alone(PLANES, [t], iq=iq))


def test_the_images_add_up_to_the_coherent_one() -> None:
    options: dict[str, Any] = {"normalize": False, "weighting": "retrospective"}
    images = plan_for(BEAMS, compounding="none", **options)(noise(6))
    together = plan_for(BEAMS, **options)(noise(6))
    assert np.allclose(images.sum(axis=0), together, rtol=0, atol=1e-5 * np.abs(together).max())


def test_incoherent_is_the_mean_of_the_envelopes() -> None:
    plan = plan_for(PLANES, compounding="incoherent")
    image = plan(noise(5))
    assert image.shape == plan.shape == SCAN.shape
    assert image.dtype == plan.dtype == np.float32
    expected = np.mean([np.abs(alone(PLANES, [t])) for t in range(5)], axis=0)
    assert np.allclose(image, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("labels", [(0, 0, 1, 1, 1), (7, -2, 7, -2, 7), (3, 3, 3, 3, 3)])
def test_groups_are_coherent_within_and_incoherent_between(labels: tuple[int, ...]) -> None:
    groups = [[t for t in range(5) if labels[t] == g] for g in sorted(set(labels))]
    apart = [alone(PLANES, group) for group in groups]
    images = plan_for(PLANES, compounding="none", compounding_groups=labels)(noise(5))
    assert np.array_equal(images, np.array(apart))
    image = plan_for(PLANES, compounding="incoherent", compounding_groups=labels)(noise(5))
    assert np.allclose(image, np.abs(apart).mean(axis=0), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    "options",
    [
        {"interpolation": "band-limited"},
        {"combination": "coherence factor"},
        {"directivity": True, "window": "hamming"},
        {"alignment": "resample"},
    ],
    ids=lambda options: next(iter(options.values())),
)
def test_other_options_hold_in_every_group(options: dict[str, Any]) -> None:
    apart = [alone(PLANES, group, **options) for group in ([0, 2, 4], [1, 3])]
    labels = (0, 1, 0, 1, 0)
    images = plan_for(PLANES, compounding="none", compounding_groups=labels, **options)(noise(5))
    assert np.array_equal(images, np.array(apart))
    mean = plan_for(PLANES, compounding="incoherent", compounding_groups=labels, **options)
    assert np.allclose(mean(noise(5)), np.abs(apart).mean(axis=0), rtol=1e-4, atol=1e-6)


def test_a_group_counts_by_how_much_of_it_reaches_a_point() -> None:
    # Data of ones: any point that is heard at all gives 1, however few beams reach it.
    sequence = focused_lines(PROBE, n_lines=3, focus_depth_m=12e-3, n_aperture=8)
    receive = replace(receive_for(sequence), demodulation_frequency_hz=1e-3)
    plan = Beamformer(PROBE, sequence, receive, SCAN, compounding="incoherent")
    assert plan.method.weighting == "retrospective"
    image = plan(np.ones((3, 24, N_SAMPLES), np.complex64))
    # Samples outside the record count as zeros; the depths looked at lie inside it.
    heard = image > 0
    assert heard.mean() > 0.5
    assert np.allclose(image[heard], 1, atol=1e-5)


def test_sweeps_of_lines_are_averaged() -> None:
    sweeps = TransmitSequence(transmits=BEAMS.transmits + BEAMS.transmits)
    labels = (0,) * 6 + (1,) * 6
    options: dict[str, Any] = {"weighting": "lines"}
    image = plan_for(sweeps, compounding="incoherent", compounding_groups=labels, **options)(
        noise(12)
    )
    apart = [alone(sweeps, list(range(6)), **options), alone(sweeps, list(range(6, 12)), **options)]
    assert np.allclose(image, np.abs(apart).mean(axis=0), rtol=1e-5, atol=0)


def test_the_number_of_threads_changes_no_bit() -> None:
    plan = plan_for(PLANES, compounding="incoherent", compounding_groups=(0, 1, 0, 1, 0))
    assert np.array_equal(plan(noise(5), threads=1), plan(noise(5), threads=3))


def peak_bytes(plan: Beamformer) -> int:
    """Return the memory that a frame takes beyond what the plan holds."""
    data, out = noise(5), np.empty(plan.shape, plan.dtype)
    plan(data, out=out, threads=1)
    tracemalloc.start()
    plan(data, out=out, threads=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("compounding", ["incoherent", "none"])
def test_a_frame_allocates_no_more_than_its_kernels_do(compounding: str) -> None:
    scan = LinearScan(x_m=np.linspace(-3e-3, 3e-3, 200), z_m=np.linspace(5e-3, 20e-3, 200))
    receive, labels = receive_for(PLANES), (0, 1, 0, 1, 0)
    kernels_own = peak_bytes(Beamformer(PROBE, PLANES, receive, scan, kernel="general"))
    plan = Beamformer(
        PROBE,
        PLANES,
        receive,
        scan,
        compounding=compounding,
        compounding_groups=labels,
        kernel="general",
    )
    # An image takes 320 kB, a group's data 270 kB; what Python itself needs for its calls is left.
    assert peak_bytes(plan) < kernels_own + 20_000


def test_the_plan_says_what_becomes_of_the_groups() -> None:
    plan = plan_for(PLANES, compounding="incoherent", compounding_groups=(0, 0, 1, 1, 1))
    assert "mean envelope of 2 groups" in plan.explain()
    assert "an image of each of 5 groups" in plan_for(PLANES, compounding="none").explain()
    assert "group" not in plan_for(PLANES).explain()
    assert plan.n_bytes > plan_for(PLANES).n_bytes


def test_a_kernel_can_be_asked_for_in_every_group() -> None:
    aligned = LinearScan(x_m=PROBE.element_positions_m[:, 0], z_m=SCAN.z_m)
    receive = receive_for(PLANES)
    images = [
        Beamformer(PROBE, PLANES, receive, aligned, compounding="none", kernel=kernel)(noise(5))
        for kernel in ("general", "shift")
    ]
    assert np.abs(images[0] - images[1]).max() < 1e-4 * np.abs(images[0]).max()
    with pytest.raises(ArgumentError, match="shift"):
        plan_for(single_elements([0, 5]), compounding="none", kernel="shift")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"compounding": "incoherent", "iq": False}, "demodulate"),
        ({"compounding": "sometimes"}, "not one of"),
        ({"compounding": "none", "compounding_groups": (0, 1)}, "5 transmits"),
        ({"compounding": "none", "compounding_groups": (0, 1, 2, 3, 4.5)}, "integers"),
        ({"compounding": "none", "compounding_groups": 5}, "integers"),
        ({"compounding_groups": (0, 0, 1, 1, 1)}, "incoherent"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        plan_for(PLANES, **options)


def test_single_lines_are_no_images_to_average() -> None:
    with pytest.raises(ArgumentError, match="compounding_groups"):
        plan_for(BEAMS, compounding="incoherent", weighting="lines")
    assert plan_for(BEAMS, compounding="incoherent").method.weighting == "retrospective"


@pytest.mark.parametrize(
    "out", [np.empty(SCAN.shape, np.complex64), np.empty((5, *SCAN.shape), np.float32)]
)
def test_a_place_that_does_not_fit_is_refused(out: NDArray[Any]) -> None:
    for compounding in ("none", "incoherent"):
        with pytest.raises(ArgumentError, match="out must be"):
            plan_for(PLANES, compounding=compounding)(noise(5), out=out)
