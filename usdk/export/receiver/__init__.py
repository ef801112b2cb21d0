"""A receiver of DICOM objects that verifies before it stores: for demonstration, tests, gates."""

from __future__ import annotations

from usdk.export.receiver.admission import Admission, Gate
from usdk.export.receiver.audit import AuditLog
from usdk.export.receiver.folder_archive import Archive, FolderArchive
from usdk.export.receiver.intake import Peer
from usdk.export.receiver.loopback import LoopbackReceiver
from usdk.export.receiver.stow_service import StowService

__all__ = [
    "Admission",
    "Archive",
    "AuditLog",
    "FolderArchive",
    "Gate",
    "LoopbackReceiver",
    "Peer",
    "StowService",
]
