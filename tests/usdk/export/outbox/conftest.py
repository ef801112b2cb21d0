"""Fixtures: small DICOM objects, and an outbox whose clock a test may move."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydicom")
pytest.importorskip("cryptography")

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from usdk.export.outbox import Outbox
from usdk.export.outbox.clock import ClockReading

ULTRASOUND_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"


class MovableClock:
    """The clocks of a machine, moved by hand."""

    def __init__(self) -> None:
        self.boot_id, self.boottime_s, self.wall_s = "boot-1", 100.0, 1.8e9

    def __call__(self) -> ClockReading:
        return ClockReading(self.boot_id, self.boottime_s, self.wall_s)

    def pass_s(self, seconds: float) -> None:
        self.boottime_s += seconds
        self.wall_s += seconds

    def restart(self, *, off_s: float = 0.0) -> None:
        self.boot_id, self.boottime_s = self.boot_id + "'", 5.0
        self.wall_s += off_s


@pytest.fixture
def make_object() -> Callable[..., bytes]:
    """Return a maker of DICOM files: ``make_object(study="1.2.3", n_bytes=…, uid=…)``."""

    def make(*, study: str = "1.2.3", n_bytes: int = 2000, uid: str = "") -> bytes:
        dataset = Dataset()
        dataset.SOPClassUID = ULTRASOUND_IMAGE
        dataset.SOPInstanceUID = uid or generate_uid(prefix=None)
        dataset.PatientName = "Must^Not^Appear"
        dataset.StudyInstanceUID = study
        dataset.SeriesInstanceUID = f"{study}.1"
        dataset.PixelData = os.urandom(n_bytes // 2 * 2)
        dataset["PixelData"].VR = "OW"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        file = io.BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        return file.getvalue()

    return make


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: MovableClock) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox", read_clock=clock, reserve_bytes=0) as opened:
        yield opened
