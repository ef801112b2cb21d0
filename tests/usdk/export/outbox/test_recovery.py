from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from usdk.export.outbox import Event, Outbox, State

Make = Callable[..., bytes]


def test_an_outbox_that_was_closed_needs_nothing(tmp_path: Path, make_object: Make) -> None:
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        outbox.add(make_object())
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        found = outbox.recovery
    assert (found.n_leases, found.n_orphans, found.n_lost) == (0, 0, 0)


def test_the_claims_of_an_earlier_boot_are_free(
    tmp_path: Path, clock: Any, make_object: Make, monkeypatch: Any
) -> None:
    first = Outbox(tmp_path / "box", read_clock=clock, reserve_bytes=0)
    first.add_many([make_object(study="1.1"), make_object(study="1.2")])
    [sending] = first.claim()
    [accepted] = first.claim()
    first.settle(accepted, Event.ACCEPT)
    assert len(first.claim_accepted()) == 1
    # The machine starts anew: nothing was closed.
    monkeypatch.setattr(
        "usdk.export.outbox.recovery.is_surely_dead", lambda lease: lease != "somebody"
    )
    clock.restart(off_s=10.0)
    with Outbox(tmp_path / "box", read_clock=clock, reserve_bytes=0) as outbox:
        assert outbox.recovery.n_leases == 2
        states = {entry.sop_instance_uid: entry for entry in outbox.list()}
        assert states[sending.sop_instance_uid].state is State.QUEUED
        assert states[sending.sop_instance_uid].in_doubt
        assert states[accepted.sop_instance_uid].state is State.ACCEPTED
        assert len(outbox.claim_accepted()) == 1


def test_a_row_without_its_file_is_held_and_told_once(tmp_path: Path, make_object: Make) -> None:
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        entry = outbox.add(make_object())
        outbox.add(make_object())
    (tmp_path / "box" / "objects" / entry.file).unlink()
    for n_lost in (1, 0):
        with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
            assert outbox.recovery.n_lost == n_lost
            [held] = outbox.list(states=[State.HELD])
            assert held.sop_instance_uid == entry.sop_instance_uid
            assert len(outbox.list(states=[State.QUEUED])) == 1
