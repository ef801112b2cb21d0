"""DICOM files of anybody: frames, volumes, summary and findings, or a typed refusal."""

from __future__ import annotations

from contextlib import suppress

from dicom_seeds import dicom_files
from scratch_file import scratch_file

from usdk.dicom import (
    Finding,
    check_file,
    read_frames,
    read_region_pictures,
    read_summary,
    read_volumes,
)
from usdk.errors import DataDamagedError, MissingExtraError

WEIGHT = 4
"""Share of a campaign's time, where others have 1."""


def seeds() -> list[bytes]:
    """Return ultrasound objects of every kind."""
    return [bytes((number % 5,)) + file for number, file in enumerate(dicom_files() * 2)]


def one_input(data: bytes) -> None:
    """Read the rest by what the first byte names."""
    if not data:
        return
    path = scratch_file(data[1:], "fuzz.dcm")
    with suppress(DataDamagedError, MissingExtraError):
        match data[0] % 5:
            case 0:
                frames = read_frames(path)
                assert frames
                assert all(frame.pixels.shape[:2] == frame.shape for frame in frames)
            case 1:
                assert all(isinstance(found, Finding) for found in check_file(path))
            case 2:
                str(read_summary(path))
            case 3:
                read_volumes(path)
            case _:
                read_region_pictures(path)
