from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from usdk import view
from usdk.acquisition import Acquisition, Gap, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.bmode import BMode
from usdk.demodulation import demodulate
from usdk.errors import ArgumentError
from usdk.image import TimeGain, grey_curve
from usdk.m_mode import MMode, MModeFrame
from usdk.probe import Probe
from usdk.scan import LinearScan, LineScan
from usdk.sequences import plane_waves
from usdk.view import layout

C, FS, FC = 1540.0, 25e6, 5e6
PROBE = Probe.linear(
    "L", n_elements=16, pitch_m=0.3e-3, centre_frequency_hz=FC, fractional_bandwidth=0.6
)
SCAN = LinearScan(x_m=np.linspace(-2e-3, 2e-3, 5), z_m=np.linspace(8e-3, 20e-3, 241))
LINE = LineScan.of(SCAN, x_m=0.5e-3)

REST_M, AMPLITUDE_M, BEAT_HZ = 14e-3, 2e-3, 1.25
FRAME_RATE_HZ = 80.0


def places_m(times_s: Any) -> Any:
    return REST_M + AMPLITUDE_M * np.sin(2 * np.pi * BEAT_HZ * np.asarray(times_s) + 0.4)


def echoes(times_s: Any, **changes: Any) -> Acquisition:
    """A reflector on the line that moves up and down, one frame for each time."""
    sequence = plane_waves()
    sample_s = np.arange(800) / FS
    data = np.empty((len(times_s), 1, 16, 800), np.float32)
    for frame, z_m in zip(data, places_m(times_s), strict=True):
        point_m = np.array([0.5e-3, 0, z_m])
        back_s = np.linalg.norm(PROBE.element_positions_m - point_m, axis=1) / C
        there_s = sequence.transmits[0].arrival_time_s(point_m, PROBE, C)
        late_s = sample_s - (there_s + back_s)[:, None]
        frame[0] = np.exp(-((late_s * 2.5e6) ** 2)) * np.cos(2 * np.pi * FC * late_s)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS, n_samples=800, time_zero_s=(0.0,), sound_speed_m_s=C
    )
    entries: dict[str, Any] = {
        "data": data,
        "probe": PROBE,
        "sequence": sequence,
        "receive": receive,
        "device_timestamps_s": np.asarray(times_s, float),
    }
    return Acquisition(**(entries | changes))


def brightest_m(picture: MModeFrame) -> Any:
    """Depth of each column's centre of brightness."""
    bright = np.where(picture.pixels > 150, picture.pixels, 0).astype(float)
    rows = np.arange(bright.shape[0])[:, None]
    return picture.depth_m(np.sum(rows * bright, axis=0) / bright.sum(axis=0))


TIMES_S = 100 + np.arange(240) / FRAME_RATE_HZ


@pytest.mark.parametrize("n_columns", [100, 240, 600])
def test_amplitude_and_period_of_a_motion_are_those_of_the_reflector(n_columns: int) -> None:
    # Fewer columns than frames, as many, and more.
    data = echoes(TIMES_S)
    plan = MMode(data, LINE, sweep_s=2.4, n_columns=n_columns)
    plan.add(data[:100])
    picture = plan(data[100:])
    assert picture.pixels.shape == (241, n_columns)
    assert picture.has_echoes.all()
    column_s = np.array([picture.time_s(column) for column in range(n_columns)])
    assert column_s[-1] == pytest.approx(TIMES_S[-1], abs=picture.column_s)
    moved_m = brightest_m(picture) - REST_M
    # Sine, cosine and rest of the best fit, at the frequency that fits best.
    best = []
    for beat_hz in np.arange(1.15, 1.35, 0.001):
        angle = 2 * np.pi * beat_hz * column_s
        columns = np.stack((np.sin(angle), np.cos(angle), np.ones_like(angle)), axis=1)
        fit, residual, _, _ = np.linalg.lstsq(columns, moved_m, rcond=None)
        best.append((float(residual[0]), beat_hz, math.hypot(fit[0], fit[1]), fit[2]))
    _, beat_hz, amplitude_m, rest_m = min(best)
    assert 1 / beat_hz == pytest.approx(1 / BEAT_HZ, rel=0.005)
    assert amplitude_m == pytest.approx(AMPLITUDE_M, rel=0.02)
    assert abs(rest_m) < 0.05e-3
    # Each column where its time says, to half a column of motion at its fastest.
    off_m = np.abs(brightest_m(picture) - places_m(column_s)).max()
    frame_s = max(picture.column_s, 1 / FRAME_RATE_HZ)
    assert off_m < 0.05e-3 + 2 * np.pi * BEAT_HZ * AMPLITUDE_M * frame_s


