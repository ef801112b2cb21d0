from __future__ import annotations

import sqlite3
from pathlib import Path

from usdk.export.outbox import Outbox
from usdk.export.outbox.owner import make_owner


def test_a_killed_delivery_uses_no_line(tmp_path: Path) -> None:
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        outbox.set_line_in_use("fibre")
        assert outbox.line_in_use() == "fibre"
        _, *rest = make_owner().split(":")
        with sqlite3.connect(tmp_path / "box" / "outbox.sqlite3") as state:
            dead = ":".join(("an earlier boot", *rest))
            state.execute("UPDATE meta SET value = ? WHERE key = 'line_user'", (dead,))
        state.close()
        assert outbox.line_in_use() == ""
        outbox.set_line_in_use("mobile")
        assert outbox.line_in_use() == "mobile"
