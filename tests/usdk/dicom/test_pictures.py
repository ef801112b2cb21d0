from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from usdk.dicom import (
    RegionDataType,
    Unit,
    read_frames,
    read_region_pictures,
    time_s,
    us_image,
    us_multiframe,
)
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError


@pytest.fixture
def written_as(frame, study, tmp_path):
    """Return a writer of the frame's object with other pixels, as another maker's."""

    def write(pixels, photometric="RGB", **values):
        dataset = us_image(frame, study=study)
        for tag in [tag for tag in dataset.keys() if tag.is_private]:  # noqa: SIM118
            del dataset[tag]
        if pixels.ndim == 3:
            dataset.SamplesPerPixel = 3
            dataset.PlanarConfiguration = 0
        dataset.PhotometricInterpretation = photometric
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
        data = pixels.tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        path = tmp_path / "x.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


def test_grey_in_three_samples_is_the_frame(frame, written_as):
    (read,) = read_frames(written_as(np.repeat(frame.pixels[..., None], 3, axis=-1)))
    assert np.array_equal(read.pixels, frame.pixels)
    assert not any(name == "colour" for name, _ in read.provenance.processing)


def test_a_coloured_mark_becomes_grey_and_is_told(frame, written_as):
    pixels = np.repeat(frame.pixels[..., None], 3, axis=-1)
    pixels[2:4, 2:6] = (255, 255, 0)
    (read,) = read_frames(written_as(pixels))
    assert np.all(read.pixels[2:4, 2:6] == 226)
    assert np.array_equal(read.pixels[10:], frame.pixels[10:])
    assert ("colour", "0.11% of pixels coloured, luminance taken") in read.provenance.processing


def test_a_coloured_picture_is_read_in_colour(frame, written_as):
    pixels = np.repeat(frame.pixels[..., None], 3, axis=-1)
    pixels[:20, :, 0] = 255
    pixels[:20, :, 2] = 0
    (read,) = read_frames(written_as(pixels))
    assert np.array_equal(read.pixels, pixels)
    assert read.overlay is None
    assert not any(name == "colour" for name, _ in read.provenance.processing)


def test_inverse_grey_is_turned(frame, written_as):
    (read,) = read_frames(written_as(255 - frame.pixels, "MONOCHROME1"))
    assert np.array_equal(read.pixels, frame.pixels)


def test_sixteen_bits_are_refused(frame, written_as):
    path = written_as(
        frame.pixels.astype("<u2"), "MONOCHROME2", BitsAllocated=16, BitsStored=16, HighBit=15
    )
    with pytest.raises(DataDamagedError, match="uint16"):
        read_frames(path)


def vendor_file(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"{name} of pydicom-data is not installed")
    return path


def test_a_makers_palette_is_looked_up():
    path = vendor_file("OBXXXX1A.dcm")
    (read,) = read_frames(path)
    # The reference pixel stands over the middle of the region, 36 rows below its top.
    assert read.position_m(36, 340) == pytest.approx((0, 0), abs=1e-12)
    assert read.shape == (459, 680)
    dataset = dcmread(path)
    red = np.frombuffer(dataset.RedPaletteColorLookupTableData, "<u2") >> 8
    indices = dataset.pixel_array[60:519, 120:800]
    grey = red[indices]
    assert np.mean(np.abs(grey.astype(int) - read.pixels) <= 3) > 0.99


def test_a_makers_cine_is_read_with_its_rate():
    pytest.importorskip("PIL")
    path = vendor_file("color3d_jpeg_baseline.dcm")
    frames = read_frames(path)
    assert len(frames) == 120
    assert frames[0].shape == (384, 512)
    assert frames[30].device_timestamp_s == pytest.approx(1.0, rel=1e-3)


def test_two_pictures_side_by_side_are_refused():
    with pytest.raises(DataDamagedError, match="2 two-dimensional regions"):
        read_frames(vendor_file("gdcm-US-ALOKA-16.dcm"))


def test_an_uncalibrated_picture_is_refused():
    with pytest.raises(DataDamagedError, match="0 two-dimensional regions"):
        read_frames(vendor_file("US1_UNCR.dcm"))


def test_big_endian_gives_the_same_picture():
    (big,) = read_region_pictures(vendor_file("OBXXXX1A_expb.dcm"))[:1]
    (little,) = read_region_pictures(vendor_file("OBXXXX1A.dcm"))[:1]
    assert np.array_equal(big.pixels, little.pixels)
    assert np.ptp(big.pixels, axis=-1).max() > 50


def test_a_missing_decoder_is_named(monkeypatch):
    class Absent:
        available_plugins = ("gdcm",)
        missing_dependencies = ("usdk - requires imagecodecs",)

    monkeypatch.setattr("usdk.dicom.jpeg_lossless.get_decoder", lambda _: Absent())
    monkeypatch.setattr("usdk.dicom.pictures.get_decoder", lambda _: Absent())
    with pytest.raises(MissingExtraError, match="JPEG Lossless"):
        read_frames(vendor_file("JPGLosslessP14SV1_1s_1f_8b.dcm"))


def test_the_distance_between_a_scanners_own_calipers_is_what_it_wrote_beside_them():
    (frame,) = read_frames(vendor_file("OBXXXX1A.dcm"))
    # Two crosses, bars two pixels wide; the scanner's own text says 1.06 cm.
    crosses = [(230.5, 339.5), (241.5, 378.5)]
    for row, column in crosses:
        middle = (slice(int(row), int(row) + 2), slice(int(column), int(column) + 2))
        assert np.all(frame.pixels[middle] > 150)
    (x0_m, z0_m), (x1_m, z1_m) = (frame.position_m(*cross) for cross in crosses)
    assert np.hypot(x1_m - x0_m, z1_m - z0_m) == pytest.approx(10.6e-3, abs=0.05e-3)


