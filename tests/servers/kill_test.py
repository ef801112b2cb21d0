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
from typing import Protocol

from imaging_cloud import Found, ImagingCloud, data_set_digest
from power_loss import PowerLossDisk

from usdk.errors import LineDownError
from usdk.export.delivery import Delivery
from usdk.export.lines import Acknowledgement, Confirmation, Line, Outgoing, StowLine
from usdk.export.lines.line import Answer
from usdk.export.outbox import FileKeyStore, Outbox, State
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

TIMEOUT_S = 30.0
PIECE_BYTES = 4096
FINISH_S = 300.0


class Receiver(Protocol):
    """What objects go out to, and what may be looked into afterwards."""

    def lines(self) -> list[Line]:
        """Return two ways to it."""

    def look(self) -> Found:
        """Return what it holds."""

    def n_twice(self) -> int:
        """Return how often an object came that was there already."""

    def stop(self) -> None:
        """End it."""


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

    def lines(self) -> list[Line]:
        """Return two ways to it."""
        return [SocketLine("first", self.port), SocketLine("second", self.port)]

    def look(self) -> Found:
        """Return what it holds; a file of a name of its own is an object."""
        paths = [path for path in self.folder.iterdir() if path.name.replace(".", "").isdigit()]
        digests = {path.name: [data_set_digest(path.read_bytes())] for path in paths}
        return Found(len(paths), digests)

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


class CloudReceiver:
    """The imaging cloud of the examples: nginx, ingest gate and Orthanc."""

    def __init__(self, folder: Path, signers: Path) -> None:
        self.cloud = ImagingCloud(folder, signers)

    def lines(self) -> list[Line]:
        """Return two ways to it, by HTTP/2 and by HTTP/1.1."""
        url, tls = self.cloud.url, self.cloud.settings()
        return [
            StowLine(url, tls=tls, name="first", http2=True),
            StowLine(url, tls=tls, name="second", http2=False),
        ]

    def look(self) -> Found:
        """Return what Orthanc holds."""
        return self.cloud.look()

    def n_twice(self) -> int:
        """Return how often the gate took in an object that the archive had."""
        return self.cloud.n_stored() - self.look().n_instances

    def stop(self) -> None:
        """End it."""
        self.cloud.stop()


def run_sender(
    box: Path, key: Path, sources: Sequence[Path], told: int, receiver: Receiver, rate: float
) -> None:
    """Queue the sources one by one, telling of each, and deliver until killed."""
    with Outbox(box, keys=FileKeyStore(key), reserve_bytes=0) as outbox:
        n_doubted = sum(entry.in_doubt for entry in outbox.list())
        os.write(told, f"ready\ndoubts {n_doubted}\n".encode())
        lines = receiver.lines()
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
    n_power_cuts: int = 0
    """Of the kills, those after which all that was not synchronised was thrown away."""
    n_rounds: int = 0
    n_objects: int = 0
    """Of one round."""
    n_doubted: int = 0
    """Objects that may have arrived before a kill: each is asked for before it is sent again."""
    n_lost: int = 0
    n_corrupt: int = 0
    n_duplicates: int = 0
    """Objects that the receiver holds more than once, and such as nobody sent."""
    n_crossed_twice: int = 0
    """Transfers of what the receiver had already; it keeps one."""
    n_chains_broken: int = 0
    n_torn_ends: int = 0
    time_s: float = 0.0
    longest_open_s: float = 0.0
    states: dict[str, int] = field(default_factory=dict)

    @property
    def n_bad(self) -> int:
        """What must be none."""
        return self.n_lost + self.n_corrupt + self.n_duplicates + self.n_chains_broken


