"""The program whose power is cut: an outbox filled, delivered, purged, closed and opened again.

Objects are synchronised beside their rows. Either may be first: one life makes the files wait, and
one the rows.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from outbox_fixtures import FakeLine, MemoryReceiver, dicom_object

from usdk.export.delivery.courier import Courier
from usdk.export.outbox import FileKeyStore, Outbox, State, intake
from usdk.export.outbox import outbox as outbox_module
from usdk.export.outbox.database import Database

LATE_S = 0.02
synchronise = os.fsync


def synchronise_late(descriptor: int) -> None:
    """Synchronise a file of another thread than the main one once the row surely is there."""
    if threading.current_thread() is not threading.main_thread():
        time.sleep(LATE_S)
    synchronise(descriptor)


class LateRows(Database):
    """Commits what is new once its file surely is there."""

    def transaction(self, *, is_synchronised: bool = True) -> Any:
        time.sleep(LATE_S if is_synchronised else 0.0)
        return super().transaction(is_synchronised=is_synchronised)


def main() -> None:
    """Tell each object that was queued and each that was confirmed, once that is a fact."""
    # One after the other: calls that overlap could not be put in an order.
    intake.N_WRITERS = 1
    # So that one group is written while the one before is committed.
    intake.GROUP_OBJECTS = 2
    folder, key, marks = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    told = os.open(marks, os.O_WRONLY | os.O_CREAT, 0o600)
    receiver = MemoryReceiver()
    for life in range(3):
        os.fsync = synchronise_late if life == 0 else synchronise
        outbox_module.Database = LateRows if life == 1 else Database  # type: ignore[misc]
        with Outbox(
            folder / "box", keys=FileKeyStore(key), retain_s=0.0, reserve_bytes=0
        ) as outbox:
            courier = Courier(outbox, [FakeLine("only", receiver)])
            courier.switchboard.check(0)
            for n in range(5):
                entries = outbox.add_many(
                    [
                        dicom_object(study=f"1.{life}", n_bytes=700 * n)
                        for _ in range(1 + 2 * (n % 3))
                    ]
                )
                for entry in entries:
                    os.write(told, f"queued {entry.sop_instance_uid}\n".encode())
                courier.send_some()
                if n % 2:
                    outbox.flush_journal()
                while n > 2 and courier.confirm_some():
                    pass
                for entry in outbox.list(states=[State.RETAINED, State.PURGED]):
                    os.write(told, f"confirmed {entry.sop_instance_uid}\n".encode())
                if n == 4:
                    outbox.purge()
            if life == 1:
                os.write(told, b"half\n")


main()
