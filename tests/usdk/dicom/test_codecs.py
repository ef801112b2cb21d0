from __future__ import annotations

import jpeg_ls
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_fragments, parse_basic_offsets
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from usdk.dicom import codecs
from usdk.dicom.codecs import compare_pixels, set_pixel_data
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError


def described(n_frames, n_rows, n_columns):
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = n_rows, n_columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    if n_frames > 1:
        dataset.NumberOfFrames = n_frames
    return dataset


def pictures(n_frames=3, shape=(33, 21)):
    return list(np.random.default_rng(4).integers(0, 256, (n_frames, *shape), dtype=np.uint8))


def test_native_pixels_are_ow_and_padded_to_even():
    frames = pictures()
    dataset = described(3, 33, 21)
    set_pixel_data(dataset, frames, "native")
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert dataset["PixelData"].VR == "OW"
    assert dataset.PixelData == b"".join(f.tobytes() for f in frames) + b"\0"


def test_jpeg_ls_has_one_fragment_per_frame_and_a_table_of_their_offsets():
    frames = pictures()
    dataset = described(3, 33, 21)
    set_pixel_data(dataset, frames, "jpeg-ls")
    assert dataset.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert dataset["PixelData"].VR == "OB"
    offsets = parse_basic_offsets(dataset.PixelData)
    _, *fragments = generate_fragments(dataset.PixelData)
    assert len(fragments) == 3
    assert offsets == [0, len(fragments[0]) + 8, len(fragments[0]) + len(fragments[1]) + 16]
    for frame, fragment in zip(frames, fragments, strict=True):
        assert len(fragment) % 2 == 0
        decoded = jpeg_ls.decode(np.frombuffer(fragment, np.uint8))
        assert np.array_equal(decoded, frame)


@pytest.mark.parametrize(
    ("codec", "shape"),
    [
        ("native", (1, 1)),
        ("native", (1, 9)),
        ("native", (9, 1)),
        ("native", (64, 65)),
        ("jpeg-ls", (1, 400)),
        ("jpeg-ls", (400, 1)),
        ("jpeg-ls", (64, 65)),
        ("jpeg-ls", (65, 64)),
    ],
)
def test_noise_of_every_shape_survives(codec, shape):
    frames = pictures(2, shape)
    dataset = described(2, *shape)
    set_pixel_data(dataset, frames, codec)
    compare_pixels(dataset, frames)


@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
@pytest.mark.parametrize("value", [0, 255])
def test_flat_pictures_survive(codec, value):
    frames = [np.full((32, 32), value, np.uint8)]
    dataset = described(1, 32, 32)
    set_pixel_data(dataset, frames, codec)
    assert np.array_equal(dataset.pixel_array, frames[0])


def test_an_encoder_that_changes_one_pixel_is_caught(monkeypatch):
    right = codecs._jpeg_ls

    def wrong(frame):
        damaged = frame.copy()
        damaged[5, 5] ^= 1
        return right(damaged)

    frames = pictures()
    calls = iter([right, right, wrong])
    monkeypatch.setattr(codecs, "_jpeg_ls", lambda frame: next(calls)(frame))
    with pytest.raises(DataDamagedError, match="frame 3"):
        set_pixel_data(described(3, 33, 21), frames, "jpeg-ls")


def test_an_encoder_that_returns_rubbish_is_caught(monkeypatch):
    monkeypatch.setattr(codecs, "_jpeg_ls", lambda _: b"rubbish!")
    with pytest.raises(DataDamagedError):
        set_pixel_data(described(3, 33, 21), pictures(), "jpeg-ls")


def test_a_missing_frame_is_caught():
    frames = pictures()
    dataset = described(2, 33, 21)
    set_pixel_data(dataset, frames[:2], "native")
    with pytest.raises(DataDamagedError, match="2 of 3"):
        compare_pixels(dataset, frames)


def test_a_superfluous_frame_is_caught():
    frames = pictures()
    dataset = described(3, 33, 21)
    set_pixel_data(dataset, frames, "native")
    with pytest.raises(DataDamagedError, match="frame 3"):
        compare_pixels(dataset, frames[:2])


def test_a_frame_too_small_for_jpeg_ls_names_the_codec_that_takes_it():
    with pytest.raises(ArgumentError, match="native"):
        set_pixel_data(described(1, 2, 3), pictures(1, (2, 3)), "jpeg-ls")


def test_an_unknown_codec_is_refused():
    with pytest.raises(ArgumentError, match="jpeg-ls"):
        set_pixel_data(described(1, 33, 21), pictures(1), "png")


def test_more_bytes_than_a_value_holds_are_refused_before_they_are_copied():
    enormous = np.broadcast_to(np.uint8(0), (65535, 65535))
    with pytest.raises(ArgumentError, match="fewer frames"):
        set_pixel_data(described(2, 65535, 65535), [enormous, enormous], "native")


def test_without_an_encoder_the_message_names_the_extra(monkeypatch):
    class Absent:
        is_available = False

    monkeypatch.setattr(codecs, "get_encoder", lambda _: Absent())
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[dicom\]"):
        set_pixel_data(described(1, 33, 21), pictures(1), "jpeg-ls")
