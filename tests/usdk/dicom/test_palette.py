from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut

from usdk.dicom import check_dicom, read_frames, us_image, us_multiframe
from usdk.dicom.palette import Palette
from usdk.errors import ArgumentError


@pytest.fixture
def few_colours(in_colour):
    """The same with so few greys that 8 bits hold them."""
    pixels = in_colour.pixels.copy()
    is_grey = np.ptp(pixels, axis=-1) == 0
    pixels[is_grey] = pixels[is_grey] // 16 * 16
    return dataclasses.replace(in_colour, pixels=pixels)


def saved(dataset, folder):
    path = folder / "image.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("codec", ["native", "jpeg-ls", "rle"])
def test_eight_bits_are_conformant_and_come_back_as_rgb(
    few_colours, study, codec, tmp_path, require_conformant, require_modules, dcmtk
):
    if codec == "rle":
        pytest.importorskip("imagecodecs")
    dataset = us_image(few_colours, study=study, colour="palette", codec=codec)
    path = saved(dataset, tmp_path)
    require_conformant(path)
    require_modules(dataset)
    assert [str(f) for f in check_dicom(dataset) if f.severity == "error"] == []
    assert dataset.PhotometricInterpretation == "PALETTE COLOR"
    assert (dataset.BitsAllocated, dataset.SamplesPerPixel) == (8, 1)
    (back,) = read_frames(path)
    assert np.array_equal(back.pixels, few_colours.pixels)
    read = dcmread(path)
    rgb = apply_color_lut(read.pixel_array, read) >> 8
    assert np.array_equal(rgb, few_colours.pixels)


def test_dcmtk_shows_the_same_colours(few_colours, study, tmp_path, dcmtk):
    pil = pytest.importorskip("PIL.Image")
    path = saved(us_image(few_colours, study=study, colour="palette"), tmp_path)
    assert dcmtk("dcm2pnm", "+on", path, tmp_path / "image.png").returncode == 0
    assert np.array_equal(np.asarray(pil.open(tmp_path / "image.png")), few_colours.pixels)


def test_more_than_256_colours_take_sixteen_bits(
    in_colour, study, tmp_path, require_conformant, require_modules
):
    greys = np.arange(115 * 61).reshape(61, 115) % 256
    pixels = np.where(
        np.ptp(in_colour.pixels, axis=-1, keepdims=True) == 0,
        greys[..., None].astype(np.uint8),
        in_colour.pixels,
    )
    frame = dataclasses.replace(in_colour, pixels=pixels)
    dataset = us_image(frame, study=study, colour="palette")
    assert dataset.BitsAllocated == 16
    path = saved(dataset, tmp_path)
    require_conformant(path)
    require_modules(dataset)
    (back,) = read_frames(path)
    assert np.array_equal(back.pixels, pixels)


def test_a_cine_has_one_palette_of_all_its_frames(few_colours, study, tmp_path, require_conformant):
    other = dataclasses.replace(
        few_colours, pixels=few_colours.pixels[::-1].copy(), device_timestamp_s=12.6
    )
    dataset = us_multiframe([few_colours, other], study=study, colour="palette")
    path = saved(dataset, tmp_path)
    require_conformant(path)
    for before, after in zip((few_colours, other), read_frames(path), strict=True):
        assert np.array_equal(after.pixels, before.pixels)


def test_values_of_colours_are_those_of_their_places(few_colours, study):
    """A pixel's entry in the region's table stands for the velocity that was measured there."""
    dataset = us_image(few_colours, study=study, colour="palette")
    item = dataset.SequenceOfUltrasoundRegions[1]
    table = dict(zip(item.TableOfPixelValues, item.TableOfParameterValues, strict=True))
    velocity_m_s = few_colours.overlay.velocity_m_s
    for row, column in [(10, 20), (39, 59), (25, 33)]:
        index = int(dataset.pixel_array[row, column])
        assert table[index] == pytest.approx(velocity_m_s[row, column] * 100, abs=1e-4)


def test_grey_frames_have_no_palette(frame, study):
    dataset = us_image(frame, study=study, colour="palette")
    assert dataset.PhotometricInterpretation == "MONOCHROME2"


def test_more_colours_than_a_palette_holds_are_refused():
    codes = np.arange(2**16)
    rgb = np.stack([codes >> 8, codes & 255, codes * 0], axis=-1).astype(np.uint8)[None]
    with pytest.raises(ArgumentError, match="rgb"):
        Palette.of([rgb], [])


def test_an_encoding_that_is_none_is_refused(in_colour, study):
    with pytest.raises(ArgumentError, match="colour must be"):
        us_image(in_colour, study=study, colour="cmyk")


def test_a_dark_picture_is_conformant_too(few_colours, study, tmp_path, require_conformant):
    dark = dataclasses.replace(few_colours, pixels=few_colours.pixels // 8)
    dark = dataclasses.replace(dark, overlay=None)
    path = saved(us_image(dark, study=study, colour="palette"), tmp_path)
    require_conformant(path)
    assert np.array_equal(dcmread(path).pixel_array.shape, dark.shape)
    assert np.array_equal(read_frames(path)[0].pixels, dark.pixels)
