from __future__ import annotations

import hashlib
import io

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from usdk.dicom import us_image
from usdk.dicom.decoded_frames import decoded_frames
from usdk.dicom.provenance import read_frame_digests
from usdk.errors import DataDamagedError


def cine(shape, syntax=pydicom.uid.ExplicitVRLittleEndian):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    ds.SOPInstanceUID = "1.2.3"
    ds.NumberOfFrames, ds.Rows, ds.Columns = shape[:3]
    ds.SamplesPerPixel = 3 if len(shape) == 4 else 1
    ds.PhotometricInterpretation = "RGB" if len(shape) == 4 else "MONOCHROME2"
    if len(shape) == 4:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    return ds, pixels


def saved(ds):
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("shape", [(3, 4, 6), (2, 4, 6, 3)])
def test_frames_come_as_their_bytes(shape):
    ds, pixels = cine(shape)
    assert list(decoded_frames(saved(ds))) == [frame.tobytes() for frame in pixels]


def test_colour_by_plane_comes_by_pixel():
    ds, pixels = cine((2, 4, 6, 3))
    ds.PlanarConfiguration = 1
    ds.PixelData = np.ascontiguousarray(np.moveaxis(pixels, -1, 1)).tobytes()
    assert list(decoded_frames(saved(ds))) == [frame.tobytes() for frame in pixels]


def test_rle_decodes_to_the_same_bytes():
    ds, pixels = cine((2, 4, 6, 3))
    ds.compress(pydicom.uid.RLELossless)
    assert list(decoded_frames(saved(ds))) == [frame.tobytes() for frame in pixels]


@pytest.mark.parametrize(
    "damage",
    [
        lambda ds: delattr(ds, "PixelData"),
        lambda ds: delattr(ds, "Rows"),
        lambda ds: setattr(ds, "PixelData", b"ab"),
        lambda ds: setattr(ds, "PhotometricInterpretation", "NONE"),
    ],
)
def test_what_cannot_be_decoded_is_damaged_data(damage):
    ds, _ = cine((2, 4, 6))
    damage(ds)
    with pytest.raises(DataDamagedError, match=r"cannot be decoded|no size|stream"):
        list(decoded_frames(saved(ds)))
    with pytest.raises(DataDamagedError):
        list(decoded_frames(io.BytesIO(b"no file")))


@pytest.mark.parametrize("colour", ["rgb", "palette"])
@pytest.mark.parametrize("codec", ["native", "jpeg-ls"])
def test_they_are_what_the_digests_of_an_object_are_over(in_colour, study, colour, codec):
    dataset = us_image(in_colour, study=study, colour=colour, codec=codec)
    digests = [hashlib.sha256(frame).digest() for frame in decoded_frames(saved(dataset))]
    assert digests == read_frame_digests(dataset)


def test_a_deflated_file_is_not_inflated():
    ds, _ = cine((2, 4, 6))
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1.99"
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    with pytest.raises(DataDamagedError, match="is deflated"):
        list(decoded_frames(buffer))
