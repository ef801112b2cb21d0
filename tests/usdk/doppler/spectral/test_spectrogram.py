from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from usdk.doppler import SlowTime
from usdk.doppler.clutter import IirFilter, IirKind
from usdk.doppler.spectral import SlowTimeSignal, Spectra, Spectrogram, unbroken
from usdk.errors import ArgumentError

PRF = 5000.0
CLOCK = SlowTime(prf_hz=PRF, frequency_hz=5e6, sound_speed_m_s=1540.0)
WALL = IirFilter(0.02, 4, kind=IirKind.BUTTERWORTH)


def noise(n_pulses: int, n_looks: int = 1) -> Any:
    random = np.random.default_rng(2)
    parts = random.standard_normal((2, n_looks, n_pulses))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def flow(velocity_m_s: float, n_pulses: int) -> Any:
    """Echo of one velocity along the beam."""
    turns = CLOCK.doppler_shift_hz(velocity_m_s) / PRF * np.arange(n_pulses)
    return np.exp(2j * np.pi * turns).astype(np.complex64)


@pytest.mark.parametrize("angle_deg", [0.0, 60.0])
@pytest.mark.parametrize("velocity_m_s", [0.1, -0.25])
def test_velocity_towards_the_probe_is_positive_and_corrected(
    velocity_m_s: float, angle_deg: float
) -> None:
    angle_rad = np.deg2rad(angle_deg)
    spectra = Spectrogram(CLOCK, angle_rad=angle_rad)(flow(velocity_m_s, 600))
    found_m_s = spectra.velocity_m_s[spectra.power.argmax(axis=1)]
    step_m_s = 2 * spectra.nyquist_m_s / spectra.n_bins
    np.testing.assert_allclose(
        found_m_s, velocity_m_s / np.cos(angle_rad), atol=step_m_s / 2 + 1e-9
    )


def test_the_scale_ends_at_the_nyquist_velocity() -> None:
    spectra = Spectrogram(CLOCK)(noise(200))
    assert spectra.nyquist_m_s == pytest.approx(1540 * PRF / (4 * 5e6))
    assert spectra.velocity_m_s[0] == pytest.approx(-spectra.nyquist_m_s)
    assert spectra.velocity_m_s[128] == 0.0


def test_aliased_flow_is_put_right_by_the_baseline() -> None:
    nyquist_m_s = CLOCK.nyquist_m_s
    spectra = Spectrogram(CLOCK)(flow(1.3 * nyquist_m_s, 300))
    aliased = spectra.velocity_m_s[spectra.power[0].argmax()]
    assert aliased == pytest.approx(-0.7 * nyquist_m_s, abs=0.01 * nyquist_m_s)
    shifted = spectra.shifted(-0.4)
    assert shifted.velocity_m_s[shifted.power[0].argmax()] == pytest.approx(
        1.3 * nyquist_m_s, abs=0.01 * nyquist_m_s
    )
    assert shifted.velocity_m_s[0] == pytest.approx(-0.2 * nyquist_m_s, rel=0.05)
    assert shifted.shifted(0.0).power.tobytes() == spectra.power.tobytes()


@pytest.mark.parametrize("estimator", ["periodogram", "welch", "capon", "blood APES"])
@pytest.mark.parametrize("size", [1, 17, 128, 499])
def test_blocks_of_any_size_give_the_same_bits(estimator: str, size: int) -> None:
    n_pulses = 120 if estimator in ("capon", "blood APES") else 5000
    signal = noise(n_pulses, 2) + 100
    spectrogram = Spectrogram(CLOCK, estimator=estimator, n_window=32, wall_filter=WALL)
    whole = spectrogram(signal)
    parts = [spectrogram.add(signal[:, n : n + size]) for n in range(0, n_pulses, size)]
    joined = Spectra.joined(parts)
    assert whole.n_columns == (n_pulses - 32) // 8 + 1
    assert joined.power.tobytes() == whole.power.tobytes()
    assert joined.time_s.tobytes() == whole.time_s.tobytes()


def test_the_time_of_a_column_is_the_middle_of_its_window() -> None:
    spectrogram = Spectrogram(CLOCK, n_window=100, overlap=0.5)
    signal = SlowTimeSignal(samples=noise(400), first_pulse=1000, start_s=7.0)
    spectra = spectrogram(signal)
    assert spectra.first_pulse.tolist() == [1000, 1050, 1100, 1150, 1200, 1250, 1300]
    np.testing.assert_allclose(spectra.time_s, 7 + (spectra.first_pulse - 1000 + 49.5) / PRF)


