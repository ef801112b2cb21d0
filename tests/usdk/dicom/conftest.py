"""Pictures of every kind, small, and what an Enhanced US Volume must be told."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk.dicom import Code, ComposedFrame, ExaminationSettings, Series, Study, VolumeFrame, stack
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral import SampleVolume, SpectralFrame
from usdk.flow_overlay import FlowOverlay
from usdk.frame import Frame
from usdk.m_mode import MModeFrame
from usdk.scan import LineScan, VolumeRaster

N_COLUMNS = 91


@pytest.fixture
def spectral(frame: Frame) -> SpectralFrame:
    """A spectrum whose baseline lies between two rows, corrected for 60°."""
    return SpectralFrame(
        pixels=np.random.default_rng(1).integers(0, 256, (64, N_COLUMNS), np.uint8),
        has_signal=np.ones(N_COLUMNS, bool),
        first_velocity_m_s=0.83,
        row_m_s=-0.02,
        start_s=7.5,
        column_s=0.004,
        dynamic_range_db=40.0,
        slow_time=SlowTime(prf_hz=4000.0, frequency_hz=5e6),
        angle_rad=math.radians(60),
        provenance=frame.provenance,
    )


@pytest.fixture
def m_mode(frame: Frame) -> MModeFrame:
    """A line that begins 4 mm deep."""
    return MModeFrame(
        pixels=np.random.default_rng(2).integers(0, 256, (70, N_COLUMNS), np.uint8),
        has_echoes=np.ones(N_COLUMNS, bool),
        line=LineScan(
            start_m=(1e-3, 0.0, 4e-3), end_m=(1e-3, 0.0, 14.35e-3), n_samples=70, start_depth_m=4e-3
        ),
        start_s=3.0,
        column_s=0.01,
        dynamic_range_db=60.0,
        provenance=frame.provenance,
    )


@pytest.fixture
def sample_volume() -> SampleVolume:
    return SampleVolume(centre_m=(2.087e-3, 9.03e-3), length_m=2e-3, angle_rad=math.radians(60))


@pytest.fixture
def in_colour(frame: Frame) -> Frame:
    """A frame with a colour box of 128 colours."""
    ramp = np.arange(128)
    colours = np.stack([ramp, 20 + ramp // 2, 255 - ramp], axis=-1).astype(np.uint8)
    rgb = np.repeat(frame.pixels[..., None] // 2 * 2, 3, axis=-1)
    velocity_m_s = np.full(frame.shape, np.nan, np.float32)
    places = np.random.default_rng(3).integers(0, 128, (30, 40))
    rgb[10:40, 20:60] = colours[places]
    velocity_m_s[10:40, 20:60] = (places + 0.5) / 128 * 0.6 - 0.3
    overlay = FlowOverlay(
        kind="velocity",
        velocity_m_s=velocity_m_s,
        power_db=velocity_m_s,
        scale=(-0.3, 0.3),
        colours=colours,
        nyquist_m_s=0.3,
        prf_hz=4000.0,
        frequency_hz=5e6,
        box=(10, 20, 40, 60),
        steering_rad=math.radians(10),
        angle_rad=math.radians(60),
    )
    return dataclasses.replace(frame, pixels=rgb, overlay=overlay)


@pytest.fixture
def composed(
    frame: Frame, spectral: SpectralFrame, m_mode: MModeFrame, sample_volume: SampleVolume
) -> ComposedFrame:
    return stack(frame, spectral, m_mode, gap_rows=5, sample_volume=sample_volume)


@pytest.fixture
def settings() -> ExaminationSettings:
    """All that a sonographer expects."""
    return ExaminationSettings(
        heart_rate_bpm=72,
        mechanical_index=1.1,
        bone_thermal_index=0.3,
        cranial_thermal_index=0.4,
        soft_tissue_thermal_index=0.2,
        depth_m=0.05,
        focus_depths_m=(0.02,),
        gain_db=12.0,
        output_power="-3 dB",
        transducer_type="LINEAR",
        transducer_application="external",
        stage_name="PRE-EXERCISE",
        stage_number=1,
        number_of_stages=2,
        view_name="PLAX",
        view_number=1,
        number_of_views_in_stage=3,
        view=Code(value="399139001", scheme="SCT", meaning="Parasternal long axis"),
    )


@pytest.fixture
def heart(study: Study) -> Study:
    region = Code(value="80891009", scheme="SCT", meaning="Heart")
    series = Series(anatomic_region=region, examination="CARDIAC")
    return dataclasses.replace(study, series=series)


@pytest.fixture
def make_volume(frame: Frame) -> Callable[..., VolumeFrame]:
    """Return a maker of volumes: 13 × 7 × 17 voxels of half a millimetre."""

    def make(index: int = 0, **changes: Any) -> VolumeFrame:
        raster = VolumeRaster(
            x_m=-3e-3, y_m=-1.25e-3, z_m=2e-3, voxel_size_m=0.5e-3, n_x=13, n_y=7, n_z=17
        )
        values = {
            "pixels": np.random.default_rng(index).integers(0, 256, raster.shape, np.uint8),
            "raster": raster,
            "dynamic_range_db": 55.0,
            "provenance": frame.provenance,
            "apex_m": (0.5e-3, -1e-3, -6e-3),
            "duration_s": 0.03,
            "sequence_number": index,
            "device_timestamp_s": 20.0 + 0.05 * index,
            "host_timestamp_s": 1_750_000_000.25 + 0.05 * index,
        }
        return VolumeFrame(**(values | changes))

    return make
