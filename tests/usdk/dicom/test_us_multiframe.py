from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from pydicom import dcmread

from usdk.acquisition import DeviceInfo, Gap
from usdk.dicom import check_dicom, us_multiframe
from usdk.errors import ArgumentError
from usdk.scan import Raster

CODECS = ["native", "jpeg-ls"]


def saved(dataset, folder):
    path = folder / "cine.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", CODECS)
def test_the_standards_validator_finds_no_error(
    cine, study, codec, tmp_path, require_conformant, require_modules
):
    dataset = us_multiframe(cine, study=study, codec=codec)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    assert check_dicom(dataset) == []


@pytest.mark.parametrize("codec", CODECS)
def test_uneven_frames_with_losses_are_conformant(
    make_frame, study, codec, tmp_path, require_conformant, require_modules
):
    gap = Gap(first_sequence_number=2, n_frames=5)
    frames = [make_frame(0), make_frame(1), make_frame(7, provenance={"gaps": (gap,)})]
    dataset = us_multiframe(frames, study=study, codec=codec)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    assert check_dicom(dataset) == []
    assert [float(step) for step in dataset.FrameTimeVector] == pytest.approx([0, 100 / 3, 200])
    assert "5 lost before frame 3 (sequence numbers 2 to 6" in dataset.ImageComments


@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_decodes_to_itself(cine, study, codec, tmp_path):
    read = dcmread(saved(us_multiframe(cine, study=study, codec=codec), tmp_path))
    assert np.array_equal(read.pixel_array, np.stack([frame.pixels for frame in cine]))


def test_dcmtk_decodes_each_frame_to_itself(cine, study, tmp_path, dcmtk):
    path = saved(us_multiframe(cine, study=study, codec="jpeg-ls"), tmp_path)
    assert dcmtk("dcmdjpls", path, tmp_path / "plain.dcm").returncode == 0
    pixels = dcmread(tmp_path / "plain.dcm").pixel_array
    assert np.array_equal(pixels, np.stack([frame.pixels for frame in cine]))


def test_frame_time_is_that_of_the_device(cine, study):
    dataset = us_multiframe(cine, study=study)
    assert float(dataset.FrameTime) == pytest.approx(1000 / 30)
    assert dataset.CineRate == 30
    assert dataset.NumberOfFrames == 5


def test_unknown_times_need_an_interval(make_frame, study):
    frames = [make_frame(n, device_timestamp_s=math.nan) for n in range(3)]
    with pytest.raises(ArgumentError, match="frame_interval_s"):
        us_multiframe(frames, study=study)
    dataset = us_multiframe(frames, study=study, frame_interval_s=0.05)
    assert float(dataset.FrameTime) == pytest.approx(50)


def test_frames_of_two_rasters_are_refused(make_frame, study):
    first = make_frame(0)
    shifted = dataclasses.replace(first.raster, z_m=0.003)
    smaller = Raster(x_m=0.0, z_m=0.0, pixel_size_m=1e-4, n_rows=8, n_columns=8)
    for raster in (shifted, smaller):
        with pytest.raises(ArgumentError, match="frame 2 has another raster"):
            us_multiframe([first, make_frame(1, raster=raster)], study=study)


def test_frames_of_two_devices_are_refused(make_frame, study):
    other = DeviceInfo(manufacturer="Example GmbH", model="Sonde 1", serial_number="SN-0043")
    with pytest.raises(ArgumentError, match="frame 2 is of another device"):
        us_multiframe([make_frame(0), make_frame(1, provenance={"device": other})], study=study)


def test_frames_out_of_order_are_refused(cine, study):
    with pytest.raises(ArgumentError, match="increase"):
        us_multiframe(cine[::-1], study=study)
