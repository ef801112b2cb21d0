from __future__ import annotations

import dataclasses
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames

from usdk.dicom import check_file, read_region_pictures, us_image, us_multiframe
from usdk.dicom.jpeg_lossless import JPEG_LOSSLESS, decode_frame
from usdk.errors import DataDamagedError

pytest.importorskip("imagecodecs")
DCMCJPEG = "/usr/bin/dcmcjpeg"  # Not one that a Python package may have put before it.
pytestmark = pytest.mark.skipif(
    shutil.which(DCMCJPEG) is None, reason="DCMTK's dcmcjpeg is not installed"
)


@pytest.fixture
def compressed(tmp_path):
    """Return a function that lets DCMTK compress an object."""

    def compress(dataset, *options):
        plain, path = tmp_path / "plain.dcm", tmp_path / "lossless.dcm"
        dataset.save_as(plain, enforce_file_format=True)
        subprocess.run([DCMCJPEG, *options, plain, path], check=True, timeout=60)
        return path

    return compress


@pytest.fixture
def textured(frame, in_colour):
    rng = np.random.default_rng(3)
    grey = dataclasses.replace(
        frame, pixels=rng.integers(0, 256, frame.pixels.shape).astype(np.uint8)
    )
    colour = dataclasses.replace(
        in_colour, pixels=rng.integers(0, 256, in_colour.pixels.shape).astype(np.uint8)
    )
    return {"grey": grey, "colour": colour}


@pytest.mark.parametrize("kind", ["grey", "colour"])
@pytest.mark.parametrize("options", [("+e1",), ("+el", "+sv", "4")])
def test_what_dcmtk_compresses_is_read_to_the_last_bit(compressed, textured, kind, options, study):
    path = compressed(us_image(textured[kind], study=study), *options)
    assert dcmread(path).file_meta.TransferSyntaxUID in JPEG_LOSSLESS
    picture = read_region_pictures(path)[0]
    assert np.array_equal(picture.pixels, textured[kind].pixels)
    assert [str(f) for f in check_file(path) if f.severity == "error"] == []


def test_a_cine_is_read(compressed, cine, study):
    path = compressed(us_multiframe(cine, study=study), "+e1")
    for index, frame in enumerate(cine):
        assert np.array_equal(read_region_pictures(path, frame=index)[0].pixels, frame.pixels)


@pytest.fixture
def stream(compressed, textured, study):
    path = compressed(us_image(textured["grey"], study=study), "+e1")
    return next(generate_frames(dcmread(path).PixelData, number_of_frames=1))


def runner(stream, **changes):
    n_rows, n_columns = (
        int.from_bytes(stream[place : place + 2], "big") for place in _place(stream)
    )
    said = {"rows": n_rows, "columns": n_columns, "samples_per_pixel": 1} | changes
    return SimpleNamespace(**said, set_option=lambda *_: None)


def _place(stream):
    start = stream.index(b"\xff\xc3") + 5
    return start, start + 2


@pytest.mark.parametrize("keyword", ["rows", "columns", "samples_per_pixel"])
def test_a_stream_of_another_size_is_not_begun(stream, keyword):
    assert decode_frame(stream, runner(stream))
    with pytest.raises(DataDamagedError, match="another size"):
        decode_frame(stream, runner(stream, **{keyword: 60_000}))


def test_damage_is_refused_or_decodes_to_the_stated_size(stream):
    said = runner(stream)
    n_bytes = said.rows * said.columns
    with pytest.raises(DataDamagedError, match="too early"):
        decode_frame(stream[: len(stream) // 2], said)
    with pytest.raises(DataDamagedError, match="no JPEG Lossless"):
        decode_frame(b"\xff\xd8\xff", said)
    rng = np.random.default_rng(5)
    for place in rng.integers(0, len(stream), 200):
        damaged = bytearray(stream)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:
            decoded = decode_frame(bytes(damaged), said)
        except (DataDamagedError, RuntimeError, ValueError):
            continue
        assert len(decoded) == n_bytes
