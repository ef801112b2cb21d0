from __future__ import annotations

import itertools
import sys
from typing import get_args

import jpeg_ls
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import generate_fragments, parse_basic_offsets
from pydicom.pixels import iter_pixels
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from usdk.dicom.codecs import CODECS, Codec, compare_pixels, offset_table, set_pixel_data
from usdk.dicom.codecs.jpeg_ls import JpegLsCodec
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError


def described(n_frames, n_rows, n_columns, n_samples=1, *, dtype=np.uint8):
    n_bits = 8 * np.dtype(dtype).itemsize
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.SamplesPerPixel = n_samples
    dataset.PhotometricInterpretation = "MONOCHROME2"
    if n_samples == 3:
        dataset.PhotometricInterpretation = "RGB"
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = n_rows, n_columns
    dataset.BitsAllocated = dataset.BitsStored = n_bits
    dataset.HighBit = n_bits - 1
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


SHAPES = [(1, 4), (1, 9), (9, 1), (64, 65), (65, 64), (1, 400), (400, 1), (3, 1, 3), (40, 30, 3)]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_noise_of_every_shape_survives(codec, shape, dtype):
    rng = np.random.default_rng(4)
    frames = list(rng.integers(0, np.iinfo(dtype).max, (2, *shape), dtype=dtype, endpoint=True))
    dataset = described(2, *shape, dtype=dtype)
    set_pixel_data(dataset, frames, codec)
    compare_pixels(dataset, frames)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)])
def test_flat_pictures_survive(codec, value, shape):
    frames = [np.full(shape, value, np.uint8)]
    dataset = described(1, *shape)
    set_pixel_data(dataset, frames, codec)
    assert np.array_equal(next(iter_pixels(dataset)), frames[0])


@pytest.mark.parametrize("codec", CODECS)
def test_colours_are_by_pixel_and_said_to_be_what_they_are(codec):
    frames = pictures(2, (20, 30, 3))
    dataset = described(2, 20, 30, 3)
    set_pixel_data(dataset, frames, codec)
    assert dataset.PlanarConfiguration == 0
    transformed = codec in ("jpeg-2000", "htj2k")
    assert dataset.PhotometricInterpretation == ("YBR_RCT" if transformed else "RGB")
    assert dataset.file_meta.TransferSyntaxUID == CODECS[codec].transfer_syntax_uid
    # As any reader gets them who asks for RGB.
    for before, after in zip(frames, iter_pixels(dataset, raw=False), strict=True):
        assert np.array_equal(after, before)


def test_every_name_of_a_codec_is_in_the_type_and_the_catalogue():
    assert set(get_args(Codec)) == set(CODECS)


def test_a_stream_longer_than_32_bits_gets_an_extended_offset_table(monkeypatch):
    frames = pictures(5, (20, 30))
    dataset = described(5, 20, 30)
    monkeypatch.setattr(offset_table, "MAX_VALUE_BYTES", 1500)
    set_pixel_data(dataset, frames, "jpeg-ls")
    empty, *fragments = generate_fragments(dataset.PixelData)
    assert empty == b""
    offsets = np.frombuffer(dataset.ExtendedOffsetTable, "<u8")
    lengths = np.frombuffer(dataset.ExtendedOffsetTableLengths, "<u8")
    assert offsets.tolist() == np.cumsum([0, *(len(f) + 8 for f in fragments[:-1])]).tolist()
    for fragment, n_bytes, frame in zip(fragments, lengths, frames, strict=True):
        decoded = jpeg_ls.decode(np.frombuffer(fragment[: int(n_bytes)], np.uint8))
        assert np.array_equal(decoded, frame)
    compare_pixels(dataset, frames)


def test_an_encoder_that_changes_one_pixel_is_caught(monkeypatch):
    right = JpegLsCodec.encode
    calls = itertools.count()

    def wrong(self, frame):
        if next(calls) == 2:
            frame = frame.copy()
            frame[5, 5] ^= 1
        return right(self, frame)

    monkeypatch.setattr(JpegLsCodec, "encode", wrong)
    with pytest.raises(DataDamagedError, match="frame 3"):
        set_pixel_data(described(3, 33, 21), pictures(), "jpeg-ls")


