from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian

from usdk.dicom import read_frames, us_image, us_multiframe
from usdk.errors import DataDamagedError, UsdkError


def saved(dataset, folder, name="x.dcm"):
    path = folder / name
    dataset.save_as(path, enforce_file_format=True)
    return path


def foreign(dataset):
    """Make an object of ours look like one of another maker."""
    for tag in [tag for tag in dataset.keys() if tag.is_private]:  # noqa: SIM118
        del dataset[tag]
    return dataset


@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_our_cine_comes_back_whole(cine, study, codec, tmp_path):
    path = saved(us_multiframe(cine, study=study, codec=codec), tmp_path)
    for before, after in zip(cine, read_frames(path), strict=True):
        assert np.array_equal(after.pixels, before.pixels)
        assert dataclasses.asdict(after.raster) == pytest.approx(
            dataclasses.asdict(before.raster), abs=1e-15
        )
        assert after.provenance == before.provenance
        assert after.dynamic_range_db == before.dynamic_range_db
        assert after.sequence_number == before.sequence_number
        assert after.device_timestamp_s == before.device_timestamp_s
        assert after.host_timestamp_s == before.host_timestamp_s


def test_our_still_comes_back_and_can_be_written_again(frame, study, tmp_path):
    (first,) = read_frames(saved(us_image(frame, study=study), tmp_path))
    (second,) = read_frames(saved(us_image(first, study=study), tmp_path))
    assert np.array_equal(second.pixels, frame.pixels)
    assert second.raster == first.raster


def test_our_object_is_read_after_a_trip_through_implicit_vr(frame, study, tmp_path):
    dataset = dcmread(saved(us_image(frame, study=study), tmp_path))
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    (after,) = read_frames(saved(dataset, tmp_path, "implicit.dcm"))
    assert after.provenance == frame.provenance


def test_a_changed_pixel_is_noticed(frame, study, tmp_path):
    path = saved(us_image(frame, study=study), tmp_path)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamagedError, match="not the one that was written"):
        read_frames(path)


def test_another_makers_cine_gives_pixels_calibration_and_times(cine, study, tmp_path):
    dataset = foreign(us_multiframe(cine, study=study))
    frames = read_frames(saved(dataset, tmp_path))
    assert np.array_equal(frames[4].pixels, cine[4].pixels)
    assert frames[0].raster.z_m == pytest.approx(cine[0].raster.z_m)
    assert frames[4].device_timestamp_s == pytest.approx(4 / 30)
    assert np.isnan(frames[0].host_timestamp_s)
    provenance = frames[0].provenance
    assert provenance.probe == "L11-5v"
    assert provenance.transmit_frequency_hz == 7.6e6
    assert provenance.device.serial_number == "SN-0042"
    assert ("dynamic_range_db", "unknown, 60 assumed") in provenance.processing


def test_uneven_times_of_another_maker_are_kept(make_frame, study, tmp_path):
    frames = [make_frame(n) for n in (0, 1, 7)]
    read = read_frames(saved(foreign(us_multiframe(frames, study=study)), tmp_path))
    assert [f.device_timestamp_s for f in read] == pytest.approx([0, 1 / 30, 7 / 30])


def test_a_region_inside_the_image_is_cut_out(frame, study, tmp_path):
    dataset = foreign(us_image(frame, study=study))
    region = dataset.SequenceOfUltrasoundRegions[0]
    region.RegionLocationMinX0, region.RegionLocationMaxX1 = 10, 49
    region.RegionLocationMinY0, region.RegionLocationMaxY1 = 5, 24
    region.ReferencePixelX0, region.ReferencePixelY0 = 20, -3
    region.ReferencePixelPhysicalValueX = region.ReferencePixelPhysicalValueY = 0.0
    (read,) = read_frames(saved(dataset, tmp_path))
    assert np.array_equal(read.pixels, frame.pixels[5:25, 10:50])
    # The reference pixel is counted from the region's own corner.
    assert read.position_m(-3, 20) == pytest.approx((0, 0), abs=1e-12)


def test_a_region_without_reference_says_what_is_assumed(frame, study, tmp_path):
    dataset = foreign(us_image(frame, study=study))
    region = dataset.SequenceOfUltrasoundRegions[0]
    del region.ReferencePixelX0, region.ReferencePixelY0
    (read,) = read_frames(saved(dataset, tmp_path))
    assert read.raster.z_m == 0
    assert read.position_m(0, 57) == pytest.approx((0, 0), abs=1e-12)
    assert any(name == "origin" for name, _ in read.provenance.processing)


def test_a_region_that_ends_one_past_the_edge_is_read(frame, study, tmp_path):
    dataset = foreign(us_image(frame, study=study))
    dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxX1 = frame.shape[1]
    (read,) = read_frames(saved(dataset, tmp_path))
    assert read.shape == frame.shape


@pytest.mark.parametrize(
    "values",
    [
        {"RegionLocationMaxX1": 200},
        {"RegionLocationMinX0": 90, "RegionLocationMaxX1": 80},
        {"PhysicalUnitsXDirection": 4},
        {"RegionDataType": 10},
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaX": float("nan")},
        {"PhysicalDeltaY": 0.5},
        {"ReferencePixelPhysicalValueX": float("inf")},
    ],
)
def test_a_region_that_cannot_be_a_raster_is_refused(frame, study, tmp_path, values):
    dataset = us_image(frame, study=study)
    for keyword, value in values.items():
        setattr(dataset.SequenceOfUltrasoundRegions[0], keyword, value)
    with pytest.raises(DataDamagedError):
        read_frames(saved(dataset, tmp_path))


@pytest.mark.parametrize(
    "values",
    [{"NumberOfFrames": 2**31 - 1}, {"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": -1}],
)
def test_a_claim_of_more_pixels_than_there_are_is_refused(frame, study, tmp_path, values):
    dataset = us_image(frame, study=study, codec="jpeg-ls")
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    with pytest.raises(DataDamagedError):
        read_frames(saved(dataset, tmp_path))


@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_damage_anywhere_is_a_typed_error_or_no_damage(cine, study, codec, tmp_path):
    path = saved(us_multiframe(cine, study=study, codec=codec), tmp_path)
    content = path.read_bytes()
    rng = np.random.default_rng(6)
    messages = []
    for position in rng.integers(132, len(content), 120):
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            frames = read_frames(path)
        except UsdkError as error:
            messages.append(str(error))
            continue
        for before, after in zip(cine, frames, strict=True):
            assert np.array_equal(after.pixels, before.pixels)
    assert len(messages) > 20
    assert not any("Wang" in message for message in messages)