def test_a_column_is_the_line_of_the_b_mode_picture() -> None:
    data = echoes(TIMES_S[:1])
    scan = LinearScan(x_m=np.linspace(0.25e-3, 0.75e-3, 3), z_m=SCAN.z_m)
    frame = BMode(
        data, scan=scan, raster=scan.raster(pixel_size_m=0.05e-3), anti_alias=False, reference=1.0
    )(data)[0]
    picture = MMode(data, LINE, n_columns=2, reference=1.0)(data)
    assert np.abs(picture.pixels[:, -1].astype(int) - frame.pixels[:, 5]).max() <= 1


def test_columns_of_lost_frames_are_black() -> None:
    gap = Gap(first_sequence_number=10, n_frames=30)
    numbers = np.delete(np.arange(80), np.s_[10:40])
    times_s = TIMES_S[numbers] + 0.5 / FRAME_RATE_HZ
    data = echoes(times_s, sequence_numbers=numbers, gaps=(gap,))
    picture = MMode(data, LINE, sweep_s=1.0, n_columns=80)(data)
    black = ~picture.has_echoes
    assert black.sum() == 30
    assert not picture.pixels[:, black].any()
    assert np.all(picture.pixels[:, ~black].max(axis=0) > 200)


def test_iq_and_lines_beamformed_elsewhere_make_the_same_picture() -> None:
    data = echoes(TIMES_S[:20])
    expected = MMode(data, LINE, sweep_s=0.25, n_columns=20)(data)
    iq = demodulate(data)
    from_iq = MMode(iq, LINE, sweep_s=0.25, n_columns=20)(iq)
    plan = MMode(iq, LINE, sweep_s=0.25, n_columns=20)
    beamformer = Beamformer.for_acquisition(iq, LINE)
    for index in range(20):
        plan.add_line(
            beamformer(iq.data[index]), time_s=float(TIMES_S[index]), sequence_number=index
        )
    for picture in (from_iq, plan.frame()):
        assert np.abs(picture.pixels.astype(int) - expected.pixels).max() <= 1


def test_without_times_the_frames_period_counts() -> None:
    data = echoes(TIMES_S[:10], device_timestamps_s=np.full(10, np.nan))
    with pytest.raises(ArgumentError, match="frame_period_s"):
        MMode(data, LINE)(data)
    picture = MMode(data, LINE, sweep_s=0.2, n_columns=10, frame_period_s=0.02)(data)
    assert picture.has_echoes.all()
    assert picture.time_s(9) == pytest.approx(0.19)


def test_greys_follow_the_settings() -> None:
    data = echoes(TIMES_S[:1])
    options: dict[str, Any] = {"n_columns": 2, "reference": 2.0}
    plain = MMode(data, LINE, **options)(data).pixels[:, -1].astype(int)
    curved = MMode(data, LINE, grey_map="s-curve", **options)(data).pixels[:, -1]
    louder = MMode(data, LINE, gain_db=6.0, **options)(data).pixels[:, -1].astype(int)
    gain = TimeGain(depths_m=(0.0, 20e-3), gains_db=(6.0, 6.0))
    raised = MMode(data, LINE, time_gain=gain, **options)(data).pixels[:, -1].astype(int)
    inside = (plain > 20) & (plain < 200)
    assert np.abs(louder - plain - 25.5)[inside].max() <= 1
    assert np.abs(raised - louder)[inside].max() <= 1
    curve = grey_curve("s-curve", 60.0).astype(int)
    assert np.abs(curved - curve[np.rint(plain / 255 * 4095).astype(int)]).max() <= 2
    assert ("grey map", "s-curve") in MMode(data, LINE, grey_map="s-curve")(
        data
    ).provenance.processing


