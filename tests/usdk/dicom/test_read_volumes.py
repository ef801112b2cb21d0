from __future__ import annotations

import contextlib
import copy
import math

import numpy as np
import pytest
from pydicom import dcmread

from usdk.dicom import enhanced_us_volume, read_frames, read_volumes, us_image
from usdk.errors import DataDamagedError, UsdkError


@pytest.fixture
def path(make_volume, heart, settings, tmp_path):
    volumes = [make_volume(index) for index in range(2)]
    dataset = enhanced_us_volume(volumes, study=heart, settings=settings)
    dataset.save_as(tmp_path / "volume.dcm", enforce_file_format=True)
    return tmp_path / "volume.dcm"


def changed(path, change, *, is_foreign=True):
    dataset = dcmread(path)
    if is_foreign:
        dataset.remove_private_tags()
    change(dataset)
    dataset.save_as(path)
    return path


def test_our_volumes_come_back_whole(path, make_volume):
    for index, after in enumerate(read_volumes(path)):
        before = make_volume(index)
        assert np.array_equal(after.pixels, before.pixels)
        for name in ("x_m", "y_m", "z_m", "voxel_size_m"):
            assert getattr(after.raster, name) == pytest.approx(
                getattr(before.raster, name), abs=1e-12
            )
        assert after.apex_m == pytest.approx(before.apex_m)
        assert after.provenance == before.provenance
        assert after.dynamic_range_db == before.dynamic_range_db
        assert after.duration_s == pytest.approx(before.duration_s)
        assert after.sequence_number == before.sequence_number
        assert after.device_timestamp_s == before.device_timestamp_s
        assert after.host_timestamp_s == before.host_timestamp_s


def test_another_makers_volumes_are_sorted_by_time_and_place(path, make_volume):
    def shuffle(dataset):
        order = np.random.default_rng(4).permutation(dataset.NumberOfFrames)
        planes = dataset.pixel_array[order]
        frames = dataset.PerFrameFunctionalGroupsSequence
        dataset.PerFrameFunctionalGroupsSequence = [frames[int(k)] for k in order]
        dataset.PixelData = planes.tobytes() + b"\0" * (planes.size % 2)

    after = read_volumes(changed(path, shuffle))
    for index, volume in enumerate(after):
        assert np.array_equal(volume.pixels, make_volume(index).pixels)
        assert volume.device_timestamp_s == pytest.approx(0.05 * index)
        assert math.isnan(volume.host_timestamp_s)
        assert ("dynamic_range_db", "unknown, 60 assumed") in volume.provenance.processing


def test_planes_of_another_data_type_are_left_out(path, make_volume):
    def recolour(dataset):
        shared = dataset.SharedFunctionalGroupsSequence[0]
        kind = shared.ImageDataTypeSequence
        del shared.ImageDataTypeSequence
        for k, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            item = copy.deepcopy(kind[0])
            item.DataType = "FLOW_POWER" if k >= 7 else "TISSUE_INTENSITY"
            frame.ImageDataTypeSequence = [item]

    (volume,) = read_volumes(changed(path, recolour))
    assert np.array_equal(volume.pixels, make_volume(0).pixels)


def _first_position(dataset):
    return dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionVolumeSequence[0]


def _shared(dataset, keyword):
    return getattr(dataset.SharedFunctionalGroupsSequence[0], keyword)[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: setattr(_first_position(d), "ImagePositionVolume", [0.0, 0.0, 9.0]),
        lambda d: setattr(_first_position(d), "ImagePositionVolume", [0.0, math.nan, 1.0]),
        lambda d: delattr(d.PerFrameFunctionalGroupsSequence[3], "PlanePositionVolumeSequence"),
        lambda d: d.PerFrameFunctionalGroupsSequence.pop(),
        lambda d: setattr(_shared(d, "PixelMeasuresSequence"), "PixelSpacing", [0.5, 0.6]),
        lambda d: setattr(_shared(d, "PixelMeasuresSequence"), "PixelSpacing", [0, 0]),
        lambda d: setattr(
            _shared(d, "PlaneOrientationVolumeSequence"),
            "ImageOrientationVolume",
            [0.0, 1.0, 0.0, 1.0, 0.0, 0.0],
        ),
        lambda d: delattr(d, "SharedFunctionalGroupsSequence"),
        lambda d: delattr(d, "PerFrameFunctionalGroupsSequence"),
        lambda d: setattr(d, "NumberOfFrames", 2**31 - 1),
        lambda d: setattr(d, "ApexPosition", [1.0, 2.0]),
    ],
)
def test_what_is_no_grid_of_cubes_is_a_typed_error(path, change):
    with pytest.raises(DataDamagedError):
        read_volumes(changed(path, change))


def test_a_changed_voxel_is_noticed(path):
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataDamagedError, match="not the one that was written"):
        read_volumes(path)


def test_a_picture_is_no_volume(frame, study, path, tmp_path):
    us_image(frame, study=study).save_as(tmp_path / "image.dcm", enforce_file_format=True)
    with pytest.raises(DataDamagedError, match="read_frames"):
        read_volumes(tmp_path / "image.dcm")
    with pytest.raises(UsdkError, match="read_volumes"):
        read_frames(path)


def test_damage_anywhere_is_a_typed_error_or_none(path, tmp_path):
    content = path.read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(content)
        for place in rng.integers(200, len(content), 3):
            damaged[place] ^= 1 << rng.integers(8)
        (tmp_path / "damaged.dcm").write_bytes(damaged)
        with contextlib.suppress(UsdkError):
            read_volumes(tmp_path / "damaged.dcm")
