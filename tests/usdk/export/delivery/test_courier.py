"""The courier against a receiver that lies and lines that fail, in time that a test moves."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from outbox_fixtures import FakeLine, MemoryReceiver, MovableClock, dicom_object

from usdk.export.delivery import Health, News, NewsKind
from usdk.export.delivery.courier import Courier
from usdk.export.outbox import Outbox, State
from usdk.export.outbox.outbox import LEASE_S
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

Make = Callable[..., bytes]


class Unit:
    """A courier on two lines to one receiver, with its clock and what it told."""

    def __init__(self, outbox: Outbox, clock: MovableClock, seed: int = 1) -> None:
        self.outbox, self.clock = outbox, clock
        self.receiver = MemoryReceiver()
        self.lines = [FakeLine("first", self.receiver), FakeLine("second", self.receiver)]
        self.news: list[News] = []
        self.chance = random.Random(seed).random
        self.courier = self.new_courier()

    def new_courier(self) -> Courier:
        return Courier(
            self.outbox,
            self.lines,
            tell=self.news.append,
            clock=lambda: self.clock.boottime_s,
            chance=self.chance,
            sleep=self.clock.pass_s,
        )

    def check_due(self) -> None:
        for index in range(len(self.lines)):
            if self.courier.switchboard.check_in_s(index) <= 0:
                self.courier.switchboard.check(index)
        self.courier.switchboard.refresh()

    def run(self, seconds: float) -> None:
        """Let everything happen that happens in so long."""
        for _ in range(int(seconds)):
            self.check_due()
            while self.courier.send_some():
                pass
            while self.courier.confirm_some():
                pass
            self.clock.pass_s(1.0)
        self.courier.tend()

    def states(self) -> list[State]:
        return [entry.state for entry in self.outbox.list()]

    def kinds(self) -> list[NewsKind]:
        return [news.kind for news in self.news]


@pytest.fixture
def unit(outbox: Outbox, clock: Any) -> Unit:
    return Unit(outbox, clock)


def test_objects_are_sent_asked_for_and_retained(unit: Unit, make_object: Make) -> None:
    plain = [make_object(study=f"1.{n // 5}") for n in range(20)]
    unit.outbox.add_many(plain)
    unit.run(5)
    assert set(unit.states()) == {State.RETAINED}
    assert sorted(unit.receiver.held.values()) == sorted(plain)
    metrics = unit.courier.metrics()
    assert (metrics.n_accepted, metrics.n_confirmed, metrics.line) == (20, 20, "first")
    assert metrics.n_bytes_sent == sum(map(len, plain))


def test_a_cut_line_is_left_for_the_other_and_taken_again_when_it_holds(
    unit: Unit, make_object: Make
) -> None:
    unit.run(20)
    unit.lines[0].fault = "cut"
    unit.outbox.add(make_object())
    unit.run(30)
    assert unit.states() == [State.RETAINED]
    assert unit.courier.metrics().line == "second"
    unit.lines[0].fault = ""
    unit.run(60)
    assert unit.courier.metrics().line == "first"
    unit.outbox.flush_journal()
    lines = b"".join(journal_lines(unit.outbox.journal_folder))
    assert lines.count(b'"action":"line in use"') == 3


def test_with_no_line_objects_wait_and_an_alarm_says_so(unit: Unit, make_object: Make) -> None:
    for line in unit.lines:
        line.fault = "cut"
    unit.outbox.add(make_object())
    unit.run(3700)
    assert unit.states() == [State.QUEUED]
    alarms = unit.courier.metrics().alarms
    assert any("no line works" in text for text in alarms)
    assert any("recovery point" in text for text in alarms)
    unit.lines[1].fault = ""
    unit.run(60)
    assert unit.states() == [State.RETAINED]
    assert unit.courier.metrics().alarms == ()
    assert unit.kinds().count(NewsKind.ALARM) == unit.kinds().count(NewsKind.ALARM_OVER)


def test_a_receiver_that_asks_for_time_is_given_it(unit: Unit, make_object: Make) -> None:
    first, second = unit.lines
    second.fault = "cut"
    unit.run(1)
    unit.outbox.add(make_object())
    first.fault = "later"
    unit.run(2)  # the objects' own request is answered so
    n_checks = first.n_checks
    assert unit.courier.switchboard.check_in_s(0) > 590
    first.fault = ""
    unit.run(590)
    assert first.n_checks == n_checks
    assert unit.states() == [State.QUEUED]
    unit.run(20)
    assert unit.states() == [State.RETAINED]


def test_what_may_have_arrived_is_asked_for_and_not_sent_twice(
    unit: Unit, make_object: Make
) -> None:
    unit.run(1)
    unit.outbox.add_many([make_object() for _ in range(3)])
    unit.lines[0].fault = "break"
    unit.courier.send_some()
    unit.lines[0].fault = ""
    unit.run(120)
    assert set(unit.states()) == {State.RETAINED}
    assert unit.receiver.n_twice == 0


def test_a_receiver_that_accepts_and_drops_is_found_out(unit: Unit, make_object: Make) -> None:
    unit.lines[0].fault = "drop"
    unit.outbox.add(make_object())
    unit.run(60)
    assert unit.states() in ([State.QUEUED], [State.ACCEPTED])
    assert any("does not keep them" in text or "not keep" in text for text in _alarms(unit))
    unit.lines[0].fault = ""
    unit.run(400)
    assert unit.states() == [State.RETAINED]
    assert _alarms(unit) == ()


def _alarms(unit: Unit) -> tuple[str, ...]:
    return unit.courier.metrics().alarms


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        ("refuse", State.HELD, "told so"),
        ("other", State.HELD, "something else under its UID"),
        ("busy", State.QUEUED, "told so"),
        ("stranger", State.QUEUED, ""),
        ("unfit", State.QUEUED, ""),
        ("bug", State.QUEUED, ""),
    ],
)
def test_each_lie_and_refusal_ends_in_its_state(
    unit: Unit, make_object: Make, fault: str, state: State, reason: str
) -> None:
    for line in unit.lines:
        line.fault = fault
    unit.outbox.add(make_object())
    unit.run(30)
    (entry,) = unit.outbox.list()
    assert entry.state is state
    assert reason in entry.reason
    assert "Must^Not" not in repr(unit.news)


def test_an_object_of_which_the_receiver_says_nothing_is_asked_for(
    unit: Unit, make_object: Make
) -> None:
    unit.run(1)
    unit.lines[0].fault = "silent"
    unit.outbox.add(make_object())
    unit.courier.send_some()
    (entry,) = unit.outbox.list()
    assert (entry.state, entry.in_doubt) == (State.QUEUED, True)
    assert "said nothing" in entry.reason
    unit.run(10)
    assert unit.states() == [State.RETAINED]
    assert unit.receiver.n_stored == 1


def test_a_stranger_is_an_alarm_and_no_standby_for_trust(unit: Unit, make_object: Make) -> None:
    unit.lines[0].fault = "stranger"
    unit.outbox.add(make_object())
    unit.run(10)
    metrics = unit.courier.metrics()
    assert metrics.health["first"] is Health.NOT_TRUSTED
    assert any("prove who it is" in text for text in metrics.alarms)
    assert unit.states() == [State.RETAINED]


def test_late_confirmations_are_asked_for_ever_more_seldom(unit: Unit, make_object: Make) -> None:
    asked = []
    unit.lines[0].fault = "late"
    confirm = unit.lines[0].confirm
    unit.lines[0].confirm = lambda sent: (asked.append(1), confirm(sent))[1]  # type: ignore[method-assign,func-returns-value]
    unit.outbox.add(make_object())
    unit.run(4000)
    assert unit.states() == [State.ACCEPTED]
    assert 10 < len(asked) < 60
    assert any("waited long" in text for text in _alarms(unit))
    unit.lines[0].fault = ""
    unit.run(301)
    assert unit.states() == [State.RETAINED]


def test_a_damaged_object_is_held_and_blames_no_line(unit: Unit, make_object: Make) -> None:
    unit.run(1)
    bad = unit.outbox.add(make_object(n_bytes=50_000))
    path = unit.outbox.folder / "objects" / bad.file
    path.write_bytes(path.read_bytes()[:-1] + b"\x01\x02"[:1])
    content = bytearray(path.read_bytes())
    content[-100] ^= 0xFF
    path.write_bytes(content)
    good = unit.outbox.add(make_object())
    unit.run(10)
    states = {entry.id: entry.state for entry in unit.outbox.list()}
    assert states == {bad.id: State.HELD, good.id: State.RETAINED}
    assert unit.courier.metrics().health["first"] is Health.UP
    assert NewsKind.LINE_DOWN not in unit.kinds()


def test_a_limit_of_bandwidth_is_kept(outbox: Outbox, clock: Any, make_object: Make) -> None:
    unit = Unit(outbox, clock)
    unit.courier = Courier(
        outbox,
        unit.lines,
        bandwidth_bytes_per_s=10_000,
        clock=lambda: clock.boottime_s,
        sleep=clock.pass_s,
    )
    unit.check_due()
    outbox.add_many([make_object(n_bytes=25_000) for _ in range(4)])
    before_s = clock.boottime_s
    unit.courier.send_some()
    assert 9.0 < clock.boottime_s - before_s < 11.0


FAULTS = ("", "", "cut", "break", "drop", "busy", "silent", "stranger", "unfit", "bug")
FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Lives(RuleBasedStateMachine):
    """Anything may happen in any order; once the lines work, all is delivered, and once only."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        self.clock = MovableClock()
        self.unit = Unit(self.open(), self.clock)
        self.added: dict[str, bytes] = {}
        self.left: list[Outbox] = []

    def open(self) -> Outbox:
        return Outbox(self.folder / "box", read_clock=self.clock, reserve_bytes=0)

    @rule(n=st.integers(1, 3), study=st.sampled_from(["1.1", "1.2"]))
    def add(self, n: int, study: str) -> None:
        for _ in range(n):
            plain = dicom_object(study=study, n_bytes=100)
            entry = self.unit.outbox.add(plain)
            self.added[entry.sop_instance_uid] = plain

    @rule(line=st.integers(0, 1), fault=st.sampled_from(FAULTS))
    def turn(self, line: int, fault: str) -> None:
        self.unit.lines[line].fault = fault

    @rule()
    def check(self) -> None:
        self.unit.check_due()

    @rule()
    def send(self) -> None:
        self.unit.courier.send_some()

    @rule()
    def confirm(self) -> None:
        self.unit.courier.confirm_some()

    @rule(seconds=st.sampled_from([0.5, 5.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.clock.pass_s(seconds)

    @rule(jump_s=st.sampled_from([-1e9, -3600.0, 3600.0, 1e9]))
    def step_the_wall_clock(self, jump_s: float) -> None:
        self.clock.wall_s += jump_s

    @rule()
    def end_while_sending(self) -> None:
        """The process ends with claims open; its leases run out."""
        self.unit.outbox.claim(2)
        self.left.append(self.unit.outbox)
        self.clock.pass_s(LEASE_S + 1)
        self.unit.outbox = self.open()
        self.unit.courier = self.unit.new_courier()

    @invariant()
    def nothing_is_lost(self) -> None:
        entries = {entry.sop_instance_uid: entry for entry in self.unit.outbox.list()}
        assert entries.keys() == self.added.keys()
        for uid, entry in entries.items():
            if entry.state in (State.CONFIRMED, State.RETAINED):
                assert self.unit.receiver.held[uid] == self.added[uid]
            assert entry.state is not State.HELD

    def teardown(self) -> None:
        try:
            for line in self.unit.lines:
                line.fault = ""
            for _ in range(20):
                self.clock.pass_s(305.0)
                self.unit.run(3)
            assert set(self.unit.states()) <= {State.RETAINED}
            assert self.unit.receiver.held == self.added
            assert self.unit.receiver.n_twice == 0
            self.unit.outbox.flush_journal()
            if self.added:
                assert verify_chain(journal_lines(self.unit.outbox.journal_folder)).is_whole
        finally:
            for outbox in (*self.left, self.unit.outbox):
                outbox.close()
            shutil.rmtree(self.folder)


Lives.TestCase.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
test_whatever_happens_all_is_delivered_in_the_end = Lives.TestCase
