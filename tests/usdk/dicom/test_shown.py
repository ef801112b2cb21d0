from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydicom import dcmread

from usdk.dicom import (
    RegionDataType,
    check_dicom,
    read_frames,
    read_region_pictures,
    read_regions,
    stack,
    us_image,
    us_multiframe,
)
from usdk.dicom.shown import shown_of
from usdk.errors import ArgumentError, DataDamagedError

CODECS = ["native", "jpeg-ls", "jpeg-2000", "rle"]
BITS = {"spectral": "0008", "m_mode": "0002", "composed": "000B", "in_colour": "0011"}


def saved(dataset, folder):
    path = folder / "image.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("kind", list(BITS))
def test_every_kind_of_picture_is_conformant_in_every_codec(
    request, study, settings, kind, codec, tmp_path, require_conformant, require_modules
):
    if codec in ("rle", "jpeg-2000"):
        pytest.importorskip("imagecodecs")
    picture = request.getfixturevalue(kind)
    dataset = us_image(picture, study=study, settings=settings, codec=codec)
    path = saved(dataset, tmp_path)
    require_conformant(path)
    require_modules(dataset)
    assert [str(f) for f in check_dicom(dataset) if f.severity == "error"] == []
    assert dataset.ImageType[3] == BITS[kind]
    assert np.array_equal(dcmread(path).pixel_array, picture.pixels)


@pytest.mark.parametrize("kind", ["spectral", "m_mode", "composed"])
def test_pictures_over_time_make_cines(
    request, study, kind, tmp_path, require_conformant, require_modules
):
    picture = request.getfixturevalue(kind)
    dataset = _cine(picture, study)
    require_conformant(saved(dataset, tmp_path))
    require_modules(dataset)
    assert check_dicom(dataset) == []


def _cine(picture, study):
    if hasattr(picture, "start_s"):
        pictures = [dataclasses.replace(picture, start_s=picture.start_s + n) for n in range(3)]
    else:
        frame, *others = (part.frame for part in picture.parts)
        frames = [dataclasses.replace(frame, device_timestamp_s=float(n)) for n in range(3)]
        pictures = [stack(each, *others, sample_volume=picture.sample_volume) for each in frames]
    return us_multiframe(pictures, study=study)


def test_every_part_has_a_region_of_its_own(composed, frame, spectral, m_mode, study):
    regions = read_regions(us_image(composed, study=study))
    assert [(r.spatial_format, r.data_type) for r in regions] == [(1, 1), (3, 3), (2, 1)]
    for region, part in zip(regions, composed.parts, strict=True):
        row, column, end_row, end_column = part.box
        assert (region.min_y0, region.min_x0) == (row, column)
        assert (region.max_y1, region.max_x1) == (end_row - 1, end_column - 1)
    tissue, spectrum, motion = regions
    x, y = tissue.min_x0 + 7, tissue.min_y0 + 11
    assert (tissue.value_x(x) / 100, tissue.value_y(y) / 100) == pytest.approx(
        frame.position_m(11, 7)
    )
    assert spectrum.value_y(spectrum.min_y0 + 5) == pytest.approx(spectral.velocity_m_s(5) * 100)
    assert motion.value_y(motion.min_y0 + 5) == pytest.approx(m_mode.depth_m(5) * 100)


def test_the_sample_volume_is_told_from_the_reference_pixel(composed, frame, study):
    tissue, spectrum, _ = read_regions(us_image(composed, study=study))
    # PS3.3 C.8.5.5.1: displacements in pixels from the reference pixel.
    column = tissue.min_x0 + tissue.reference_x0 + tissue.doppler_sample_volume_x
    row = tissue.min_y0 + tissue.reference_y0 + tissue.doppler_sample_volume_y
    size_cm = frame.raster.pixel_size_m * 100
    assert tissue.value_x(column) == pytest.approx(0.2087, abs=size_cm / 2)
    assert tissue.value_y(row) == pytest.approx(0.903, abs=size_cm / 2)
    assert spectrum.doppler_sample_volume_x is None


