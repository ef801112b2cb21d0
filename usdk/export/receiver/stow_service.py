"""StowService: STOW-RS and WADO-RS of single instances (PS3.18), behind a gate; no sockets.

A request's objects are spooled, judged one by one, and handed to the archive one by one: the
archive never sees a byte of what the gate refuses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from usdk.errors import DataDamagedError
from usdk.export.lines.multipart import Multipart, boundary_of, read_parts
from usdk.export.receiver.admission import Admission, Gate, is_uid
from usdk.export.receiver.audit import AuditLog
from usdk.export.receiver.folder_archive import Archive
from usdk.export.receiver.intake import Intake, Peer

__all__ = ["MAX_PARTS", "Reply", "StowService"]

MAX_PARTS = 4096
"""Objects in one request."""

_JSON = "application/dicom+json"


@dataclass
class Reply:
    """Status, headers and body of an answer; ``closing`` is called when the body was sent."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes] = ()
    closing: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of(cls, status: int, content_type: str, body: bytes) -> Reply:
        """Return an answer with a short body."""
        return cls(status, {"Content-Type": content_type, "Content-Length": str(len(body))}, [body])


class StowService:
    """Stores what a gate admits in an archive, and gives it back.

    Parameters
    ----------
    gate : Gate
        Decides.
    archive : Archive
        Keeps.
    audit : AuditLog
        Hears of every object stored or refused, and of every refused request.
    spool : path-like, optional
        Folder for objects in passing; the system's for temporary files by default.
    max_object_bytes : int
        Longest object.
    """

    def __init__(
        self,
        gate: Gate,
        archive: Archive,
        audit: AuditLog,
        *,
        spool: str | os.PathLike[str] | None = None,
        max_object_bytes: int = 1 << 32,
    ) -> None:
        self.intake = Intake(gate, archive, audit, spool=spool, max_object_bytes=max_object_bytes)
        self._archive = archive
        self._audit = audit

    def refuse(self, peer: Peer, status: int, reason: str) -> Reply:
        """Record and return the refusal of a whole request."""
        self._audit.write("request refused", reason=reason, **peer.to_dict())
        return Reply.of(status, "text/plain; charset=utf-8", reason.encode())

    def answer(
        self, peer: Peer, method: str, path: str, content_type: str, body: Iterable[bytes]
    ) -> Reply:
        """Answer one request; ``path`` is below the service's root, without a query."""
        parts = path.strip("/").split("/")
        if method == "POST" and parts[0] == "studies" and len(parts) in (1, 2):
            return self._store(peer, content_type, body)
        is_instance = parts[::2] == ["studies", "series", "instances"] and len(parts) == 6
        if method == "GET" and is_instance:
            return self._retrieve(peer, *parts[1::2])
        return self.refuse(peer, 404, "no such service: POST studies, GET one instance")

    def _store(self, peer: Peer, content_type: str, body: Iterable[bytes]) -> Reply:
        stored: list[Admission] = []
        refused: list[Admission] = []
        try:
            boundary = boundary_of(content_type)
            for number, part in enumerate(read_parts(body, boundary), start=1):
                if number > MAX_PARTS:
                    return self.refuse(peer, 413, f"more than {MAX_PARTS} objects in one request")
                admission = self.intake.take(peer, part.content)
                (stored if admission.failure is None else refused).append(admission)
        except DataDamagedError as error:
            # What came whole before the fault is stored; the sender finds it by sending again.
            return self.refuse(peer, 400, f"the request cannot be read: {error}")
        if not stored and not refused:
            return self.refuse(peer, 400, "the request holds no object")
        status = 200 if not refused else 202 if stored else 409
        answer = {
            tag: {"vr": "SQ", "Value": items}
            for tag, items in (
                ("00081198", [_item(one, one.failure) for one in refused if one.sop_instance_uid]),
                ("00081199", [_item(one, None) for one in stored]),
            )
            if items
        }
        return Reply.of(status, _JSON, json.dumps(answer).encode())

    def _retrieve(self, peer: Peer, study: str, series: str, instance: str) -> Reply:
        if not all(map(is_uid, (study, series, instance))):
            return self.refuse(peer, 400, "a UID is malformed")
        closing = ExitStack()
        stored = closing.enter_context(self._archive.find(study, series, instance))
        if stored is None:
            closing.close()
            return Reply.of(404, "text/plain", b"no such instance")
        body = Multipart([stored])
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.n_bytes)}
        return Reply(200, headers, body, closing)


def _item(admission: Admission, failure: int | None) -> dict[str, Any]:
    item: dict[str, Any] = {"00081155": {"vr": "UI", "Value": [admission.sop_instance_uid]}}
    if admission.sop_class_uid:
        item["00081150"] = {"vr": "UI", "Value": [admission.sop_class_uid]}
    if failure is not None:
        item["00081197"] = {"vr": "US", "Value": [failure]}
    return item
