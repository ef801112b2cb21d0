"""Whatever happens to an examination, nothing that stays tells whose it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from outbox_fixtures import FakeLine, MemoryReceiver

from usdk.cli import main
from usdk.export.delivery import News
from usdk.export.delivery.courier import Courier
from usdk.export.outbox import FileKeyStore, Outbox, State
from usdk.trust.journal import JournalRecord

Make = Callable[..., bytes]
FAULTS = ("refuse", "other", "bug", "break", "drop", "stranger", "unfit", "silent", "")


def test_no_name_is_in_state_journal_news_or_output(
    tmp_path: Path, clock: Any, make_object: Make, capfd: Any, caplog: Any
) -> None:
    folder, key = tmp_path / "box", tmp_path / "key"
    keys = FileKeyStore.create(key)
    receiver = MemoryReceiver()
    news: list[News] = []
    records: list[JournalRecord] = []
    with Outbox(
        folder, keys=keys, read_clock=clock, reserve_bytes=0, subscriber=records.append
    ) as outbox:
        line = FakeLine("only", receiver)
        courier = Courier(
            outbox,
            [line],
            tell=news.append,
            clock=lambda: clock.boottime_s,
            chance=lambda: 0.5,
            sleep=clock.pass_s,
        )
        for fault in FAULTS:
            line.fault = fault
            entry = outbox.add(make_object())
            if fault == "drop":
                (folder / "objects" / entry.file).write_bytes(b"damaged")
            for _ in range(20):
                courier.switchboard.check(0)
                while courier.send_some() or courier.confirm_some():
                    pass
                clock.pass_s(10)
            courier.tend()
        for entry in outbox.list(states=[State.HELD]):
            outbox.purge(entry.sop_instance_uid, discard=True)
        assert outbox.counts()[State.RETAINED].n_objects > 0
        told = repr(news) + repr(records) + repr(courier.metrics())
    for words in (["list"], ["list", "--json"], ["doctor", "--deep"], ["watch", "--seconds", "0"]):
        main(["outbox", *words, "--outbox", str(folder), "--key-file", str(key)])
    main(["audit", "verify", str(folder)])
    output = capfd.readouterr()
    assert {record.event.action for record in records} > {"add", "accept", "refuse", "retain"}
    for text in (told, output.out, output.err, caplog.text):
        assert "Must" not in text
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        content = path.read_bytes()
        for encoding in ("ascii", "utf-16-le", "utf-16-be"):
            assert "Must^Not^Appear".encode(encoding) not in content
            assert json.dumps("Must^Not^Appear")[1:-1].encode(encoding) not in content
