"""Band-limited interpolation on the shift-invariant kernel, against records resampled by FFT."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.signal
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

FINE = 16  # of the FFT: a straight line between such samples errs by a part in a thousand
PROBE = Probe.linear(
    "L", n_elements=32, pitch_m=0.3e-3, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
WAVES = plane_waves([-12, -3, 0, 8])
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=512, time_zero_s=(1e-6,) * 4)


def columns(per_pitch: int = 1) -> LinearScan:
    x_m = PROBE.element_positions_m[:, 0]
    n = per_pitch * (x_m.size - 1) + 1
    return LinearScan(x_m=np.linspace(x_m[0], x_m[-1], n), z_m=np.linspace(4e-3, 14e-3, 60))


def channel_data(iq: bool) -> NDArray[Any]:
    """Noise in the probe's band, silent near the record's ends."""
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((4, 32, 512))
    rf = scipy.signal.sosfiltfilt(
        scipy.signal.butter(6, (3.7e6, 6.3e6), "bandpass", fs=20e6, output="sos"), noise
    )
    rf *= scipy.signal.windows.tukey(512, 0.2)
    if not iq:
        return rf.astype(np.float32)
    time_s = np.arange(512) / 20e6 + 1e-6
    mixed = scipy.signal.hilbert(rf) * np.exp(-2j * np.pi * 5e6 * time_s)
    return mixed.astype(np.complex64)


def ideal(data: NDArray[Any], receive: ReceiveSettings, scan: LinearScan) -> NDArray[Any]:
    """The general kernel on sixteen times as many samples."""
    more = replace(receive, sampling_frequency_hz=20e6 * FINE, n_samples=512 * FINE)
    fine = scipy.signal.resample(data, 512 * FINE, axis=-1).astype(data.dtype)
    return Beamformer(PROBE, WAVES, more, scan, kernel="general")(fine)


def error(found: NDArray[Any], truth: NDArray[Any]) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


@pytest.mark.parametrize("per_pitch", [1, 2])
def test_it_is_nearer_to_the_truth_the_more_it_upsamples_and_always_nearer_than_lines(
    per_pitch: int,
) -> None:
    scan, data = columns(per_pitch), channel_data(iq=False)
    truth = ideal(data, RECEIVE, scan)

    def scaled(found: NDArray[Any]) -> float:
        # Straight lines damp: only what they distort counts.
        return error(found * (np.vdot(found, truth) / np.vdot(found, found)).real, truth)

    linear = scaled(Beamformer(PROBE, WAVES, RECEIVE, scan)(data))
    errors = {}
    for n in (1, 2, 4):
        plan = Beamformer(PROBE, WAVES, RECEIVE, scan, interpolation="band-limited", upsampling=n)
        assert plan.kernel == "shift"
        assert f"upsampled {n} times" in plan.explain()
        errors[n] = scaled(plan(data))
    assert errors[1] < linear
    assert errors[2] < 0.35 * linear
    assert errors[4] < 0.15 * linear


def test_of_iq_a_few_values_to_the_sample_are_enough() -> None:
    receive = replace(RECEIVE, demodulation_frequency_hz=5e6)
    scan, data = columns(), channel_data(iq=True)
    plan = Beamformer(PROBE, WAVES, receive, scan, interpolation="band-limited", upsampling=2)
    assert plan.kernel == "shift"
    assert error(plan(data), ideal(data, receive, scan)) < 5e-3


@pytest.mark.parametrize("iq", [True, False], ids=["IQ", "RF"])
def test_upsampling_before_another_kernel_comes_to_the_same(iq: bool) -> None:
    receive = replace(RECEIVE, demodulation_frequency_hz=5e6 if iq else 0.0)
    options: dict[str, Any] = {"interpolation": "band-limited", "window": "hann"}
    scan, data = columns(), channel_data(iq)
    first = Beamformer(PROBE, WAVES, receive, scan, **options)
    second = Beamformer(PROBE, WAVES, receive, scan, kernel="general", **options)
    assert (first.kernel, second.kernel) == ("shift", "general")
    assert error(first(data), second(data)) < 0.03


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    plan = Beamformer(PROBE, WAVES, RECEIVE, columns(2), interpolation="band-limited")
    data = channel_data(iq=False)
    assert np.array_equal(plan(data, threads=1), plan(data, threads=threads))


@pytest.mark.parametrize("n", [0, 9, 2.5])
def test_upsampling_out_of_range_is_refused(n: Any) -> None:
    with pytest.raises(ArgumentError, match="upsampling must be 1 to 8"):
        Beamformer(PROBE, WAVES, RECEIVE, columns(), interpolation="band-limited", upsampling=n)


def test_a_copy_that_would_fill_the_memory_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usdk.beamform.plan_shift.MAX_SKEWED_BYTES", 10_000)
    monkeypatch.setattr("usdk.beamform.plan_shift_fine.MAX_SKEWED_BYTES", 10_000)
    options: dict[str, Any] = {"interpolation": "band-limited"}
    assert Beamformer(PROBE, WAVES, RECEIVE, columns(), **options).kernel != "shift"
    with pytest.raises(ArgumentError, match="too large"):
        Beamformer(PROBE, WAVES, RECEIVE, columns(), kernel="shift", **options)


def test_rows_that_float32_does_not_count_are_left_to_another_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def plan() -> Beamformer:
        return Beamformer(PROBE, WAVES, RECEIVE, columns(), interpolation="band-limited")

    monkeypatch.setattr("usdk.beamform.plan_shift.MAX_SKEWED_BYTES", 10_000)  # not upsampled before
    assert plan().kernel == "shift"
    monkeypatch.setattr("usdk.beamform.plan_shift_fine.MAX_ROWS", 400)
    assert plan().kernel != "shift"
