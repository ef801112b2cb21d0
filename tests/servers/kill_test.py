"""Kill test: a sender is killed at random, again and again, while objects go out.

The sender is a process of its own that queues objects and delivers them with threads over two
lines; the receiver is another. What the sender said it had queued must arrive, whole, and be sent
to the receiver no more often than needed: never twice once the receiver has it. The journal's chain
must be whole after every kill.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usdk.errors import LineDownError
from usdk.export.delivery import Delivery
from usdk.export.lines import Acknowledgement, Confirmation, Line, Outgoing
from usdk.export.lines.line import Answer
from usdk.export.outbox import FileKeyStore, Outbox, State
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

TIMEOUT_S = 30.0
PIECE_BYTES = 4096

MakeLines = Callable[[], Sequence[Line]]


class ReceiverProcess:
    """A receiver on loopback: stores whole objects alone, and counts what it had already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        server = socket.create_server(("127.0.0.1", 0))
        self.port: int = server.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self._serve(server)
            finally:
                os._exit(1)
        server.close()

    def _serve(self, server: socket.socket) -> None:
        lock = threading.Lock()
        while True:
            connection, _ = server.accept()
            threading.Thread(target=self._answer, args=(connection, lock), daemon=True).start()

    def _answer(self, connection: socket.socket, lock: threading.Lock) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError), connection:
            connection.settimeout(TIMEOUT_S)
            stream = connection.makefile("rb")
            while line := stream.readline():
                request = json.loads(line)
                path = self.folder / request["uid"]
                if request["verb"] == "store":
                    content = stream.read(request["bytes"])
                    if len(content) != request["bytes"]:
                        raise EOFError
                    with lock:
                        if path.exists():
                            with (self.folder / "twice.log").open("a") as log:
                                log.write(request["uid"] + "\n")
                        else:
                            part = path.with_suffix(".part")
                            part.write_bytes(content)
                            part.rename(path)
                    answer = "stored"
                else:
                    with lock:
                        found = path.read_bytes() if path.exists() else None
                    answer = "" if found is None else hashlib.sha256(found).hexdigest()
                connection.sendall(json.dumps(answer).encode() + b"\n")

    def stop(self) -> None:
        """End the process."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def n_twice(self) -> int:
        """Return how often an object came that was there already."""
        log = self.folder / "twice.log"
        return len(log.read_text().split()) if log.exists() else 0


class SocketLine(Line):
    """A way to a `ReceiverProcess`, slow enough that kills hit transfers."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port

    def _ask(self, requests: Sequence[tuple[dict[str, object], Outgoing | None]]) -> list[str]:
        answers = []
        try:
            with socket.create_connection(("127.0.0.1", self._port), TIMEOUT_S) as connection:
                # Closed by RST and not by FIN, kills leave no ports waiting.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                stream = connection.makefile("rb")
                for request, outgoing in requests:
                    connection.sendall(json.dumps(request).encode() + b"\n")
                    if outgoing is not None:
                        with outgoing.open() as file:
                            while piece := file.read(PIECE_BYTES):
                                connection.sendall(piece)
                    answers.append(json.loads(stream.readline()))
        except (OSError, ValueError) as error:
            raise LineDownError("the receiver cannot be reached") from error
        return answers

    def check(self) -> None:
        """Ask for nothing."""
        self._ask([({"verb": "ask", "uid": "0"}, None)])

    def send(self, objects: Sequence[Outgoing]) -> list[Acknowledgement]:
        """Send objects."""
        requests: list[tuple[dict[str, object], Outgoing | None]] = [
            ({"verb": "store", "uid": one.sop_instance_uid, "bytes": one.size_bytes}, one)
            for one in objects
        ]
        self._ask(requests)
        return [Acknowledgement(one.sop_instance_uid, Answer.ACCEPTED) for one in objects]

    def confirm(self, sent: Outgoing) -> Confirmation:
        """Compare digests."""
        (digest,) = self._ask([({"verb": "ask", "uid": sent.sop_instance_uid}, None)])
        if not digest:
            return Confirmation.ABSENT
        with sent.open() as file:
            same = hashlib.sha256(file.read()).hexdigest() == digest
        return Confirmation.CONFIRMED if same else Confirmation.DIFFERENT

    def close(self) -> None:
        """Nothing is open."""


def run_sender(
    box: Path, key: Path, sources: Sequence[Path], told: int, lines: Sequence[Line], rate: float
) -> None:
    """Queue the sources one by one, telling of each, and deliver until killed."""
    with Outbox(box, keys=FileKeyStore(key), reserve_bytes=0) as outbox:
        os.write(told, b"ready\n")
        with Delivery(outbox, lines, bandwidth_bytes_per_s=rate, n_senders=3) as delivery:
            for source in sources:
                outbox.add(source)
                os.write(told, f"added {source.name}\n".encode())
                delivery.wake()
            delivery.wait(3600.0)
            os.write(told, b"done\n")
            time.sleep(3600.0)