@pytest.mark.parametrize("codec", ["jpeg-ls", "jpeg-2000", "htj2k", "rle"])
@pytest.mark.parametrize("rubbish", [b"", b"rubbish!", b"\xff\xd8\xff\xf7" + bytes(60)])
def test_an_encoder_that_returns_rubbish_is_caught(monkeypatch, codec, rubbish):
    monkeypatch.setattr(type(CODECS[codec]), "encode", lambda *_: rubbish)
    with pytest.raises(DataDamagedError):
        set_pixel_data(described(3, 33, 21), pictures(), codec)


@pytest.mark.parametrize("codec", ["jpeg-ls", "jpeg-2000", "htj2k", "rle"])
def test_a_stream_of_another_size_is_caught(monkeypatch, codec):
    other = CODECS[codec].encode(pictures(1, (33, 22))[0])
    monkeypatch.setattr(type(CODECS[codec]), "encode", lambda *_: other)
    with pytest.raises(DataDamagedError):
        set_pixel_data(described(3, 33, 21), pictures(), codec)


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


def test_an_unknown_codec_is_refused():
    with pytest.raises(ArgumentError, match="jpeg-ls"):
        set_pixel_data(described(1, 33, 21), pictures(1), "png")


def test_more_bytes_than_a_value_holds_are_refused_before_they_are_copied():
    enormous = np.broadcast_to(np.uint8(0), (65535, 65535))
    with pytest.raises(ArgumentError, match="fewer frames"):
        set_pixel_data(described(2, 65535, 65535), [enormous, enormous], "native")


@pytest.mark.parametrize("codec", ["jpeg-2000", "htj2k"])
def test_without_imagecodecs_the_message_names_the_extra(monkeypatch, codec):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[codecs\]"):
        set_pixel_data(described(1, 33, 21), pictures(1), codec)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(33, 21), (33, 21, 3), (1, 1), (1, 300)])
def test_rle_of_imagecodecs_and_of_pydicom_read_each_other(monkeypatch, shape, dtype):
    rng = np.random.default_rng(1)
    frame = rng.integers(0, 3, shape, dtype=dtype) * dtype(85)
    codec = CODECS["rle"]
    fast = codec.encode(frame)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "imagecodecs", None)
        slow = codec.encode(frame)
        assert np.array_equal(codec.decode(fast, shape, frame.dtype), frame)
    assert np.array_equal(codec.decode(slow, shape, frame.dtype), frame)


def test_rle_segments_out_of_place_or_of_another_number_are_damage():
    frame = pictures(1, (8, 9, 3))[0]
    codec = CODECS["rle"]
    data = codec.encode(frame)
    for place, value in ((0, 2), (4, 63), (8, len(data) + 1), (12, 64)):
        damaged = bytearray(data)
        damaged[place : place + 4] = value.to_bytes(4, "little")
        with pytest.raises(DataDamagedError):
            codec.decode(bytes(damaged), frame.shape, frame.dtype)
    for part in (data[:-9], data[:70], data[:63], b""):
        with pytest.raises(DataDamagedError):
            codec.decode(part, frame.shape, frame.dtype)


def test_without_imagecodecs_jpeg_ls_is_what_comes_with_dicom(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    for shape in ((33, 21), (33, 21, 3)):
        frames = pictures(2, shape)
        dataset = described(2, *shape)
        set_pixel_data(dataset, frames, "jpeg-ls")
        compare_pixels(dataset, frames)
    with pytest.raises(ArgumentError, match="native"):
        set_pixel_data(described(1, 1, 1), pictures(1, (1, 1)), "jpeg-ls")
    monkeypatch.setitem(sys.modules, "jpeg_ls", None)
    with pytest.raises(MissingExtraError, match=r"ultrasound-sdk\[dicom\]"):
        set_pixel_data(described(1, 33, 21), pictures(1), "jpeg-ls")
