from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest

from usdk.dicom.codecs import CODECS, pixel_data
from usdk.dicom.frame_spool import FrameSpool
from usdk.errors import ArgumentError, StorageError
from usdk.export import write_dicom
from usdk.trust.byte_source import FileSource
from usdk.trust.dicom_elements import read_dicom


@pytest.mark.parametrize("codec", list(CODECS))
def test_frames_come_back_from_the_disk_with_their_digests(cine, codec, tmp_path):
    with FrameSpool(codec, tmp_path) as spool:
        spool.add(iter(cine))
        assert list(tmp_path.iterdir()) == []  # It has no name.
        assert len(spool.frames) == len(cine)
        for waiting, frame in zip(spool.frames, cine, strict=True):
            assert np.array_equal(waiting.pixels, frame.pixels)
            assert waiting.pixels_sha256 == hashlib.sha256(frame.pixels.tobytes()).digest()
            assert (waiting.shape, waiting.is_colour) == (frame.shape, False)
            assert waiting.provenance == frame.provenance


def test_what_frames_share_is_held_once(make_frame, tmp_path):
    with FrameSpool("native", tmp_path) as spool:
        spool.add(make_frame(index) for index in range(3))
        first, *others = spool.frames
        assert all(frame.provenance is first.provenance for frame in others)
        assert all(frame.regions is first.regions for frame in others)


def test_frames_that_do_not_belong_together_are_refused_when_they_come(
    make_frame, in_colour, tmp_path
):
    first = make_frame(0)
    shifted = dataclasses.replace(first.raster, z_m=0.003)
    grey = dataclasses.replace(in_colour, overlay=None)
    for second, reason in (
        (make_frame(1, raster=shifted), "another raster"),
        (grey, "grey"),
        (make_frame(1, provenance={"device": None}), "another device"),
    ):
        with FrameSpool("native", tmp_path) as spool, pytest.raises(ArgumentError, match=reason):
            spool.add([first, second])


def test_pixels_beyond_one_value_are_refused_before_they_are_written(cine, tmp_path, monkeypatch):
    monkeypatch.setattr(pixel_data, "MAX_VALUE_BYTES", 3 * cine[0].pixels.size)
    with pytest.raises(ArgumentError, match="fewer frames"):
        write_dicom(tmp_path / "x.dcm", cine, signer=None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_absent_is_the_administrators(tmp_path):
    with pytest.raises(StorageError):
        FrameSpool("native", tmp_path / "absent")


@pytest.mark.parametrize("kind", ["spectral", "m_mode", "composed", "in_colour"])
@pytest.mark.parametrize("colour", ["rgb", "palette"])
def test_pictures_of_every_kind_are_written(request, kind, colour, study, tmp_path):
    picture = request.getfixturevalue(kind)
    path = write_dicom(
        tmp_path / "x.dcm", [picture], signer=None, study=study, codec="jpeg-ls", colour=colour
    )
    with FileSource(path) as source:
        assert read_dicom(source).is_encapsulated
