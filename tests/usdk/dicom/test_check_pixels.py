from __future__ import annotations

import numpy as np
import pytest
from pydicom.uid import JPEGBaseline8Bit

from usdk.dicom import check_dicom, us_image, us_multiframe


@pytest.fixture
def dataset(frame, study):
    return us_image(frame, study=study)


def found(dataset, severity="error"):
    return [f.attribute for f in check_dicom(dataset) if f.severity == severity]


def as_rgb(dataset, pixels):
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = "RGB"
    dataset.PlanarConfiguration = 0
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    return dataset


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"Rows": 60}, "PixelData"),
        ({"PixelData": b""}, "PixelData"),
        ({"PixelData": b"x" * 100}, "PixelData"),
        ({"NumberOfFrames": 2}, "PixelData"),
        ({"BitsStored": 12, "HighBit": 11}, "BitsStored"),
        ({"HighBit": 6}, "HighBit"),
        ({"UltrasoundColorDataPresent": 1}, "UltrasoundColorDataPresent"),
        ({"UltrasoundColorDataPresent": 2}, "UltrasoundColorDataPresent"),
    ],
)
def test_one_fault_in_the_pixels_is_found(dataset, values, attribute):
    dataset.SequenceOfUltrasoundRegions[0].RegionLocationMaxY1 = 50
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    assert found(dataset) == [attribute]


@pytest.mark.parametrize(
    "keyword", ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"]
)
def test_each_number_is_needed(dataset, keyword):
    delattr(dataset, keyword)
    assert keyword in found(dataset)


def test_no_pixel_data_is_an_error(dataset):
    del dataset.PixelData
    assert found(dataset) == ["PixelData"]


def test_colours_without_the_claim_of_colour_are_a_warning(dataset, frame):
    pixels = np.random.default_rng(5).integers(0, 256, (*frame.shape, 3), dtype=np.uint8)
    assert found(as_rgb(dataset, pixels), "warning") == ["UltrasoundColorDataPresent"]
    assert found(dataset) == []


def test_grey_in_three_samples_is_no_colour(dataset, frame):
    pixels = np.repeat(frame.pixels[..., None], 3, axis=-1)
    assert check_dicom(as_rgb(dataset, pixels)) == []


def test_a_lossy_syntax_cannot_claim_to_be_lossless(cine, study):
    dataset = us_multiframe(cine, study=study, codec="jpeg-ls")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    assert found(dataset) == ["LossyImageCompression"]


def test_compressed_pixels_of_any_length_pass(cine, study):
    assert check_dicom(us_multiframe(cine, study=study, codec="jpeg-ls")) == []
