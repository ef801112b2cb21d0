"""What is measured over bad lines: a picture, a full line, and minutes of cuts.

Each measurement is one unit in its own namespace, delivering to the imaging cloud in another, over
lines that a relay makes as bad as they are to be.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imaging_cloud import ImagingCloud, data_set_digest
from network_lab import CLOUD_ADDRESSES, NetworkLab
from signed_objects import SignedObjects

from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

NAMES = ("first", "second")
ALARM_LAG_S = 2.5
"""An alarm may come this much after its time: the delivery looks each second."""

_UNIT = Path(__file__).with_name("network_unit.py")


@dataclass
class Run:
    """What one unit told, in the order in which it did."""

    told: list[dict[str, Any]] = field(default_factory=list)
    n_bytes: int = 0
    n_objects: int = 0
    journal: list[dict[str, Any]] = field(default_factory=list)
    chain_is_whole: bool = False

    def times(self, **expected: object) -> list[float]:
        """Return when it told what matches."""
        return [
            one["t"]
            for one in self.told
            if all(one.get(name) == value for name, value in expected.items())
        ]

    @property
    def started_s(self) -> float:
        """When the first object was queued."""
        return next(float(one["t"]) for one in self.told if "queueing" in one)

    @property
    def n_confirmed(self) -> int:
        """Objects confirmed, each counted once."""
        return len({one["uid"] for one in self.told if one.get("news") == "confirmed"})

    @property
    def confirmed_s(self) -> float:
        """How long after the first was queued the last was confirmed."""
        return self.times(news="confirmed")[-1] - self.started_s

    def switches(self) -> list[str]:
        """Return the lines in use, in the journal's order; empty for none."""
        return [
            str(one["detail"]["line"]) for one in self.journal if one["action"] == "line in use"
        ]

    def worst_alarm_lag_s(self, alarm_after_s: float) -> float:
        """Return the longest time that the recovery point was above its alarm without one."""
        worst = 0.0
        for one in self.told:
            if "age_s" in one and not one["alarm"]:
                worst = max(worst, (one["age_s"] or 0.0) - alarm_after_s)
        return worst


class NetworkTest:
    """A cloud, two lines and as many units, one after the other, as one asks for.

    Parameters
    ----------
    folder : Path
        An empty folder.
    congestion_control : str
        What TCP uses at both ends.
    """

    def __init__(self, folder: Path, lab: NetworkLab) -> None:
        self._folder, self.lab = folder, lab
        self.signed = SignedObjects(folder)
        self.cloud = ImagingCloud(
            folder / "cloud",
            self.signed.authority,
            prefix=lab.inside(lab.cloud),
            options=["--listen", *CLOUD_ADDRESSES],
        )
        self._n_runs = 0
        self.sent: dict[str, str] = {}

    def deliver(
        self,
        objects: dict[str, bytes],
        *,
        interval_s: float = 0.0,
        alarm_after_s: float = 3600.0,
        timeout_s: float = 600.0,
        http2: bool = False,
        options: dict[str, Any] | None = None,
        meanwhile: Callable[[threading.Event, Run], None] = lambda ended, run: None,
    ) -> Run:
        """Deliver objects; ``meanwhile`` runs beside it, and is told when it has ended.

        ``options`` are `Delivery`'s.
        """
        place = self._folder / f"unit-{self._n_runs}"
        self._n_runs += 1
        (place / "objects").mkdir(parents=True)
        for number, (uid, content) in enumerate(objects.items()):
            (place / "objects" / f"{number:06}").write_bytes(content)
            self.sent[uid] = data_set_digest(content)
        port = self.cloud.url.split(":")[2].split("/")[0]
        settings = self.cloud.settings()
        task = {
            "lines": {
                name: f"https://{address}:{port}/dicom-web"
                for name, address in zip(NAMES, CLOUD_ADDRESSES, strict=True)
            },
            "tls": {
                "trusted_certificates": list(map(str, settings.trusted_certificates)),
                "certificate": str(settings.certificate),
                "key": str(settings.key),
                "revocation_lists": list(map(str, settings.revocation_lists)),
            },
            "outbox": str(place / "box"),
            "objects": str(place / "objects"),
            "interval_s": interval_s,
            "alarm_after_s": alarm_after_s,
            "timeout_s": timeout_s,
            "http2": http2,
            "options": options or {},
        }
        run = Run(n_bytes=sum(map(len, objects.values())), n_objects=len(objects))
        ended = threading.Event()
        beside = threading.Thread(target=meanwhile, args=(ended, run))
        beside.start()
        try:
            with subprocess.Popen(
                [*self.lab.inside(self.lab.unit), sys.executable, str(_UNIT), json.dumps(task)],
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    run.told.append(json.loads(line))
        finally:
            ended.set()
            beside.join()
        if process.returncode:
            raise RuntimeError(f"the unit ended with {process.returncode}")
        lines = list(journal_lines(place / "box" / "journal"))
        run.chain_is_whole = verify_chain(lines).is_whole
        run.journal = [json.loads(line) for line in lines]
        return run

    def problems(self) -> list[str]:
        """Return what Orthanc lacks, has twice or has otherwise, of all that was delivered."""
        found = self.cloud.look()
        wrong = [uid for uid, digest in self.sent.items() if found.digests.get(uid) != [digest]]
        count = found.n_instances
        return wrong + ([] if count == len(self.sent) else [f"{count} instances at Orthanc"])

    def stop(self) -> None:
        """End the cloud."""
        self.cloud.stop()


@contextmanager
def network_test(folder: Path, *, congestion_control: str) -> Iterator[NetworkTest]:
    """Bring the lab and the cloud up for the length of a block."""
    with NetworkLab(congestion_control=congestion_control) as lab:
        test = NetworkTest(folder, lab)
        try:
            yield test
        finally:
            test.stop()


@dataclass
class Cuts:
    """Cuts and mends lines at random until a run ends or ``duration_s`` are over.

    ``blackout_s`` is how long both are cut at once, in the middle; lines are mended at the end.
    """

    lab: NetworkLab
    seed: int
    duration_s: float
    shortest_s: float = 5.0
    longest_s: float = 45.0
    blackout_s: float = 0.0
    n_cuts: list[int] = field(default_factory=lambda: [0, 0])

    def __call__(self, ended: threading.Event, _run: Run) -> None:
        """Do so."""
        chance = random.Random(self.seed)
        started_s = time.monotonic()
        is_cut = [False, False]
        next_s = [started_s + chance.uniform(self.shortest_s, self.longest_s) for _ in NAMES]
        blackout_at_s = started_s + self.duration_s / 2
        while not ended.wait(0.05) and time.monotonic() - started_s < self.duration_s:
            now_s = time.monotonic()
            if self.blackout_s and now_s >= blackout_at_s:
                for line in range(2):
                    self.lab.set_line(line, is_cut=True)
                    self.n_cuts[line] += not is_cut[line]
                ended.wait(self.blackout_s)
                blackout_at_s = float("inf")
                is_cut = [True, True]
                next_s = [time.monotonic()] * 2
                continue
            for line in range(2):
                if now_s >= next_s[line]:
                    is_cut[line] = not is_cut[line]
                    self.n_cuts[line] += is_cut[line]
                    self.lab.set_line(line, is_cut=is_cut[line])
                    next_s[line] = now_s + chance.uniform(self.shortest_s, self.longest_s)
        for line in range(2):
            self.lab.set_line(line, is_cut=False)
