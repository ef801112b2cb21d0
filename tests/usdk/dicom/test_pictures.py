from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from usdk.dicom import read_frames, us_image
from usdk.errors import DataDamagedError, MissingExtraError


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


def test_big_endian_is_refused_because_palettes_come_out_wrong():
    with pytest.raises(DataDamagedError, match="big-endian"):
        read_frames(vendor_file("OBXXXX1A_expb.dcm"))


def test_a_missing_decoder_is_named(monkeypatch):
    class Absent:
        available_plugins = ("gdcm",)

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