def test_columns_that_touch_a_hole_are_absent() -> None:
    spectrogram = Spectrogram(CLOCK, n_window=32, overlap=0.75)
    signal = noise(400)
    whole = spectrogram(signal)
    lost = signal.copy()
    lost[0, 100:103] = np.nan
    spectra = spectrogram(lost)
    is_left = (whole.first_pulse + 32 <= 100) | (whole.first_pulse >= 103)
    assert spectra.first_pulse.tolist() == whole.first_pulse[is_left].tolist()
    assert spectra.power.tobytes() == whole.power[is_left].tobytes()
    assert np.flatnonzero(spectra.is_after_hole).tolist() == [int(np.argmin(is_left))]
    np.testing.assert_array_equal(spectra.time_s, whole.time_s[is_left])


def test_pulses_lost_at_the_end_of_a_block_are_a_hole() -> None:
    spectrogram = Spectrogram(CLOCK, n_window=32, overlap=0.75)
    signal = noise(400)
    signal[0, 190:210] = np.nan
    whole = spectrogram(signal)
    joined = Spectra.joined([spectrogram.add(signal[:, n : n + 40]) for n in range(0, 400, 40)])
    assert joined.first_pulse.tolist() == whole.first_pulse.tolist()
    assert joined.power.tobytes() == whole.power.tobytes()
    assert spectrogram.add(np.full(50, np.nan)).n_columns == 0
    assert spectrogram.next_pulse == 450


def test_signals_are_never_glued_over_a_gap() -> None:
    # The phase jumps where pulses are missing: glued together that would be a broad spectrum.
    spectrogram = Spectrogram(CLOCK, n_window=64, overlap=0.5)
    tone = flow(0.1, 1000)[None]
    first = spectrogram.add(SlowTimeSignal(samples=tone[:, :100], first_pulse=0))
    second = spectrogram.add(SlowTimeSignal(samples=tone[:, 513:], first_pulse=513))
    for spectra in (first, second):
        share = spectra.power.max(axis=1) / spectra.power.sum(axis=1)
        np.testing.assert_allclose(share, share[0], rtol=1e-3)
    assert first.first_pulse[-1] + 64 <= 100
    assert second.first_pulse[0] == 544


def test_numbers_that_go_back_begin_a_new_signal() -> None:
    spectrogram = Spectrogram(CLOCK, n_window=32)
    spectrogram.add(SlowTimeSignal(samples=noise(100), first_pulse=5000, start_s=3.0))
    spectra = spectrogram.add(SlowTimeSignal(samples=noise(100), first_pulse=0, start_s=9.0))
    assert spectra.time_s[0] == pytest.approx(9 + 15.5 / PRF)


def test_the_wall_filter_takes_standing_and_slow_echoes_away_and_leaves_flow() -> None:
    spectrogram = Spectrogram(CLOCK, wall_filter=WALL)
    clutter = 1000 + 100 * flow(0.002, 2000)
    blood = flow(0.15, 2000)
    spectra = spectrogram(clutter + blood)
    without = Spectrogram(CLOCK)(blood)
    np.testing.assert_allclose(
        spectra.power[8:, 170:240], without.power[8:, 170:240], rtol=0.1, atol=1e-4
    )
    # 60 dB above the blood before the filter, below it after.
    assert spectra.power[:, 128].max() < 0.1 * without.power.max()


def test_standing_echoes_leave_no_transient() -> None:
    power = Spectrogram(CLOCK, wall_filter=WALL)(np.full(500, 1000 + 500j)).power
    assert power.max() < 1e-6


def test_memory_does_not_grow() -> None:
    spectrogram = Spectrogram(CLOCK, wall_filter=WALL)
    block = noise(256)
    for _ in range(20):
        spectrogram.add(block)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            spectrogram.add(block)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_an_array_is_cut_at_its_nan() -> None:
    signal = np.arange(10, dtype=complex)
    signal[[0, 4, 5]] = np.nan
    runs = unbroken(signal, first_pulse=20, start_s=1.0, prf_hz=10.0)
    assert [(run.first_pulse, run.samples[0].real.tolist()) for run in runs] == [
        (21, [1, 2, 3]),
        (26, [6, 7, 8, 9]),
    ]
    assert [run.start_s for run in runs] == pytest.approx([1.1, 1.6])


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (np.full(10, np.inf + 0j), "infinite"),
        (np.zeros((2, 2, 2)), "slow-time signal is complex"),
        (np.array(["a"]), "slow-time signal is complex"),
        (np.zeros((65, 10), complex), "slow time comes last"),
    ],
)
def test_what_is_no_signal_is_refused(bad: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Spectrogram(CLOCK).add(bad)


def test_another_number_of_looks_is_refused() -> None:
    spectrogram = Spectrogram(CLOCK)
    spectrogram.add(noise(10, 2))
    with pytest.raises(ArgumentError, match="looks"):
        spectrogram.add(noise(10))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"estimator": "magic"}, "magic"),
        ({"overlap": 1.0}, "overlap"),
        ({"n_window": 1}, "n_window"),
        ({"angle_rad": 1.55}, "angle_rad"),
        ({"wall_filter": 3}, "without end"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        Spectrogram(CLOCK, **options)
