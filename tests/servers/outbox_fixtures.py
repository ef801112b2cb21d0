"""Fixtures: small DICOM objects, and an outbox whose clock a test may move."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from usdk.errors import DeliveryRefusedError, LineDownError, NotTrustedError
from usdk.export.lines import Acknowledgement, Confirmation, Line, Outgoing
from usdk.export.lines.line import Answer
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


def dicom_object(
    *, study: str = "1.2.3", n_bytes: int = 2000, uid: str = "", pixels: bytes = b""
) -> bytes:
    """Return a DICOM file of nobody, of the pixels given or of random ones."""
    dataset = Dataset()
    dataset.SOPClassUID = ULTRASOUND_IMAGE
    dataset.SOPInstanceUID = uid or generate_uid(prefix=None)
    dataset.PatientName = "Must^Not^Appear"
    dataset.StudyInstanceUID = study
    dataset.SeriesInstanceUID = f"{study}.1"
    dataset.PixelData = pixels or os.urandom(n_bytes // 2 * 2)
    dataset["PixelData"].VR = "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


@pytest.fixture
def make_object() -> Callable[..., bytes]:
    """Return `dicom_object`."""
    return dicom_object


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: MovableClock) -> Iterator[Outbox]:
    with Outbox(tmp_path / "outbox", read_clock=clock, reserve_bytes=0) as opened:
        yield opened


class MemoryReceiver:
    """An archive in memory that counts what comes twice."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.n_stored = self.n_twice = 0
        self.lock = threading.Lock()

    def store(self, uid: str, content: bytes) -> None:
        with self.lock:
            self.n_stored += 1
            self.n_twice += uid in self.held
            self.held.setdefault(uid, content)


class FakeLine(Line):
    """A way to a `MemoryReceiver` that fails as it is told.

    ``fault``: "" none, "cut" nothing passes, "break" breaks after storing the first and before
    answering, "drop" accepts and stores nothing, "other" stores something else, "busy" not now,
    "refuse" for good, "silent" stores and answers for none, "stranger" proves nothing,
    "unfit" refuses the sender, "later" asks to be left alone for ten minutes, "bug" raises what no
    line may raise, "late" has no confirmation yet.
    """

    def __init__(self, name: str, receiver: MemoryReceiver) -> None:
        self.name = name
        self.receiver = receiver
        self.fault = ""
        self.delay_s = 0.0
        self.n_sends = self.n_checks = 0

    def _pass(self) -> None:
        time.sleep(self.delay_s)
        if self.fault == "cut":
            raise LineDownError("the line is cut")
        if self.fault == "later":
            raise LineDownError("the receiver is busy", retry_after_s=600.0)
        if self.fault == "stranger":
            raise NotTrustedError("the receiver does not prove who it is")
        if self.fault == "unfit":
            raise DeliveryRefusedError("the receiver refuses this unit")
        if self.fault == "bug":
            raise KeyError("Must^Not^Appear")

    def check(self) -> None:
        self.n_checks += 1
        self._pass()

    def send(self, objects: Sequence[Outgoing]) -> list[Acknowledgement]:
        self._pass()
        self.n_sends += 1
        answers = []
        for one in objects:
            with one.open() as file:
                content = file.read()
            uid = one.sop_instance_uid
            answer = {"busy": Answer.NOT_NOW, "refuse": Answer.REFUSED}.get(self.fault)
            if answer is None:
                if self.fault == "other":
                    self.receiver.store(uid, content + b"?")
                elif self.fault != "drop":
                    self.receiver.store(uid, content)
                answer = Answer.ACCEPTED
            if self.fault == "break":
                raise LineDownError("the line broke off")
            if self.fault != "silent":
                answers.append(Acknowledgement(uid, answer, "told so"))
        return answers

    def confirm(self, sent: Outgoing) -> Confirmation:
        self._pass()
        if self.fault == "late":
            return Confirmation.PENDING
        with self.receiver.lock:
            found = self.receiver.held.get(sent.sop_instance_uid)
        if found is None:
            return Confirmation.ABSENT
        with sent.open() as file:
            return Confirmation.CONFIRMED if file.read() == found else Confirmation.DIFFERENT

    def close(self) -> None:
        pass