@dataclass
class KillTest:
    """Kills a sender while it delivers ``objects`` (by UID), then lets it finish.

    Once everything has arrived before all kills are spent, the same objects go out from a new
    outbox to a new receiver. With ``power_cuts``, every other kill is one of the whole machine.
    """

    folder: Path
    objects: dict[str, bytes]
    make_receiver: Callable[[Path], Receiver]
    n_kills: int
    seed: int = 1
    longest_life_s: float = 0.6
    rate_bytes_per_s: float = 40_000.0
    power_cuts: bool = False
    report: KillReport = field(default_factory=KillReport)

    def run(self) -> KillReport:
        """Do all of it."""
        self.report.n_objects = len(self.objects)
        self._chance = random.Random(self.seed)
        self._key = self.folder / "key"
        FileKeyStore.create(self._key)
        self._sources = self.folder / "sources"
        self._sources.mkdir()
        for uid, content in self.objects.items():
            (self._sources / uid).write_bytes(content)
        started_s = time.monotonic()
        while self.report.n_kills < self.n_kills or self.report.n_rounds == 0:
            self._round(self.folder / str(self.report.n_rounds))
            self.report.n_rounds += 1
        self.report.time_s = time.monotonic() - started_s
        return self.report

    def _round(self, folder: Path) -> None:
        folder.mkdir()
        receiver = self.make_receiver(folder / "receiver")
        disk = PowerLossDisk(folder / "disk") if self.power_cuts else None
        box = folder / "disk" / "box" if disk else folder / "box"
        try:
            queued: set[str] = set()
            is_done = False
            while self.report.n_kills < self.n_kills and not is_done:
                is_done = self._life(box, queued, receiver)
                self.report.n_kills += 1
                if disk is not None and self.report.n_kills % 2:
                    disk.lose_power()
                    self.report.n_power_cuts += 1
                if not _chain_is_whole(box):
                    self.report.n_chains_broken += 1
            self._finish(box, queued, receiver)
            self._compare(receiver)
        finally:
            receiver.stop()
            if disk is not None:
                disk.close()

    def _life(self, box: Path, queued: set[str], receiver: Receiver) -> bool:
        """Let a sender live for a moment; return whether it had nothing left to do."""
        reading, told = os.pipe()
        # What was said to be queued is not offered again: only the outbox keeps it now.
        rest = [self._sources / uid for uid in self.objects if uid not in queued]
        pid = os.fork()
        if pid == 0:
            try:
                os.close(reading)
                run_sender(box, self._key, rest, told, receiver, self.rate_bytes_per_s)
            finally:
                os._exit(1)
        os.close(told)
        said = b""
        with os.fdopen(reading, "rb", buffering=0) as stream:
            said += stream.read(6) or b""  # until it is ready
            time.sleep(self._chance.uniform(0.0, self.longest_life_s))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            said += stream.readall()
        for line in said.decode().splitlines():
            if line.startswith("added "):
                queued.add(line.removeprefix("added "))
            if line.startswith("doubts "):
                self.report.n_doubted += int(line.removeprefix("doubts "))
        return b"done" in said

    def _finish(self, box: Path, queued: set[str], receiver: Receiver) -> None:
        report = self.report
        started_s = time.monotonic()
        with Outbox(box, keys=FileKeyStore(self._key), reserve_bytes=0) as outbox:
            report.longest_open_s = max(report.longest_open_s, time.monotonic() - started_s)
            known = {entry.sop_instance_uid for entry in outbox.list()}
            report.n_lost += len(queued - known)
            outbox.add_many([self._sources / uid for uid in self.objects if uid not in known])
            lines = receiver.lines()
            with Delivery(outbox, lines) as delivery:
                delivery.wait(FINISH_S)
            for line in lines:
                line.close()
            for state, count in outbox.counts().items():
                if count.n_objects:
                    report.states[str(state)] = report.states.get(str(state), 0) + count.n_objects
            assert set(report.states) <= {str(State.RETAINED)}, report.states
        final = verify_chain(journal_lines(box / "journal"))
        report.n_chains_broken += not final.is_whole
        report.n_torn_ends += final.n_cuts

    def _compare(self, receiver: Receiver) -> None:
        report, found = self.report, receiver.look()
        sent = {uid: data_set_digest(content) for uid, content in self.objects.items()}
        report.n_lost += len(sent.keys() - found.digests.keys())
        report.n_corrupt += sum(
            set(digests) != {sent[uid]} for uid, digests in found.digests.items() if uid in sent
        )
        report.n_duplicates += found.n_instances - len(sent.keys() & found.digests.keys())
        report.n_crossed_twice += receiver.n_twice()


def _chain_is_whole(box: Path) -> bool:
    if not any((box / "journal").glob("*.jsonl")):
        return True
    lines = list(journal_lines(box / "journal"))
    # A torn end is what a kill may leave; the next to open the outbox states it in the chain.
    whole = lines if not lines or lines[-1].endswith(b"\n") else lines[:-1]
    return verify_chain(whole).is_whole