def test_the_line_of_m_mode_is_told_in_the_picture_above_it(composed, study):
    tissue = read_regions(us_image(composed, study=study))[0]
    for end, z_cm in ((0, 0.4), (1, 1.435)):
        row = tissue.min_y0 + tissue.reference_y0 + getattr(tissue, f"tm_line_y{end}")
        assert tissue.value_y(row) == pytest.approx(z_cm, abs=tissue.delta_y / 2)


def test_the_box_in_colour_tells_its_angles(in_colour, study):
    _, box = read_regions(us_image(in_colour, study=study))
    assert box.data_type == RegionDataType.COLOUR_FLOW
    assert box.steering_angle_deg == pytest.approx(10)
    assert box.doppler_correction_angle_deg == pytest.approx(60)


def test_parts_come_back_as_the_pictures_that_they_were(
    composed, spectral, m_mode, study, tmp_path
):
    _, strip, motion = read_region_pictures(saved(us_image(composed, study=study), tmp_path))
    back = strip.spectral_frame()
    assert np.array_equal(back.pixels, spectral.pixels)
    assert back.first_velocity_m_s == pytest.approx(spectral.first_velocity_m_s)
    assert back.row_m_s == pytest.approx(spectral.row_m_s)
    assert back.angle_rad == pytest.approx(spectral.angle_rad)
    assert back.slow_time.nyquist_m_s == pytest.approx(spectral.slow_time.nyquist_m_s)
    assert back.time_s(9) - back.time_s(2) == pytest.approx(7 * spectral.column_s)
    assert back.time_s(90.5) == pytest.approx(0.0)  # The right edge is the moment of capture.
    echoes = motion.m_mode_frame()
    assert np.array_equal(echoes.pixels, m_mode.pixels)
    assert echoes.depth_m(20) == pytest.approx(m_mode.depth_m(20))
    with pytest.raises(ArgumentError, match="no pulsed-wave spectrum"):
        motion.spectral_frame()
    with pytest.raises(ArgumentError, match="no M-mode"):
        strip.m_mode_frame()


def test_frames_whose_regions_differ_are_no_cine(spectral, study):
    other = dataclasses.replace(spectral, row_m_s=-0.01, start_s=8.0)
    with pytest.raises(ArgumentError, match="other regions"):
        us_multiframe([spectral, other], study=study)


def test_kinds_do_not_mix(spectral, frame, study):
    with pytest.raises(ArgumentError, match="another kind"):
        us_multiframe([frame, spectral], study=study)


def test_a_spectrum_without_provenance_tells_what_it_knows(spectral, study):
    shown = shown_of(dataclasses.replace(spectral, provenance=None))
    assert shown.provenance.prf_hz == 4000.0
    assert us_image(dataclasses.replace(spectral, provenance=None), study=study).Manufacturer == ""


def test_what_is_no_picture_is_refused(study):
    with pytest.raises(ArgumentError, match="ComposedFrame"):
        us_image(np.zeros((4, 4), np.uint8), study=study)


def test_the_picture_above_a_strip_comes_back_as_a_frame(composed, frame, study, tmp_path):
    path = saved(us_image(composed, study=study), tmp_path)
    (back,) = read_frames(path)
    assert np.array_equal(back.pixels, frame.pixels)
    assert back.position_m(7, 9) == pytest.approx(frame.position_m(7, 9))
    assert back.sequence_number == frame.sequence_number


def test_a_change_outside_the_picture_is_noticed_too(composed, study, tmp_path):
    path = saved(us_image(composed, study=study), tmp_path)
    content = bytearray(path.read_bytes())
    content[-3000] ^= 1
    path.write_bytes(content)
    for read in (read_frames, read_region_pictures):
        with pytest.raises(DataDamagedError, match="not the one that was written"):
            read(path)