@dataclass
class KillReport:
    """What a kill test found."""

    n_kills: int = 0
    n_objects: int = 0
    n_lost: int = 0
    n_corrupt: int = 0
    n_twice: int = 0
    n_chains_broken: int = 0
    n_torn_ends: int = 0
    time_s: float = 0.0
    longest_open_s: float = 0.0
    states: dict[str, int] = field(default_factory=dict)


def kill_test(
    folder: Path,
    objects: dict[str, bytes],
    *,
    n_kills: int,
    seed: int,
    longest_life_s: float = 0.6,
    rate_bytes_per_s: float = 40_000.0,
) -> KillReport:
    """Kill a sender ``n_kills`` times while it delivers ``objects`` (by UID), then let it finish.

    Once everything has arrived before all kills are spent, the same objects go out from a new
    outbox to a new receiver.
    """
    chance = random.Random(seed)
    report = KillReport(n_objects=len(objects))
    started_s = time.monotonic()
    key = folder / "key"
    FileKeyStore.create(key)
    sources = folder / "sources"
    sources.mkdir()
    for uid, content in objects.items():
        (sources / uid).write_bytes(content)
    n_round = 0
    while report.n_kills < n_kills or n_round == 0:
        _one_round(
            folder / str(n_round),
            key,
            sources,
            objects,
            report,
            chance,
            n_kills,
            longest_life_s,
            rate_bytes_per_s,
        )
        n_round += 1
    report.time_s = time.monotonic() - started_s
    return report


def _one_round(
    folder: Path,
    key: Path,
    sources: Path,
    objects: dict[str, bytes],
    report: KillReport,
    chance: random.Random,
    n_kills: int,
    longest_life_s: float,
    rate: float,
) -> None:
    folder.mkdir()
    receiver = ReceiverProcess(folder / "receiver")
    box = folder / "box"
    try:
        queued: set[str] = set()
        is_done = False
        while report.n_kills < n_kills and not is_done:
            is_done = _one_life(
                box,
                key,
                sources,
                objects,
                queued,
                receiver,
                chance.uniform(0.0, longest_life_s),
                rate,
            )
            report.n_kills += 1
            _check_journal(box, report)
        _finish(box, key, sources, objects, queued, receiver, report)
        held = {
            path.name: path.read_bytes()
            for path in receiver.folder.iterdir()
            if path.name in objects
        }
        report.n_lost += len(objects) - len(held)
        report.n_corrupt += sum(objects[uid] != content for uid, content in held.items())
        report.n_twice += receiver.n_twice()
    finally:
        receiver.stop()


def _one_life(
    box: Path,
    key: Path,
    sources: Path,
    objects: dict[str, bytes],
    queued: set[str],
    receiver: ReceiverProcess,
    life_s: float,
    rate: float,
) -> bool:
    reading, told = os.pipe()
    # What was said to be queued is not offered again: only the outbox keeps it now.
    rest = [sources / uid for uid in objects if uid not in queued]
    lines = [SocketLine("first", receiver.port), SocketLine("second", receiver.port)]
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reading)
            run_sender(box, key, rest, told, lines, rate)
        finally:
            os._exit(1)
    os.close(told)
    said = b""
    with os.fdopen(reading, "rb", buffering=0) as stream:
        said += stream.read(6) or b""  # until it is ready
        time.sleep(life_s)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        said += stream.readall()
    for line in said.decode().splitlines():
        if line.startswith("added "):
            queued.add(line.removeprefix("added "))
    return b"done" in said


def _check_journal(box: Path, report: KillReport) -> None:
    if not any((box / "journal").glob("*.jsonl")):
        return
    before = verify_chain(_without_torn_end(journal_lines(box / "journal")))
    report.n_chains_broken += not before.is_whole


def _without_torn_end(lines: object) -> list[bytes]:
    found: list[bytes] = list(lines)  # type: ignore[call-overload]
    return found if not found or found[-1].endswith(b"\n") else found[:-1]


def _finish(
    box: Path,
    key: Path,
    sources: Path,
    objects: dict[str, bytes],
    queued: set[str],
    receiver: ReceiverProcess,
    report: KillReport,
) -> None:
    started_s = time.monotonic()
    with Outbox(box, keys=FileKeyStore(key), reserve_bytes=0) as outbox:
        report.longest_open_s = max(report.longest_open_s, time.monotonic() - started_s)
        known = {entry.sop_instance_uid for entry in outbox.list()}
        report.n_lost += len(queued - known)
        outbox.add_many([sources / uid for uid in objects if uid not in known])
        lines = [SocketLine("first", receiver.port), SocketLine("second", receiver.port)]
        with Delivery(outbox, lines) as delivery:
            delivery.wait(120.0)
        for state, count in outbox.counts().items():
            if count.n_objects:
                report.states[str(state)] = report.states.get(str(state), 0) + count.n_objects
        assert set(report.states) <= {str(State.RETAINED)}, report.states
    final = verify_chain(journal_lines(box / "journal"))
    report.n_chains_broken += not final.is_whole
    report.n_torn_ends += final.n_cuts
