"""DimseLine: C-STORE over TLS, confirmed by C-GET or storage commitment (PS3.4, PS3.7, PS3.15)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom import Dataset

from usdk.errors import ArgumentError, DeliveryRefusedError, LineDownError
from usdk.export.lines import storage_commitment
from usdk.export.lines.data_set import chunks_of, data_set_bytes, same_data_set
from usdk.export.lines.deadline import Pace
from usdk.export.lines.dimse_association import Peer, associate
from usdk.export.lines.line import Acknowledgement, Answer, Confirmation, Line, Outgoing
from usdk.export.lines.pynetdicom_extra import (
    Association,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
    build_context,
    build_role,
    evt,
)
from usdk.export.lines.status_codes import failure, success
from usdk.export.lines.tls import TlsSettings, receiver_context

__all__ = ["DimseLine"]

BASE_S = 60.0
MIN_RATE_BYTES_S = 4096.0
"""Longest wait for an answer: `BASE_S`, and as long as the object takes at this rate."""

MAX_AE_TITLE = 16
_IMPLICIT_VR = ("1.2.840.10008.1.2",)
_CANNOT_STORE = 0xA700


class DimseLine(Line):
    """DIMSE to one receiver, over TLS with a client certificate.

    What is negotiated for an object is its own transfer syntax and no other: the receiver takes
    the bytes that were signed, or refuses. An object is held in memory while it is sent.

    Parameters
    ----------
    host, port : str, int
        The receiver; its certificate must be for this name.
    tls : TlsSettings
        Whom to trust, and who this unit is.
    called_ae_title, calling_ae_title : str
        Names of the two application entities.
    name : str
        What messages and the journal call the line; host and port by default.
    max_rate_bit_s : float, optional
        Limit of the rate of sending, bit/s.

    Raises
    ------
    ArgumentError
        A value is out of range.
    NotTrustedError, StorageError, DataDamagedError
        The unit's TLS certificate or key cannot be used.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: TlsSettings,
        called_ae_title: str = "ANY-SCP",
        calling_ae_title: str = "USDK",
        name: str = "",
        max_rate_bit_s: float | None = None,
    ) -> None:
        for title in (called_ae_title, calling_ae_title):
            if not (len(title.strip()) > 0 and len(title) <= MAX_AE_TITLE and title.isascii()):
                raise ArgumentError(f"an AE title has 1 to {MAX_AE_TITLE} ASCII characters")
        if not host or not 0 < port < 65536:
            raise ArgumentError("give the receiver's host, and a port from 1 to 65535")
        if max_rate_bit_s is not None and not max_rate_bit_s > 0:
            raise ArgumentError("max_rate_bit_s must be positive, or None for no limit")
        self.name = name or f"{host}:{port}"
        self._peer = Peer(host, port, called_ae_title, calling_ae_title)
        self._tls = tls
        self._pace = Pace(max_rate_bit_s)
        receiver_context(tls)

    def check(self) -> None:
        """C-ECHO."""
        contexts = [build_context(Verification)]
        with self._association(contexts, BASE_S) as association:
            status = association.send_c_echo()
            if "Status" not in status:
                raise LineDownError("the receiver does not answer C-ECHO: try again later")

    def send(self, objects: Sequence[Outgoing]) -> list[Acknowledgement]:
        """C-STORE each object in one association; see `Line.send`."""
        if not objects:
            return []
        kinds = {(one.sop_class_uid, one.transfer_syntax_uid) for one in objects}
        contexts = [
            build_context(sop_class, syntax)
            for sop_class, syntax in sorted(kinds)
            if syntax not in _IMPLICIT_VR
        ]
        if not contexts:
            return [_refused(one) for one in objects]
        limit_s = self._limit_s(max(one.size_bytes for one in objects))
        answers: list[Acknowledgement] = []
        with self._association(contexts, limit_s) as association:
            accepted = {
                (context.abstract_syntax, context.transfer_syntax[0])
                for context in association.accepted_contexts
            }
            for one in objects:
                if (one.sop_class_uid, one.transfer_syntax_uid) in accepted:
                    answers.append(_store(association, one))
                else:
                    answers.append(_refused(one))
                if not association.is_established:
                    break
        if all(one.reason == _NO_ANSWER for one in answers):
            raise LineDownError("the receiver broke off, or did not answer: try again later")
        rest = objects[len(answers) :]
        return answers + [
            Acknowledgement(one.sop_instance_uid, Answer.NOT_NOW, _NO_ANSWER) for one in rest
        ]

    def confirm(self, sent: Outgoing) -> Confirmation:
        """C-GET the object and compare; where that is not offered, ask for a commitment to it.

        A commitment is the receiver's promise and proves nothing of the bytes. It is waited for in
        the association in which it is asked for, as this unit accepts none.
        """
        received: list[bool] = []

        def compare(event: Any) -> int:
            if str(event.request.AffectedSOPInstanceUID) != sent.sop_instance_uid:
                return _CANNOT_STORE
            with sent.open() as file:
                ours = data_set_bytes(chunks_of(file))
                received.append(same_data_set(ours, [event.request.DataSet.getvalue()]))
            return 0

        commitments = storage_commitment.Reports()
        contexts = [
            build_context(StudyRootQueryRetrieveInformationModelGet),
            build_context(sent.sop_class_uid, sent.transfer_syntax_uid),
            build_context(StudyRootQueryRetrieveInformationModelFind),
            build_context(StorageCommitmentPushModel),
        ]
        with self._association(
            contexts,
            self._limit_s(sent.size_bytes),
            roles=[build_role(sent.sop_class_uid, scp_role=True)],
            handlers=[
                (evt.EVT_C_STORE, compare),
                (evt.EVT_N_EVENT_REPORT, commitments.receive),
                (evt.EVT_PDU_SENT, commitments.note_sent),
            ],
        ) as association:
            offered = {context.abstract_syntax for context in association.accepted_contexts}
            gives_back = StudyRootQueryRetrieveInformationModelGet in offered and any(
                context.abstract_syntax == sent.sop_class_uid and context.as_scp
                for context in association.accepted_contexts
            )
            if gives_back:
                return _get(association, sent, received)
            if StorageCommitmentPushModel in offered:
                return commitments.ask(association, sent)
        raise DeliveryRefusedError(
            "the receiver neither gives objects back nor commits to them, so nothing can be"
            " confirmed: have C-GET or storage commitment enabled there"
        )

    def close(self) -> None:
        """Nothing stays open between calls."""

    @contextmanager
    def _association(
        self, contexts: Sequence[Any], limit_s: float, **options: Any
    ) -> Iterator[Association]:
        with associate(
            self._peer, self._tls, contexts, limit_s=limit_s, pace=self._pace, **options
        ) as association:
            yield association

    def _limit_s(self, n_bytes: int) -> float:
        rate = MIN_RATE_BYTES_S
        if self._pace.rate_bit_s is not None:
            rate = min(rate, self._pace.rate_bit_s / 8 / 2)
        return BASE_S + n_bytes / rate


