"""DimseReceiver: a storage SCP with TLS and client certificates, on this machine alone."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

from pydicom import Dataset, dcmread

from usdk.dicom import US_IMAGE_STORAGE, US_MULTIFRAME_IMAGE_STORAGE
from usdk.errors import UsdkError
from usdk.export.lines.pynetdicom_extra import (
    AE,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelGet,
    Verification,
    evt,
)
from usdk.export.receiver.admission import NOT_AUTHORIZED
from usdk.export.receiver.audit import AuditLog
from usdk.export.receiver.folder_archive import Archive
from usdk.export.receiver.intake import Intake, Peer
from usdk.export.receiver.loopback import peer_of_certificate
from usdk.trust.cryptography_extra import x509

__all__ = ["STORED_IN", "DimseReceiver"]

STORED_IN = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.5",
)
"""Explicit VR Little Endian, JPEG-LS, JPEG 2000, RLE: all lossless, and never Implicit VR."""

_PROCESSING_FAILURE = 0x0110
_NO_SUCH_INSTANCE = 0x0112
_SILENCE_S = 60.0


class DimseReceiver:
    """Runs a storage SCP at 127.0.0.1; a context manager.

    Parameters
    ----------
    intake : Intake
        Judges, keeps and records; that of a `StowService`, for one.
    archive : Archive
        Gives back.
    context : ssl.SSLContext
        From `server_context`.
    ae_title : str
        Its name.
    port : int
        0 takes a free one.
    gives_back : bool
        Offer C-GET beside storage commitment.
    """

    def __init__(
        self,
        intake: Intake,
        archive: Archive,
        audit: AuditLog,
        context: ssl.SSLContext,
        *,
        ae_title: str = "USDK-RECEIVER",
        port: int = 0,
        gives_back: bool = True,
        sop_classes: Sequence[str] = (US_IMAGE_STORAGE, US_MULTIFRAME_IMAGE_STORAGE),
    ) -> None:
        self._intake = intake
        self._archive = archive
        self._audit = audit
        entity = AE(ae_title=ae_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = _SILENCE_S
        entity.add_supported_context(Verification)
        entity.add_supported_context(StorageCommitmentPushModel)
        if gives_back:
            entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
        for sop_class in sop_classes:
            entity.add_supported_context(
                sop_class, list(STORED_IN), scu_role=gives_back, scp_role=True
            )
        self._server = cast(
            Any,
            entity.start_server(
                ("127.0.0.1", port),
                block=False,
                ssl_context=context,
                evt_handlers=[
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_GET, self._get),
                    (evt.EVT_N_ACTION, self._commit),
                ],
            ),
        )
        self.port: int = self._server.server_address[1]

    def close(self) -> None:
        """Stop listening; may be called twice."""
        self._server.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _store(self, event: Any) -> int:
        peer, problem = _peer(event)
        if problem:
            self._audit.write("request refused", reason=problem, **peer.to_dict())
            return NOT_AUTHORIZED
        try:
            admission = self._intake.take(peer, [event.encoded_dataset()])
        except UsdkError:
            return _PROCESSING_FAILURE
        return admission.failure or 0

    def _get(self, event: Any) -> Iterator[Any]:
        query = event.identifier
        uids = [
            str(query.get(keyword, ""))
            for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
        ]
        with self._archive.find(*uids) as stored:
            yield 0 if stored is None else 1
            if stored is not None:
                with stored[1]() as file:
                    yield 0xFF00, dcmread(file)

    def _commit(self, event: Any) -> tuple[int, None]:
        request = event.action_information
        report = Dataset()
        report.TransactionUID = request.TransactionUID
        kept, failed = [], []
        for item in request.ReferencedSOPSequence:
            if self._intake.holds(str(item.ReferencedSOPInstanceUID)):
                kept.append(item)
            else:
                item.FailureReason = _NO_SUCH_INSTANCE
                failed.append(item)
        if kept:
            report.ReferencedSOPSequence = kept
        if failed:
            report.FailedSOPSequence = failed
        arguments = (report, 2 if failed else 1, StorageCommitmentPushModel, _INSTANCE)
        # After the answer to this request, in the same association: the sender accepts none.
        threading.Timer(_REPORT_AFTER_S, _report, (event.assoc, *arguments)).start()
        return 0x0000, None


_INSTANCE = "1.2.840.10008.1.20.1.1"
_REPORT_AFTER_S = 0.2


def _report(association: Any, *arguments: Any) -> None:
    # The sender may have gone meanwhile; it asks again.
    with suppress(RuntimeError, ValueError):
        association.send_n_event_report(*arguments)


def _peer(event: Any) -> tuple[Peer, str]:
    secured = event.assoc.dul.socket.socket
    der = secured.getpeercert(binary_form=True)
    return peer_of_certificate(x509.load_der_x509_certificate(der))
