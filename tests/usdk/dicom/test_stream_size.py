from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from pydicom import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from usdk.dicom.check_decoded import check_decoded
from usdk.dicom.decoded_frames import decoded_frames
from usdk.dicom.stream_size import require_stream_sizes, stream_size
from usdk.errors import DataDamagedError

imagecodecs = pytest.importorskip("imagecodecs")

JPEG_LS, JPEG_2000, HTJ2K, RLE, JPEG = (
    UID(f"1.2.840.10008.1.2.{tail}") for tail in ("4.80", "4.90", "4.201", "5", "4.50")
)
PIXELS = np.random.default_rng(5).integers(0, 256, (20, 30), np.uint8)
ENCODED = {
    JPEG_LS: bytes(imagecodecs.jpegls_encode(PIXELS)),
    JPEG_2000: bytes(imagecodecs.jpeg2k_encode(PIXELS, codecformat="j2k", level=0)),
    HTJ2K: bytes(imagecodecs.htj2k_encode(PIXELS)),
    JPEG: bytes(imagecodecs.jpeg8_encode(PIXELS)),
}


def image(syntax, fragments, *, n_frames=1, shape=(20, 30)):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.3"
    ds.Rows, ds.Columns = shape
    ds.NumberOfFrames = n_frames
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelRepresentation = 0
    ds.PixelData = encapsulate(fragments, has_bot=False)
    ds["PixelData"].VR = "OB"
    return ds


def as_file(ds):
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    return buffer


def enlarged(syntax):
    """Return a stream of few bytes that claims 65535 by 65535 pixels."""
    stream = bytearray(ENCODED[syntax])
    if syntax in (JPEG_2000, HTJ2K):
        begin = stream.find(b"\xff\x4f\xff\x51")
        for place in (8, 24):
            struct.pack_into(">II", stream, begin + place, 65535, 65535)
    else:
        marker = b"\xff\xf7" if syntax == JPEG_LS else b"\xff\xc0"
        struct.pack_into(">HH", stream, stream.find(marker) + 5, 65535, 65535)
    return bytes(stream)


@pytest.mark.parametrize("syntax", ENCODED)
def test_a_stream_tells_its_size(syntax):
    assert stream_size(ENCODED[syntax], syntax)[:3] == (20, 30, 1)
    assert len(list(decoded_frames(as_file(image(syntax, [ENCODED[syntax]]))))) == 1


@pytest.mark.parametrize("syntax", ENCODED)
def test_a_stream_that_claims_another_size_is_not_begun(syntax):
    ds = image(syntax, [ENCODED[syntax], enlarged(syntax)], n_frames=2)
    tracemalloc.start()
    try:
        with pytest.raises(DataDamagedError, match="fragment 2 is not of the image's size"):
            list(decoded_frames(as_file(ds)))
        (finding,) = check_decoded(ds, syntax, 2)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
    assert "does not decode from frame 1 on" in finding.message


def test_a_head_in_several_fragments_is_read_together():
    stream = enlarged(JPEG_LS)
    for cut in (2, 4, 8):
        with pytest.raises(DataDamagedError, match="not of the image's size"):
            list(decoded_frames(as_file(image(JPEG_LS, [stream[:cut], stream[cut:]]))))
    good = ENCODED[JPEG_LS]
    assert len(list(decoded_frames(as_file(image(JPEG_LS, [good[:40], good[40:]]))))) == 1


def test_a_size_behind_much_else_is_found_or_the_stream_is_refused():
    good = ENCODED[JPEG]
    segment = b"\xff\xe5" + struct.pack(">H", 65535) + bytes(65533)
    for n_segments, is_read in ((1, True), (3, True), (5, False)):
        ds = image(JPEG, [good[:2] + segment * n_segments + good[2:]])
        value = io.BytesIO(ds.PixelData)
        if is_read:
            require_stream_sizes(ds, value)
        else:
            with pytest.raises(DataDamagedError):
                require_stream_sizes(ds, value)


def test_an_image_of_absurd_size_is_not_decoded():
    stream = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 100
    with pytest.raises(DataDamagedError, match="samples in a frame"):
        list(decoded_frames(as_file(image(RLE, [stream], shape=(65535, 65535)))))


def test_what_is_no_stream_is_refused():
    for fragments in ([b"text"], [b"text", ENCODED[JPEG_LS]]):
        ds = image(JPEG_LS, fragments, n_frames=len(fragments))
        with pytest.raises(DataDamagedError, match="frame 1 is no JPEG-LS"):
            require_stream_sizes(ds, io.BytesIO(ds.PixelData))
