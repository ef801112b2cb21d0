from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest

from usdk.dicom import read_frames, us_multiframe
from usdk.dicom.frame_spool import FrameSpool
from usdk.dicom.palette_spool import PaletteSpool
from usdk.errors import ArgumentError
from usdk.export import write_dicom


@pytest.fixture
def flow(in_colour):
    """A cine whose frames have colours of their own."""

    def make(index):
        pixels = in_colour.pixels.copy()
        pixels[:, :, 1] ^= np.uint8(index)
        return dataclasses.replace(
            in_colour, pixels=pixels, sequence_number=index, device_timestamp_s=1 + index / 10
        )

    return make


def test_it_writes_what_is_written_with_all_frames_in_memory(flow, study, tmp_path):
    pictures = [flow(index) for index in range(4)]
    told = []
    path = write_dicom(
        tmp_path / "x.dcm",
        iter(pictures),
        signer=None,
        study=study,
        colour="palette",
        codec="jpeg-ls",
        progress=told.append,
    )
    assert told == [1, 2, 3, 4]
    at_once = us_multiframe(pictures, study=study, colour="palette")
    with PaletteSpool("native", tmp_path) as spool:
        spool.add(pictures)
        waiting = us_multiframe(spool.frames, study=study, colour="palette")
    for keyword in (
        "RedPaletteColorLookupTableData",
        "BitsAllocated",
        "PhotometricInterpretation",
        "UltrasoundColorDataPresent",
    ):
        assert waiting[keyword] == at_once[keyword]
    assert waiting[0x5553, 0x1002].value == at_once[0x5553, 0x1002].value
    for one, other in zip(pictures, read_frames(path), strict=True):
        assert np.array_equal(one.pixels, other.pixels)


def test_memory_does_not_grow_with_the_cine(flow, study, tmp_path):
    def large(index):
        frame = flow(index % 3)
        pixels = np.tile(frame.pixels, (4, 4, 1))
        raster = dataclasses.replace(
            frame.raster, n_rows=pixels.shape[0], n_columns=pixels.shape[1]
        )
        return dataclasses.replace(
            frame, pixels=pixels, raster=raster, overlay=None, device_timestamp_s=index / 10
        )

    def peak_bytes(n_frames):
        tracemalloc.start()
        try:
            cine = (large(index) for index in range(n_frames))
            write_dicom(tmp_path / "x.dcm", cine, signer=None, study=study, colour="palette")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak_bytes(8), peak_bytes(48)
    assert many < few + 10 * large(0).pixels.nbytes


def test_grey_frames_wait_as_in_any_spool(cine, tmp_path):
    with PaletteSpool("jpeg-ls", tmp_path) as spool:
        spool.add(cine)
        assert spool.palette is None
        assert not spool.is_colour
        for waiting, frame in zip(spool.frames, cine, strict=True):
            assert np.array_equal(waiting.pixels, frame.pixels)


def test_no_frames_are_none(tmp_path):
    with PaletteSpool("native", tmp_path) as spool:
        spool.add([])
        assert spool.frames == []


def test_frames_of_a_plain_spool_get_no_palette(flow, study, tmp_path):
    with FrameSpool("native", tmp_path) as spool:
        spool.add([flow(0), flow(1)])
        with pytest.raises(ArgumentError, match="PaletteSpool"):
            us_multiframe(spool.frames, study=study, colour="palette")
