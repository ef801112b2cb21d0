from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from usdk.errors import StorageError
from usdk.export.outbox import Outbox
from usdk.export.outbox.database import Database
from usdk.trust.journal import decode_record, verify_chain
from usdk.trust.journal_folder import journal_lines

Make = Callable[..., bytes]


def told(outbox: Outbox) -> list[str]:
    lines = list(journal_lines(outbox.journal_folder))
    assert verify_chain(lines).is_whole
    return [decode_record(line).event.uid for line in lines]


def test_what_the_journal_has_and_the_database_still_holds_is_told_once(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path / "box", reserve_bytes=0)
    first = outbox.add(make_object()).sop_instance_uid
    statements: list[str] = []
    rows = Database.rows

    def fail_after_the_append(self: Database, *arguments: object) -> list[tuple[object, ...]]:
        statements.append(str(arguments[0]))
        if len([one for one in statements if "FROM events WHERE" in one]) == 2:
            raise StorageError("the power is gone")
        return rows(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Database, "rows", fail_after_the_append)
    with pytest.raises(StorageError):
        outbox.flush_journal()
    monkeypatch.undo()
    assert told(outbox) == [first]
    second = outbox.add(make_object()).sop_instance_uid
    outbox.flush_journal()
    assert told(outbox) == [first, second]
    outbox.close()


def test_what_the_journal_tells_is_synchronised_in_the_database_before(
    tmp_path: Path, make_object: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    begin = Database.transaction

    def note(self: Database, *, is_synchronised: bool = True) -> object:
        order.append("synchronised" if is_synchronised else "not synchronised")
        return begin(self, is_synchronised=is_synchronised)

    with Outbox(
        tmp_path / "box", reserve_bytes=0, subscriber=lambda _: order.append("told")
    ) as outbox:
        monkeypatch.setattr(Database, "transaction", note)
        outbox.add(make_object())
        outbox.flush_journal()
        monkeypatch.undo()
    assert order.index("told") > order.index("not synchronised")
    assert order[order.index("told") - 1] == "synchronised"
