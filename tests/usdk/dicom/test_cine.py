from __future__ import annotations

import math

import numpy as np
import pytest
from pydicom import Dataset

from usdk.dicom.cine import add_cine
from usdk.errors import ArgumentError


def written(times_s, **options):
    dataset = Dataset()
    add_cine(dataset, times_s, **options)
    return dataset


def test_even_frames_have_one_frame_time():
    dataset = written([0.0, 0.04, 0.08])
    assert float(dataset.FrameTime) == pytest.approx(40.0)
    assert dataset.FrameIncrementPointer == 0x00181063
    assert "FrameTimeVector" not in dataset
    assert dataset.NumberOfFrames == 3
    assert dataset.CineRate == 25
    assert dataset.RecommendedDisplayFrameRate == 25
    assert float(dataset.EffectiveDuration) == pytest.approx(0.12)


def test_a_little_jitter_is_still_even():
    jitter_s = np.random.default_rng(1).uniform(-0.5e-3, 0.5e-3, 100)
    dataset = written(7.0 + np.arange(100) * 0.04 + jitter_s)
    assert float(dataset.FrameTime) == pytest.approx(40.0, abs=0.02)


def test_uneven_frames_keep_their_times():
    times_s = [5.0, 5.04, 5.2, 5.24]
    dataset = written(times_s)
    assert dataset.FrameIncrementPointer == 0x00181065
    assert "FrameTime" not in dataset
    steps_ms = [float(step) for step in dataset.FrameTimeVector]
    assert steps_ms[0] == 0
    assert np.cumsum(steps_ms) / 1e3 == pytest.approx(np.array(times_s) - 5.0, abs=1e-9)


def test_roundings_do_not_add_up_over_a_long_cine():
    rng = np.random.default_rng(2)
    times_s = np.cumsum(rng.uniform(0.001, 0.1, 3000))
    steps_ms = [float(step) for step in written(times_s).FrameTimeVector]
    assert sum(steps_ms) / 1e3 == pytest.approx(times_s[-1] - times_s[0], abs=2e-9)


def test_unknown_times_need_an_interval():
    with pytest.raises(ArgumentError, match="frame_interval_s"):
        written([math.nan] * 3)
    dataset = written([math.nan] * 3, frame_interval_s=0.02)
    assert float(dataset.FrameTime) == pytest.approx(20.0)


def test_known_times_refuse_an_interval():
    with pytest.raises(ArgumentError, match="frame_interval_s"):
        written([0.0, 0.04], frame_interval_s=0.05)


def test_a_very_slow_cine_has_no_rate_that_would_be_zero():
    dataset = written([0.0, 10.0])
    assert float(dataset.FrameTime) == 10000
    assert "CineRate" not in dataset


def test_a_very_fast_cine_keeps_its_frame_time():
    dataset = written(np.arange(4) / 20e3)
    assert float(dataset.FrameTime) == pytest.approx(0.05)
    assert dataset.CineRate == 20000


@pytest.mark.parametrize("times_s", [[0.0, 0.04, 0.03], [1.0, 1.0], [2.0, 1.0]])
def test_time_that_does_not_go_on_is_refused(times_s):
    with pytest.raises(ArgumentError, match="increase"):
        written(times_s)


@pytest.mark.parametrize("interval_s", [0.0, -1.0, math.nan, math.inf])
def test_an_interval_that_is_none_is_refused(interval_s):
    with pytest.raises(ArgumentError, match="frame_interval_s"):
        written([math.nan, math.nan], frame_interval_s=interval_s)


def test_one_frame_is_no_cine():
    with pytest.raises(ArgumentError, match="2 frames"):
        written([0.0])


def test_more_uneven_frames_than_a_value_holds_are_refused():
    times_s = np.cumsum(np.random.default_rng(3).uniform(0.01, 0.1, 9000))
    with pytest.raises(ArgumentError, match="fewer"):
        written(times_s)


def test_frames_closer_than_a_nanosecond_are_refused():
    with pytest.raises(ArgumentError, match="1 ns"):
        written([0.0, 1e-12, 1.0])
