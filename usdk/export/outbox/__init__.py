"""The outbox: objects are kept until their arrival at the receiver is proven."""

from __future__ import annotations

from usdk.export.outbox.entry import Count, Entry, Priority, RecoveryPoint
from usdk.export.outbox.examination import Finding
from usdk.export.outbox.keys import CredentialKeyStore, FileKeyStore, KeyStore
from usdk.export.outbox.outbox import Outbox
from usdk.export.outbox.states import UNCONFIRMED, Event, State

__all__ = [
    "UNCONFIRMED",
    "Count",
    "CredentialKeyStore",
    "Entry",
    "Event",
    "FileKeyStore",
    "Finding",
    "KeyStore",
    "Outbox",
    "Priority",
    "RecoveryPoint",
    "State",
]
