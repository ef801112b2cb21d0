"""Which object a file holds, as the outbox reads it: pydicom knows the same, or it is refused."""

from __future__ import annotations

import io
import warnings

from dicom_seeds import dicom_files
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from usdk.errors import DataDamagedError
from usdk.export.outbox.identity import identify

_UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def seeds() -> list[bytes]:
    """Return the beginnings of ultrasound objects in every encoding."""
    found = [file[:8192] for file in dicom_files()]
    dataset = dcmread(io.BytesIO(dicom_files()[0]), stop_before_pixels=True)
    for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
        dataset.file_meta.TransferSyntaxUID = syntax
        file = io.BytesIO()
        dcmwrite(
            file, dataset, implicit_vr=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian, force_encoding=True,
        )  # fmt: skip
        found.append(file.getvalue())
    return found


def one_input(data: bytes) -> None:
    """Read the UIDs, and compare them with those of a reader that guesses nothing either."""
    try:
        found = identify(io.BytesIO(data))
    except DataDamagedError:
        return
    with warnings.catch_warnings(action="error"):
        try:
            dataset = dcmread(io.BytesIO(data), stop_before_pixels=True)
            theirs = [str(dataset[keyword].value) for keyword in _UIDS]
        except Exception:  # it refuses, or would have to guess
            return
    ours = [found.sop_class_uid, found.sop_instance_uid]
    assert theirs == [*ours, found.study_instance_uid, found.series_instance_uid]
