from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from usdk import view
from usdk.doppler import SlowTime
from usdk.doppler.spectral import SpectralFrame, SpectralSweep, Spectrogram
from usdk.errors import ArgumentError
from usdk.view import layout

PRF = 5000.0
CLOCK = SlowTime(prf_hz=PRF, frequency_hz=5e6, sound_speed_m_s=1540.0)


def flow(velocity_m_s: float, n_pulses: int = 5000) -> Any:
    turns = CLOCK.doppler_shift_hz(velocity_m_s) / PRF * np.arange(n_pulses)
    return np.exp(2j * np.pi * turns).astype(np.complex64)


def swept(signal: Any, angle_rad: float = 0.0, **options: Any) -> SpectralFrame:
    sweep = SpectralSweep(**({"sweep_s": 1.0, "n_columns": 100} | options))
    sweep.add(Spectrogram(CLOCK, angle_rad=angle_rad)(signal))
    return sweep.frame()


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("baseline", [-0.3, 0.0, 0.3])
@pytest.mark.parametrize("velocity_m_s", [0.05, -0.05])
def test_flow_stands_in_the_row_of_its_velocity(
    velocity_m_s: float, baseline: float, invert: bool
) -> None:
    frame = swept(flow(velocity_m_s), baseline=baseline, invert=invert)
    row = int(frame.pixels[:, 50].argmax())
    assert frame.velocity_m_s(row) == pytest.approx(velocity_m_s, abs=abs(frame.row_m_s))
    assert frame.row(frame.velocity_m_s(7.5)) == pytest.approx(7.5)
    is_above = row < frame.baseline_row
    assert is_above == ((velocity_m_s > 0) != invert)
    assert frame.is_inverted is invert


def test_the_baseline_moves_to_where_it_was_asked_for() -> None:
    # All of the scale towards the probe: zero stands at the bottom.
    assert swept(flow(0.1), baseline=-0.5).baseline_row == pytest.approx(255)
    assert swept(flow(0.1), baseline=0.5).baseline_row == pytest.approx(-1)
    assert swept(flow(0.1)).baseline_row == pytest.approx(127)


def test_aliased_flow_comes_right_by_the_baseline() -> None:
    velocity_m_s = 1.2 * CLOCK.nyquist_m_s
    folded = swept(flow(velocity_m_s))
    row = int(folded.pixels[:, 50].argmax())
    assert folded.velocity_m_s(row) == pytest.approx(-0.8 * CLOCK.nyquist_m_s, rel=0.02)
    shifted = swept(flow(velocity_m_s), baseline=-0.3)
    row = int(shifted.pixels[:, 50].argmax())
    assert shifted.velocity_m_s(row) == pytest.approx(velocity_m_s, rel=0.02)


def test_the_scale_is_corrected_for_the_angle() -> None:
    frame = swept(flow(0.1), angle_rad=np.pi / 3)
    row = int(frame.pixels[:, 50].argmax())
    assert frame.velocity_m_s(row) == pytest.approx(0.2, abs=abs(frame.row_m_s))


def test_the_time_axis_is_that_of_the_pulses() -> None:
    signal = flow(0.1, 10_000)
    signal[:7500] *= 1e-3
    frame = swept(signal, sweep_s=2.0, n_columns=200)
    is_white = frame.pixels.max(axis=0) > 200
    begun_s = frame.time_s(int(np.flatnonzero(is_white)[0]))
    # The first window that holds half of the new flow has its middle where it begins.
    assert begun_s == pytest.approx(1.5, abs=0.02)
    assert frame.column_s == pytest.approx(0.01)


def test_levels_are_decibels_below_the_reference() -> None:
    signal = flow(0.1)
    signal[2500:] *= 0.1
    frame = swept(signal, dynamic_range_db=40.0)
    loud, soft = (int(frame.pixels[:, column].max()) for column in (30, 80))
    assert loud == 255
    # 20 dB less is half of 40 dB.
    assert soft == pytest.approx(127, abs=2)
    louder = swept(signal, dynamic_range_db=40.0, gain_db=10.0)
    assert int(louder.pixels[:, 80].max()) == pytest.approx(191, abs=2)


def test_lost_pulses_stay_black() -> None:
    signal = flow(0.1)
    signal[2000:3000] = np.nan
    frame = swept(signal)
    lost = ~frame.has_signal
    assert 15 <= lost[20:80].sum() <= 30
    assert not frame.pixels[:, lost].any()
    assert frame.pixels[:, frame.has_signal].max(axis=0).min() > 200


def test_the_picture_does_not_depend_on_the_blocks() -> None:
    signal = flow(0.1) + 0.1 * flow(-0.2)
    whole = swept(signal)
    sweep, spectrogram = SpectralSweep(sweep_s=1.0, n_columns=100), Spectrogram(CLOCK)
    for n in range(0, 5000, 173):
        sweep.add(spectrogram.add(signal[n : n + 173]))
    np.testing.assert_array_equal(sweep.frame().pixels, whole.pixels)


def test_the_trace_stands_on_the_picture(pulsatile: Any) -> None:
    sweep = SpectralSweep(sweep_s=4.0, n_columns=400, trace=True)
    sweep.add(Spectrogram(pulsatile.slow_time)(pulsatile.signal))
    frame = sweep.frame()
    assert frame.trace is not None
    truth = pulsatile.vessel.axis_velocity_m_s(frame.trace.time_s)
    error = (frame.trace.maximum_m_s - truth)[5:-5]
    assert abs(np.mean(error)) < 0.01
    assert frame.trace.column_s == frame.column_s


def test_another_spectrogram_begins_a_new_picture() -> None:
    sweep = SpectralSweep(sweep_s=1.0, n_columns=100)
    sweep.add(Spectrogram(CLOCK)(flow(0.1)))
    other = replace(CLOCK, prf_hz=4000.0)
    sweep.add(Spectrogram(other)(flow(0.1, 400)))
    frame = sweep.frame()
    assert frame.slow_time == other
    assert frame.has_signal.sum() < 20


def test_the_picture_has_rulers_a_baseline_and_its_trace(tmp_path: Path, pulsatile: Any) -> None:
    sweep = SpectralSweep(n_columns=300, trace=True)
    sweep.add(Spectrogram(pulsatile.slow_time)(pulsatile.signal))
    frame = sweep.frame()
    with Image.open(view.write_png(frame, tmp_path / "spectrum.png")) as image:
        pixels = np.asarray(image)
    assert pixels.shape[2] == 3
    is_trace = (pixels == layout.TRACE).all(axis=-1)
    columns = np.flatnonzero(is_trace.any(axis=0)) - layout.MARGIN
    assert columns.min() < 10
    assert columns.max() > 290
    with Image.open(view.write_png(frame, tmp_path / "bare.png", ruler=False)) as image:
        np.testing.assert_array_equal(np.asarray(image), frame.pixels)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"baseline": 0.6}, "baseline"),
        ({"n_columns": 1}, "n_columns"),
        ({"sweep_s": 0}, "sweep_s"),
        ({"dynamic_range_db": -1}, "dynamic_range_db"),
        ({"grey_map": "pink"}, "pink"),
    ],
)
def test_options_out_of_range_are_refused(options: Any, match: str) -> None:
    with pytest.raises(ArgumentError, match=match):
        SpectralSweep(**options)


def test_a_picture_needs_spectra() -> None:
    with pytest.raises(ArgumentError, match="no spectrum"):
        SpectralSweep().frame()
