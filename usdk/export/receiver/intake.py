"""Intake: an object from the wire to the archive, past the gate, with a record of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from usdk.errors import DataDamagedError, UsdkError
from usdk.export.receiver.admission import Admission, Gate
from usdk.export.receiver.audit import AuditLog
from usdk.export.receiver.folder_archive import Archive
from usdk.files import storage_errors

__all__ = ["Intake", "Peer"]

_PROCESSING_FAILURE = 0x0110


@dataclass(frozen=True)
class Peer:
    """Who asks: distinguished name, serial number and SHA-256 of its certificate."""

    subject: str = ""
    serial: str = ""
    fingerprint: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the fields for the audit log."""
        return {"peer": self.subject, "serial": self.serial, "fingerprint": self.fingerprint}


class Intake:
    """Spools an object, has it judged, and hands it to the archive; see `StowService`."""

    def __init__(
        self,
        gate: Gate,
        archive: Archive,
        audit: AuditLog,
        *,
        spool: str | os.PathLike[str] | None = None,
        max_object_bytes: int = 1 << 32,
    ) -> None:
        self._gate = gate
        self._archive = archive
        self._audit = audit
        self._spool = spool
        self._max_object_bytes = max_object_bytes
        self._kept: set[str] = set()

    def holds(self, sop_instance_uid: str) -> bool:
        """Return whether an object was kept since the start."""
        return sop_instance_uid in self._kept

    def take(self, peer: Peer, content: Iterable[bytes]) -> Admission:
        """Judge one object, keep it if it is admitted, and record what became of it.

        Raises
        ------
        DataDamagedError
            It is too long, or what it comes from is cut.
        StorageError
            It cannot be spooled.
        """
        with (
            storage_errors("spool a received object"),
            tempfile.NamedTemporaryFile(dir=self._spool, suffix=".dcm") as file,
        ):
            n_bytes = 0
            for chunk in content:
                n_bytes += len(chunk)
                if n_bytes > self._max_object_bytes:
                    raise DataDamagedError(f"an object of more than {self._max_object_bytes} bytes")
                file.write(chunk)
            file.flush()
            admission = self._gate.admit(file.name)
            if admission.failure is None:
                try:
                    failure = self._archive.keep(Path(file.name), admission)
                except UsdkError as error:
                    self._audit.write("archive failed", reason=str(error))
                    failure = _PROCESSING_FAILURE
                if failure is not None:
                    why = f"the archive did not take it (0x{failure:04X})"
                    admission = replace(admission, failure=failure, reason=why)
        if admission.failure is None:
            self._kept.add(admission.sop_instance_uid)
        self._audit.write(
            "stored" if admission.failure is None else "object refused",
            sop_instance_uid=admission.sop_instance_uid,
            signer=admission.signer,
            reason=admission.reason,
            **peer.to_dict(),
        )
        return admission
