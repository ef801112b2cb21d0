from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from pydicom import dcmread

from usdk.dicom import ExaminationSettings, enhanced_us_volume, read_volumes
from usdk.dicom.equipment import Equipment
from usdk.errors import ArgumentError

CODECS = ["native", "jpeg-ls", "jpeg-2000", "rle"]
MANDATORY_GROUPS = {  # PS3.3 table A.59-2, usage M
    "FrameContentSequence",
    "PixelMeasuresSequence",
    "FrameVOILUTSequence",
    "PlanePositionVolumeSequence",
    "PlaneOrientationVolumeSequence",
    "ImageDataTypeSequence",
    "USImageDescriptionSequence",
}


def saved(dataset, folder):
    path = folder / "volume.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("n_volumes", [1, 3])
def test_it_is_conformant_in_every_codec(
    make_volume, heart, settings, codec, n_volumes, tmp_path, require_conformant, require_modules
):
    if codec in ("rle", "jpeg-2000"):
        pytest.importorskip("imagecodecs")
    volumes = [make_volume(index) for index in range(n_volumes)]
    dataset = enhanced_us_volume(volumes, study=heart, settings=settings, codec=codec)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    for before, after in zip(volumes, read_volumes(tmp_path / "volume.dcm"), strict=True):
        assert np.array_equal(after.pixels, before.pixels)


def test_a_cine_says_when_and_where_each_plane_is(make_volume, heart, settings):
    volumes = [make_volume(index) for index in range(2)]
    dataset = enhanced_us_volume(volumes, study=heart, settings=settings)
    assert dataset.DimensionOrganizationType == "3D_TEMPORAL"
    frames = dataset.PerFrameFunctionalGroupsSequence
    assert len(frames) == dataset.NumberOfFrames == 2 * 7
    shared = dataset.SharedFunctionalGroupsSequence[0]
    assert {e.keyword for e in [*shared, *frames[0]]} >= MANDATORY_GROUPS
    assert [list(f.FrameContentSequence[0].DimensionIndexValues) for f in frames[6:8]] == [
        [1, 7, 1],
        [2, 1, 1],
    ]
    offsets_s = [f.TemporalPositionSequence[0].TemporalPositionTimeOffset for f in frames]
    assert offsets_s == pytest.approx([0.0] * 7 + [0.05] * 7)
    assert dataset.AcquisitionDuration == pytest.approx(0.08)
    assert frames[7].FrameContentSequence[0].FrameAcquisitionDuration == pytest.approx(30.0)


def test_three_dimensions_are_indexed_as_the_standard_lists_them(make_volume, heart, settings):
    dataset = enhanced_us_volume(make_volume(), study=heart, settings=settings)
    assert dataset.DimensionOrganizationType == "3D"
    pointers = [
        (int(i.DimensionIndexPointer), int(i.FunctionalGroupPointer))
        for i in dataset.DimensionIndexSequence
    ]
    # PS3.3 table C.8.24.3.3-1.
    assert pointers[1:] == [(0x00209301, 0x0020930E), (0x00189808, 0x00189807)]


def test_each_voxel_lies_in_the_right_handed_coordinates_of_the_transducer(
    make_volume, heart, settings
):
    volume = make_volume()
    dataset = enhanced_us_volume(volume, study=heart, settings=settings)
    columns, rows = np.reshape(
        dataset.SharedFunctionalGroupsSequence[0]
        .PlaneOrientationVolumeSequence[0]
        .ImageOrientationVolume,
        (2, 3),
    )
    assert np.cross(columns, rows).tolist() == [0.0, 0.0, 1.0]
    steps_mm = [
        float(s)
        for s in dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing
    ]
    x_m, y_m, z_m = volume.raster.axes_m()
    pixels = dataset.pixel_array
    places = [
        np.array(f.PlanePositionVolumeSequence[0].ImagePositionVolume)
        for f in dataset.PerFrameFunctionalGroupsSequence
    ]
    for ix, iy, iz in [(0, 0, 0), (12, 6, 16), (3, 5, 11)]:
        plane = next(k for k, place in enumerate(places) if math.isclose(place[2], -y_m[iy] * 1e3))
        assert pixels[plane, iz, ix] == volume.pixels[ix, iy, iz]
        place = places[plane] + ix * steps_mm[1] * columns + iz * steps_mm[0] * rows
        assert place == pytest.approx([x_m[ix] * 1e3, z_m[iz] * 1e3, -y_m[iy] * 1e3])
    # Planes follow each other along +z.
    assert np.allclose(np.diff([place[2] for place in places]), 0.5)
    assert list(dataset.ApexPosition) == pytest.approx([0.5, -6.0, 1.0])


def test_lines_without_a_common_origin_claim_no_apex(
    make_volume, heart, settings, tmp_path, require_conformant
):
    dataset = enhanced_us_volume(make_volume(apex_m=None), study=heart, settings=settings)
    require_conformant(saved(dataset, tmp_path))
    assert "ApexPosition" not in dataset
    assert dataset.UltrasoundAcquisitionGeometry != "APEX"


def test_nothing_that_must_be_told_is_made_up(make_volume, study):
    volume = make_volume(duration_s=math.nan, host_timestamp_s=math.nan)
    with pytest.raises(ArgumentError) as caught:
        enhanced_us_volume(
            volume, study=study, settings=ExaminationSettings(), equipment=Equipment()
        )
    for name in (
        "mechanical_index",
        "bone_thermal_index",
        "cranial_thermal_index",
        "soft_tissue_thermal_index",
        "view",
        "focus_depths_m",
        "transducer_application",
        "anatomic_region",
        "manufacturer",
        "device_serial_number",
        "host_timestamp_s",
        "duration_s",
    ):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "options", "says"),
    [
        ({"apex_m": None}, {}, "apex"),
        ({"device_timestamp_s": 20.0}, {}, "increase"),
        ({"device_timestamp_s": math.nan}, {}, "volume_interval_s"),
        ({}, {"volume_interval_s": 0.05}, "leave volume_interval_s out"),
        ({}, {"array": "other"}, "array"),
        ({}, {"steering": ()}, "steering"),
        ({}, {"steering": ("magic",)}, "steering"),
        ({}, {"position_measuring_device": "NONE"}, "RIGID"),
    ],
)
def test_what_cannot_be_one_object_is_refused(make_volume, heart, settings, changes, options, says):
    volumes = [make_volume(0), make_volume(1, **changes)]
    with pytest.raises(ArgumentError, match=says):
        enhanced_us_volume(volumes, study=heart, settings=settings, **options)


def test_volumes_without_timestamps_take_an_interval(make_volume, heart, settings, tmp_path):
    volumes = [make_volume(n, device_timestamp_s=math.nan) for n in range(2)]
    dataset = enhanced_us_volume(volumes, study=heart, settings=settings, volume_interval_s=0.2)
    last = dcmread(saved(dataset, tmp_path)).PerFrameFunctionalGroupsSequence[-1]
    assert last.TemporalPositionSequence[0].TemporalPositionTimeOffset == pytest.approx(0.2)


def test_settings_of_pictures_alone_stay_out_of_volumes(make_volume, heart, settings):
    dataset = enhanced_us_volume(
        make_volume(),
        study=heart,
        settings=dataclasses.replace(settings, focus_depths_m=(0.02, 0.04)),
    )
    assert list(dataset.DepthsOfFocus) == pytest.approx([20.0, 40.0])
    assert float(dataset.MechanicalIndex) == 1.1
    assert dataset.DepthOfScanField == 50
    for absent in ("FocusDepth", "ViewName", "HeartRate", "TransducerType"):
        assert absent not in dataset
