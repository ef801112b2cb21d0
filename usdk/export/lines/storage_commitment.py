"""Storage commitment, push model (PS3.4 annex J), answered within the same association."""

from __future__ import annotations

import queue
from typing import Any

from pydicom import Dataset
from pydicom.uid import generate_uid

from usdk.errors import LineDownError
from usdk.export.lines.line import Confirmation, Outgoing
from usdk.export.lines.pynetdicom_extra import Association, StorageCommitmentPushModel

__all__ = ["REPORT_S", "Reports"]

REPORT_S = 15.0
"""How long the receiver's report is waited for."""

_INSTANCE = "1.2.840.10008.1.20.1.1"
_REQUEST = 1
_NO_SUCH_INSTANCE = 0x0112


class Reports:
    """What a receiver reports of one request."""

    def __init__(self) -> None:
        self._transaction = str(generate_uid(prefix=None))
        self._received: Dataset | None = None
        self._reports: queue.Queue[Dataset] = queue.Queue()

    def receive(self, event: Any) -> tuple[int, None]:
        """Take an N-EVENT-REPORT."""
        information = event.event_information
        if str(information.get("TransactionUID", "")) == self._transaction:
            self._received = information
        return 0x0000, None

    def note_sent(self, event: Any) -> None:
        """Note that something was sent: after a report it is the answer to that."""
        # Not before: who has the report releases the association, and an answer that comes later
        # is an error of the protocol.
        if self._received is not None:
            self._reports.put(self._received)

    def ask(self, association: Association, sent: Outgoing) -> Confirmation:
        """Ask for a commitment to one object, and wait for the report."""
        item = Dataset()
        item.ReferencedSOPClassUID = sent.sop_class_uid
        item.ReferencedSOPInstanceUID = sent.sop_instance_uid
        request = Dataset()
        request.TransactionUID = self._transaction
        request.ReferencedSOPSequence = [item]
        status, _ = association.send_n_action(
            request, _REQUEST, StorageCommitmentPushModel, _INSTANCE
        )
        if "Status" not in status:
            raise LineDownError("the receiver broke off when asked to commit: try again later")
        if status.Status != 0:
            return Confirmation.PENDING
        try:
            report = self._reports.get(timeout=REPORT_S)
        except queue.Empty:
            return Confirmation.PENDING
        return _outcome(report, sent.sop_instance_uid)


def _outcome(report: Dataset, uid: str) -> Confirmation:
    for item in report.get("FailedSOPSequence") or ():
        if str(item.get("ReferencedSOPInstanceUID", "")) == uid:
            absent = item.get("FailureReason") == _NO_SUCH_INSTANCE
            return Confirmation.ABSENT if absent else Confirmation.PENDING
    for item in report.get("ReferencedSOPSequence") or ():
        if str(item.get("ReferencedSOPInstanceUID", "")) == uid:
            return Confirmation.CONFIRMED
    return Confirmation.PENDING