_NO_ANSWER = "the association ended before the receiver answered"


def _refused(one: Outgoing) -> Acknowledgement:
    return Acknowledgement(
        one.sop_instance_uid,
        Answer.REFUSED,
        "the receiver does not take this SOP class in this transfer syntax",
    )


def _store(association: Association, one: Outgoing) -> Acknowledgement:
    descriptor = os.memfd_create("object", os.MFD_CLOEXEC)
    try:
        with one.open() as file, os.fdopen(os.dup(descriptor), "wb") as copy:
            for chunk in chunks_of(file):
                copy.write(chunk)
        status = association.send_c_store(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    uid = one.sop_instance_uid
    if "Status" not in status:
        return Acknowledgement(uid, Answer.NOT_NOW, _NO_ANSWER)
    code = int(status.Status)
    return success(uid, code) if code == 0 or code & 0xF000 == 0xB000 else failure(uid, code)


def _get(association: Association, sent: Outgoing, received: list[bool]) -> Confirmation:
    query = Dataset()
    query.QueryRetrieveLevel = "IMAGE"
    query.StudyInstanceUID = sent.study_instance_uid
    query.SeriesInstanceUID = sent.series_instance_uid
    query.SOPInstanceUID = sent.sop_instance_uid
    last = Dataset()
    for status, _ in association.send_c_get(query, StudyRootQueryRetrieveInformationModelGet):
        last = status
    if received:
        return Confirmation.CONFIRMED if all(received) else Confirmation.DIFFERENT
    if "Status" not in last:
        raise LineDownError("the receiver broke off while it gave back: try again later")
    if last.Status == 0 and not last.get("NumberOfFailedSuboperations"):
        return Confirmation.ABSENT
    # Some answer with a failure to what they do not have. One that has it and cannot send it as
    # it was may keep it in other coding.
    return Confirmation.PENDING if _may_have(association, query) else Confirmation.ABSENT


def _may_have(association: Association, query: Dataset) -> bool:
    model = StudyRootQueryRetrieveInformationModelFind
    if model not in {context.abstract_syntax for context in association.accepted_contexts}:
        return True
    statuses = [int(one.get("Status", 1)) for one, _ in association.send_c_find(query, model)]
    return statuses != [0]
