"""Courier: carries one batch, asks for one object, tends the house; threads are its caller's."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from usdk.errors import DeliveryRefusedError, LineDownError, StateError, UsdkError
from usdk.export.delivery.alarms import Alarms
from usdk.export.delivery.bandwidth import PIECE_BYTES, MeteredReader, TokenBucket
from usdk.export.delivery.decisions import (
    Decision,
    after_answer,
    after_break,
    after_confirmation,
)
from usdk.export.delivery.news import DeliveryMetrics, News, NewsKind
from usdk.export.delivery.rate import RateMeter
from usdk.export.delivery.switchboard import Switchboard
from usdk.export.lines.line import Acknowledgement, Answer, Confirmation, Line, Outgoing
from usdk.export.outbox.entry import Entry
from usdk.export.outbox.moves import LOST
from usdk.export.outbox.outbox import LEASE_S, Outbox
from usdk.export.outbox.states import Event, State

__all__ = ["BATCH_BYTES", "BATCH_OBJECTS", "Courier"]

BATCH_OBJECTS = 8
BATCH_BYTES = 2 << 20
"""Objects and bytes of one request: few enough that a line that breaks repeats little, and that
what was sent first is read back while the rest is sent."""

MAX_QUESTIONS_IN_DOUBT = 3
"""How often an object that may have arrived is asked for before it is sent again regardless."""


class Courier:
    """One unit of work per call, from any thread.

    Parameters
    ----------
    outbox : Outbox
        What is delivered.
    lines : sequence of Line
        In order of preference. They are taken to lead to one archive: what was accepted over one
        is asked for over the other when the first is down.
    bandwidth_bytes_per_s : float, optional
        Limit of what is sent, all lines together.
    tell : callable, optional
        Given `News`; what it raises is left to it.
    clock, chance, sleep : callable
        Seconds that only rise; a number in [0, 1); how the limit waits.
    """

    def __init__(
        self,
        outbox: Outbox,
        lines: Sequence[Line],
        *,
        bandwidth_bytes_per_s: float | None = None,
        tell: Callable[[News], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._outbox = outbox
        self._listener = tell
        self._clock = clock
        self._chance = chance
        self._bucket = None
        if bandwidth_bytes_per_s is not None:
            self._bucket = TokenBucket(bandwidth_bytes_per_s, clock=clock, sleep=sleep)
        self._rate = RateMeter(clock())
        self.alarms = Alarms(self._tell)
        self.switchboard = Switchboard(
            lines,
            clock=clock,
            chance=chance,
            tell=self._tell,
            record=self._record_line,
            alarms=self.alarms,
        )
        self._lock = threading.Lock()
        self._in_flight: dict[int, Entry] = {}
        self._n_accepted = self._n_confirmed = 0
        self._renewed_s = clock()

    def send_some(self) -> int:
        """Claim a batch and send it over the line in use; returns how many objects were claimed."""
        index = self.switchboard.in_use()
        if index is None:
            return 0
        entries = self._outbox.claim(BATCH_OBJECTS, max_bytes=BATCH_BYTES)
        if not entries:
            return 0
        with self._lock:
            self._in_flight.update((entry.id, entry) for entry in entries)
        try:
            doubted = [entry for entry in entries if entry.in_doubt]
            for entry in doubted:
                self._ask(entry, index)
            sure = [entry for entry in entries if not entry.in_doubt]
            if sure:
                self._send(sure, index)
        finally:
            with self._lock:
                for entry in entries:
                    self._in_flight.pop(entry.id, None)
        return len(entries)

    def confirm_some(self) -> int:
        """Ask for one accepted object; returns how many were asked for."""
        if self.switchboard.in_use() is None:
            return 0
        entries = self._outbox.claim_accepted(1)
        for entry in entries:
            with self._lock:
                self._in_flight[entry.id] = entry
            try:
                index = self.switchboard.preferred(entry.line)
                if index is None:
                    self._settle(entry, Decision(Event.WAIT))
                else:
                    self._ask(entry, index)
            finally:
                with self._lock:
                    self._in_flight.pop(entry.id, None)
        return len(entries)

    def tend(self) -> None:
        """Renew claims, let lines return, purge what was kept long enough, mind the alarm."""
        self.switchboard.refresh()
        now_s = self._clock()
        if now_s - self._renewed_s >= LEASE_S / 4:
            self._renewed_s = now_s
            with self._lock:
                in_flight = list(self._in_flight.values())
            if in_flight:
                self._outbox.renew(in_flight)
        self._outbox.complete_arrivals()
        self._outbox.purge()
        self._outbox.flush_journal()
        point = self._outbox.recovery_point()
        if point.alarm:
            text = "the oldest unconfirmed object has waited longer than the recovery point allows"
            self.alarms.raise_("recovery point", text, uid=point.sop_instance_uid)
        else:
            self.alarms.clear("recovery point")

    def metrics(self) -> DeliveryMetrics:
        """Return the figures of this moment."""
        counts = self._outbox.counts()
        rate = self._rate.bytes_per_s(self._clock())
        left = sum(counts[state].n_bytes for state in (State.QUEUED, State.SENDING))
        eta_s = 0.0 if not left else (left / rate if rate > 0 else None)
        index = self.switchboard.in_use()
        return DeliveryMetrics(
            line="" if index is None else self.switchboard.lines[index].name,
            health=self.switchboard.health(),
            n_accepted=self._n_accepted,
            n_confirmed=self._n_confirmed,
            n_bytes_sent=self._rate.n_bytes,
            rate_bytes_per_s=rate,
            eta_s=eta_s,
            counts=counts,
            recovery_point=self._outbox.recovery_point(),
            alarms=self.alarms.texts(),
        )

    def _send(self, entries: Sequence[Entry], index: int) -> None:
        line = self.switchboard.lines[index]
        damaged: dict[str, UsdkError] = {}
        outgoing = [self._metered(entry, damaged) for entry in entries]
        started_s = self._clock()
        try:
            answers = line.send(outgoing)
        except Exception as error:  # whatever a line raises, the objects go back to the queue
            if not damaged:
                self.switchboard.failed(index, started_s, error)
            self._give_back(entries, damaged, error, line.name)
            return
        self.switchboard.succeeded(index)
        # By UID and not by place: a receiver's word counts for the object that it names alone.
        said = {answer.sop_instance_uid: answer for answer in answers}
        for entry in entries:
            uid = entry.sop_instance_uid
            if uid in damaged:
                self._settle(entry, _damage(damaged[uid]), line.name)
                continue
            answer = said.get(uid) or Acknowledgement(
                uid, Answer.NOT_NOW, "the receiver said nothing of it"
            )
            decision = after_answer(answer.answer, answer.reason, entry.n_tries, self._chance())
            self._settle(entry, decision, line.name)

    def _give_back(
        self,
        entries: Sequence[Entry],
        damaged: dict[str, UsdkError],
        error: Exception,
        line: str,
    ) -> None:
        sender_refused = isinstance(error, DeliveryRefusedError)
        reason = str(error) if isinstance(error, UsdkError) else "the line failed"
        for entry in entries:
            if entry.sop_instance_uid in damaged:
                self._settle(entry, _damage(damaged[entry.sop_instance_uid]), line)
            elif damaged:
                self._settle(entry, Decision(Event.INTERRUPT), line)
            elif sender_refused:
                self._settle(entry, Decision(Event.RELEASE, 0.0, reason), line)
            else:
                self._settle(entry, after_break(reason, entry.n_tries, self._chance()), line)

    def _ask(self, entry: Entry, index: int) -> None:
        line = self.switchboard.lines[index]
        damaged: dict[str, UsdkError] = {}
        started_s = self._clock()
        try:
            # Reading the object again to compare is no sending: it is neither slowed nor counted.
            found = line.confirm(self._metered(entry, damaged, is_sent=False))
        except Exception as error:  # as above
            if damaged:
                self._settle(entry, _damage(damaged[entry.sop_instance_uid]), line.name)
                return
            self.switchboard.failed(index, started_s, error)
            self._settle(entry, self._unasked(entry, error), line.name)
            return
        self.switchboard.succeeded(index)
        if entry.sop_instance_uid in damaged:
            self._settle(entry, _damage(damaged[entry.sop_instance_uid]), line.name)
            return
        decision = after_confirmation(
            found,
            waited_s=self._outbox.waited_s(entry),
            n_lost=entry.n_lost,
            chance=self._chance(),
        )
        if entry.state is State.SENDING and found is Confirmation.ABSENT:
            # That it is not there tells of an interruption, and not of a receiver that lost it.
            decision = Decision(Event.ABSENT)
        if decision.event is Event.WAIT and entry.n_tries > MAX_QUESTIONS_IN_DOUBT:
            # No answer is no reason to keep an object for ever that may never have arrived.
            decision = Decision(Event.ABSENT) if entry.state is State.SENDING else decision
        self._settle(entry, decision, line.name)

    def _unasked(self, entry: Entry, error: Exception) -> Decision:
        reason = str(error) if isinstance(error, UsdkError) else "the line failed"
        event = Event.WAIT if entry.state is State.ACCEPTED else Event.INTERRUPT
        is_down = isinstance(error, LineDownError)
        return Decision(event, self._chance() * (1.0 if is_down else 30.0), reason)

    def _settle(self, entry: Entry, decision: Decision, line: str = "") -> None:
        try:
            if decision.event is Event.CONFIRM:
                self._outbox.confirm(entry, reason=decision.reason, line=line)
            else:
                self._outbox.settle(
                    entry,
                    decision.event,
                    delay_s=decision.delay_s,
                    reason=decision.reason,
                    line=line,
                )
        except StateError:
            return  # the lease ran out: another process has it, and will ask before it sends
        uid = entry.sop_instance_uid
        self._count(decision.event)
        kind = _NEWS.get(decision.event, NewsKind.WAITS)
        self._tell(News(kind, decision.reason, uid, line))
        if decision.alarm:
            self.alarms.raise_(f"{decision.event} {uid}", f"{decision.alarm} ({uid})", uid=uid)
        if decision.event is Event.CONFIRM:
            for event in (Event.REFUSE, Event.ABSENT, Event.WAIT, Event.DIFFER, Event.LOSE):
                self.alarms.clear(f"{event} {uid}")

    def _count(self, event: Event) -> None:
        with self._lock:
            self._n_accepted += event is Event.ACCEPT
            self._n_confirmed += event is Event.CONFIRM

    def _metered(
        self, entry: Entry, damaged: dict[str, UsdkError], *, is_sent: bool = True
    ) -> Outgoing:
        outgoing = self._outbox.outgoing(entry)
        uid = entry.sop_instance_uid

        def note(error: UsdkError) -> None:
            damaged[uid] = error

        def count(n_bytes: int) -> None:
            if is_sent:
                self._rate.add(n_bytes, self._clock())

        def open_metered() -> BinaryIO:
            try:
                file = outgoing.open()
            except UsdkError as error:
                note(error)
                raise
            bucket = self._bucket if is_sent else None
            metered = MeteredReader(file, bucket=bucket, on_bytes=count, on_error=note)
            return io.BufferedReader(metered, PIECE_BYTES)

        return replace(outgoing, open=open_metered)

    def _record_line(self, action: str, line: str, text: str) -> None:
        try:
            self._outbox.record(action, line=line, reason=text)
            if action == NewsKind.SWITCHED:
                self._outbox.set_line_in_use(line)
        except UsdkError as error:
            # The line's fate is known all the same; a disk that fails must not hide it.
            self.alarms.raise_("outbox", f"the outbox fails: {error}")

    def _tell(self, news: News) -> None:
        if self._listener is None:
            return
        try:
            self._listener(news)
        except Exception:  # a screen's fault must not stop a delivery
            self._listener = None


def _damage(error: UsdkError) -> Decision:
    del error  # its text is in the object's reason by a fixed name, which `add` knows to mend
    return Decision(Event.LOSE, 0.0, LOST, "an object is damaged on this unit and is held")


_NEWS = {
    Event.ACCEPT: NewsKind.ACCEPTED,
    Event.CONFIRM: NewsKind.CONFIRMED,
    Event.REFUSE: NewsKind.HELD,
    Event.DIFFER: NewsKind.HELD,
    Event.LOSE: NewsKind.HELD,
}