def test_the_picture_has_its_rulers(tmp_path: Path) -> None:
    data = echoes(TIMES_S[:160])
    picture = MMode(data, LINE, sweep_s=2.0, n_columns=300)(data)
    path = view.write_png(picture, tmp_path / "m.png")
    with Image.open(path) as image:
        pixels = np.asarray(image)
    margin = layout.MARGIN
    assert np.array_equal(pixels[:241, margin : margin + 300], picture.pixels)
    marks = np.flatnonzero(pixels[245, margin : margin + 300] == layout.INK)
    times_s = np.array([picture.time_s(float(column)) for column in marks])
    assert np.abs(times_s - np.round(times_s / 0.5) * 0.5).max() < picture.column_s
    assert marks.size == 4


@pytest.mark.parametrize(
    "options",
    [
        {"sweep_s": 0.0},
        {"n_columns": 1},
        {"n_columns": 2.5},
        {"n_columns": "many"},
        {"sweep_s": "long"},
        {"time_gain": 3.0},
        {"frame_period_s": -1.0},
        {"dynamic_range_db": math.nan},
        {"gain_db": math.inf},
        {"reference": 0.0},
        {"grey_map": "gamma"},
        {"window": "unknown"},
        {"compounding": "none"},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        MMode(echoes(TIMES_S[:1]), LINE, **options)


def test_m_mode_looks_along_a_line() -> None:
    scan = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 3), z_m=np.linspace(1e-3, 9e-3, 9))
    with pytest.raises(ArgumentError, match=r"LineScan\.of"):
        MMode(echoes(TIMES_S[:1]), scan)  # type: ignore[arg-type]


@pytest.mark.parametrize("time_s", [1e30, -1e30, math.inf, math.nan, "now"])
def test_times_that_no_column_tells_apart_are_refused(time_s: Any) -> None:
    plan = MMode(echoes(TIMES_S[:1]), LINE)
    with pytest.raises(ArgumentError, match="time_s"):
        plan.add_line(np.zeros(LINE.shape, np.float32), time_s=time_s)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_line_that_is_not_finite_does_not_enter_the_picture(value: float) -> None:
    plan = MMode(echoes(TIMES_S[:1]), LINE)
    with pytest.raises(ArgumentError, match="finite"):
        plan.add_line(np.full(LINE.shape, value, np.float32), time_s=0.0)
    with pytest.raises(ArgumentError, match="no frame"):
        plan.frame()


def test_data_of_another_kind_are_refused() -> None:
    data = echoes(TIMES_S[:1])
    plan = MMode(data, LINE)
    with pytest.raises(ArgumentError, match="no frame was added"):
        plan.frame()
    other = replace(data, receive=replace(data.receive, sound_speed_m_s=1480.0))
    with pytest.raises(ArgumentError, match="planned for another"):
        plan.add(other)
    with pytest.raises(ArgumentError, match="line's shape"):
        plan.add_line(np.zeros(3, np.complex64), time_s=0.0)
    with pytest.raises(ArgumentError, match="time_s"):
        plan.add_line(np.zeros(241, np.complex64), time_s=math.nan)


def test_the_provenance_tells_the_gaps_of_the_picture() -> None:
    numbers = np.r_[0:10, 40:50]
    times_s = numbers / FRAME_RATE_HZ
    gap = Gap(first_sequence_number=10, n_frames=30)
    data = echoes(times_s, sequence_numbers=numbers, gaps=(gap,))
    plan = MMode(data, LINE, sweep_s=0.5)
    assert plan(data).provenance.gaps == (gap,)
    later = echoes(times_s[:10] + 2.0, sequence_numbers=np.arange(50, 60))
    assert plan(later).provenance.gaps == ()
    assert plan(data).provenance.gaps == (gap,)
    plan.reset()
    plan.add(later)
    assert plan.frame().provenance.gaps == ()
