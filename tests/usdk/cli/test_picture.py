from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.cli.picture import (
    AUTO_RANGE_LIMITS_DB,
    PictureSettings,
    add_picture_arguments,
    picture_settings,
    plan_bmode,
)
from usdk.errors import ArgumentError
from usdk.image import GreyMap
from usdk.probe import Probe
from usdk.sequences import plane_waves


@pytest.fixture
def acquisition() -> Acquisition:
    """Noise, and one specular echo 60 dB above it."""
    probe = Probe.linear(
        "p", n_elements=32, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
    )
    receive = ReceiveSettings(
        sampling_frequency_hz=20e6, n_samples=600, time_zero_s=(6e-6,), sound_speed_m_s=1500.0
    )
    data = np.random.default_rng(1).normal(0, 1, (1, 1, 32, 600)).astype(np.float32)
    time_s = np.arange(-8, 9) / 20e6
    data[0, 0, :, 300:317] += 1000 * np.cos(2 * np.pi * 5e6 * time_s)
    return Acquisition(data=data, probe=probe, sequence=plane_waves(), receive=receive)


def test_the_picture_is_where_the_echoes_are(acquisition: Acquisition) -> None:
    bmode = plan_bmode(acquisition, PictureSettings())
    z_m = bmode.beamformer.geometry.scan.points_m()[0, :, 2]
    assert z_m[0] == pytest.approx(6e-6 * 1500 / 2)
    assert z_m[-1] == pytest.approx(acquisition.receive.depth_m)


def test_the_transmit_pulse_is_left_out(acquisition: Acquisition) -> None:
    at_once = replace(acquisition, receive=replace(acquisition.receive, time_zero_s=(0.0,)))
    z_m = plan_bmode(at_once, PictureSettings()).beamformer.geometry.scan.points_m()[0, :, 2]
    assert z_m[0] == pytest.approx(2e-3)


@pytest.mark.parametrize(("wanted_m", "shown_m"), [(8e-3, 8e-3), (1.0, None), (None, None)])
def test_the_picture_ends_at_the_depth_asked_for_or_where_the_echoes_end(
    acquisition: Acquisition, wanted_m: float | None, shown_m: float | None
) -> None:
    asked = replace(acquisition, receive=replace(acquisition.receive, wanted_depth_m=wanted_m))
    z_m = plan_bmode(asked, PictureSettings()).beamformer.geometry.scan.points_m()[..., 2]
    assert z_m.max() == pytest.approx(shown_m or acquisition.receive.reach_m)


def test_a_depth_before_the_first_echo_is_refused(acquisition: Acquisition) -> None:
    asked = replace(acquisition, receive=replace(acquisition.receive, wanted_depth_m=3e-3))
    with pytest.raises(ArgumentError, match="nothing to show"):
        plan_bmode(asked, PictureSettings())


def test_greys_that_are_given_are_kept(acquisition: Acquisition) -> None:
    settings = PictureSettings(dynamic_range_db=52.0, gain_db=-3.0)
    (frame,) = plan_bmode(acquisition, settings)(acquisition)
    assert frame.dynamic_range_db == 52.0
    assert ("gain", "-3 dB") in frame.provenance.processing


def test_grey_map_and_persistence_are_as_asked(acquisition: Acquisition) -> None:
    parser = argparse.ArgumentParser()
    add_picture_arguments(parser, automatic=False)
    plain = picture_settings(parser.parse_args([]))
    assert (plain.grey_map, plain.persistence) == (GreyMap.LINEAR_DB, None)
    words = ["--grey-map", "s-curve", "--persistence", "0.6"]
    settings = picture_settings(parser.parse_args(words))
    (frame,) = plan_bmode(acquisition, settings)(acquisition)
    assert {("grey map", "s-curve"), ("persistence", "0.6")} <= set(frame.provenance.processing)
    with pytest.raises(ArgumentError, match="less than 1"):
        picture_settings(parser.parse_args(["--persistence", "1"]))
    with pytest.raises(SystemExit):
        parser.parse_args(["--grey-map", "gamma"])


def test_attenuation_is_undone_as_asked(acquisition: Acquisition) -> None:
    parser = argparse.ArgumentParser()
    add_picture_arguments(parser, automatic=False)
    settings = picture_settings(parser.parse_args(["--attenuation", "0.5"]))
    (frame,) = plan_bmode(acquisition, settings)(acquisition)
    depth_m = acquisition.receive.depth_m
    gain_db = 2 * 0.5 * depth_m * 1e2 * 5
    text = f"0 dB at 0 mm, {gain_db:g} dB at {depth_m * 1e3:g} mm"
    assert ("time gain", text) in frame.provenance.processing
    for bad in ("0", "-1", "nan", "inf"):
        with pytest.raises(ArgumentError, match="--attenuation"):
            picture_settings(parser.parse_args([f"--attenuation={bad}"]))


def test_two_pixels_in_a_thousand_are_white(acquisition: Acquisition) -> None:
    (frame,) = plan_bmode(acquisition, PictureSettings())(acquisition)
    assert AUTO_RANGE_LIMITS_DB[0] <= frame.dynamic_range_db <= AUTO_RANGE_LIMITS_DB[1]
    assert frame.dynamic_range_db % 5 == 0
    # The survey is read to half a dB and the gain is a whole number of dB.
    step_db = frame.dynamic_range_db / 255
    assert np.percentile(frame.pixels, 99.8) >= 255 - 1.5 / step_db
    assert np.mean(frame.pixels == 255) < 0.006


def test_all_frames_share_the_first_ones_greys(acquisition: Acquisition) -> None:
    bmode = plan_bmode(acquisition, PictureSettings())
    (first,) = bmode(acquisition)
    (weaker,) = bmode(replace(acquisition, data=acquisition.data * np.float32(0.1)))
    middle = (first.pixels > 120) & (first.pixels < 220)
    step_db = (first.pixels[middle].astype(float) - weaker.pixels[middle]).mean()
    assert step_db * first.dynamic_range_db / 255 == pytest.approx(20.0, abs=0.3)


def test_silence_is_black_and_no_error(acquisition: Acquisition) -> None:
    silent = replace(acquisition, data=np.zeros_like(acquisition.data))
    (frame,) = plan_bmode(silent, PictureSettings())(silent)
    assert not frame.pixels.any()