def test_colour_by_pixel_is_meant_where_nothing_is_said(written_as, in_colour):
    path = written_as(in_colour.pixels)
    dataset = dcmread(path)
    del dataset.PlanarConfiguration
    dataset.save_as(path)
    (read,) = read_frames(path)
    assert np.array_equal(read.pixels, in_colour.pixels)


def test_one_of_two_pictures_side_by_side_is_chosen():
    path = vendor_file("gdcm-US-ALOKA-16.dcm")
    with pytest.raises(DataDamagedError, match="region=0 or 1"):
        read_frames(path)
    whole = [read_frames(path, region=index)[0] for index in (0, 1)]
    assert [frame.shape for frame in whole] == [(392, 304)] * 2
    assert whole[0].raster.pixel_size_m == pytest.approx(382.7e-6, rel=1e-3)
    # Both reference pixels lie 154 columns and 21 rows into their region.
    for frame in whole:
        assert frame.position_m(21, 154) == pytest.approx((0, 0), abs=1e-9)
    with pytest.raises(ArgumentError, match="no two-dimensional picture"):
        read_frames(path, region=2)


def test_an_image_without_regions_takes_its_scale_from_the_caller():
    path = vendor_file("US1_UNCR.dcm")
    with pytest.raises(DataDamagedError, match="pixel_size_m"):
        read_frames(path)
    (frame,) = read_frames(path, pixel_size_m=0.3e-3)
    assert frame.shape == (480, 640)
    assert frame.raster.pixel_size_m == pytest.approx(0.3e-3)
    assert dict(frame.provenance.processing)["scale"].endswith("given by the caller")


def test_a_scale_does_not_overrule_that_of_the_file(frame, study, tmp_path):
    us_image(frame, study=study).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    with pytest.raises(ArgumentError, match="leave pixel_size_m out"):
        read_frames(tmp_path / "x.dcm", pixel_size_m=1e-3)


def test_the_same_picture_in_two_codecs_is_the_same():
    plain = read_frames(vendor_file("OBXXXX1A.dcm"))[0]
    packed = read_frames(vendor_file("OBXXXX1A_rle.dcm"))[0]
    assert np.array_equal(plain.pixels, packed.pixels)
    assert plain.raster == packed.raster


def test_an_ecg_below_the_picture_is_a_region_picture_of_its_own():
    picture, ecg = read_region_pictures(vendor_file("OBXXXX1A.dcm"))
    # The scanner's bounds end one past the edge, 800 of 800.
    assert picture.region.max_x1 == 799
    assert picture.pixels.shape[:2] == (459, 680)
    assert ecg.region.data_type == RegionDataType.ECG
    assert ecg.region.units_x == Unit.SECONDS
    seconds = time_s([ecg.region], (176, 530), (743, 530))
    assert seconds == pytest.approx(567 * ecg.region.delta_x)


def test_a_frame_of_a_cine_is_chosen(cine, study, tmp_path):
    us_multiframe(cine, study=study).save_as(tmp_path / "x.dcm", enforce_file_format=True)
    (picture,) = read_region_pictures(tmp_path / "x.dcm", frame=3)
    assert np.array_equal(picture.pixels, cine[3].pixels)
    assert picture.provenance == cine[3].provenance
    with pytest.raises(ArgumentError, match="frame"):
        read_region_pictures(tmp_path / "x.dcm", frame=5)


def test_a_picture_that_was_cut_after_it_was_calibrated_takes_its_scale_from_outside(
    frame, study, tmp_path
):
    dataset = us_image(frame, study=study)
    for tag in [tag for tag in dataset.keys() if tag.is_private]:  # noqa: SIM118
        del dataset[tag]
    dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxY1 = dataset.Rows + 5
    path = tmp_path / "x.dcm"
    dataset.save_as(path, enforce_file_format=True)
    with pytest.raises(DataDamagedError, match="cut or resized"):
        read_frames(path)
    (back,) = read_frames(path, pixel_size_m=2e-4)
    assert back.raster.pixel_size_m == 2e-4
    assert back.shape == frame.shape


def test_a_picture_that_is_all_colour_flow_is_read(in_colour, study, tmp_path):
    dataset = us_image(in_colour, study=study)
    for tag in [tag for tag in dataset.keys() if tag.is_private]:  # noqa: SIM118
        del dataset[tag]
    del dataset.SequenceOfUltrasoundRegions[0]
    path = tmp_path / "x.dcm"
    dataset.save_as(path, enforce_file_format=True)
    (back,) = read_frames(path)
    assert np.array_equal(back.pixels, in_colour.pixels[10:40, 20:60])
    assert back.raster.pixel_size_m == pytest.approx(in_colour.raster.pixel_size_m)
    assert back.raster.x_m == pytest.approx(
        in_colour.raster.x_m + 20 * in_colour.raster.pixel_size_m
    )


def test_the_colour_box_may_be_named(in_colour, study, tmp_path):
    path = tmp_path / "x.dcm"
    us_image(in_colour, study=study).save_as(path, enforce_file_format=True)
    (box,) = read_frames(path, region=1)
    assert np.array_equal(box.pixels, in_colour.pixels[10:40, 20:60])
    (whole,) = read_frames(path)
    assert np.array_equal(whole.pixels, in_colour.pixels)
