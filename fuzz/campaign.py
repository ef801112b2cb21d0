"""Fuzz every target in turn: ``python fuzz/campaign.py --seconds 3600 --folder FOLDER``.

Each target runs in a process of its own, forked from one that has imported all of them, so that a
short campaign is not spent on imports. A target's share of the time is its ``WEIGHT``, 1 where it
says none. The folder keeps corpora, logs and findings; the last lines printed are the counts. The
status is 1 if there is a finding.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from child import run_in_child
from run import TARGETS, load_target, target_names

SLICE_S = 15
"""Longest time that a target of weight 1 runs before the next has its turn."""

_START_S = 1
"""What a turn takes beside fuzzing, s."""

_COUNT = re.compile(r"number_of_executed_units:\s*(\d+)")
_PROGRESS = re.compile(r"^#(\d+)\t", re.MULTILINE)


@dataclass
class Tally:
    """What was done with one target."""

    n_inputs: int = 0
    seconds: float = 0.0
    n_findings: int = 0


def run_one(name: str, target: ModuleType, folder: Path, seconds: int, seed: int) -> Tally:
    """Fuzz a target for so long and return what came of it."""
    log = folder / f"{name}.log"
    start_s = time.monotonic()
    status = run_in_child(target, folder / name, log, seconds=seconds, seed=seed)
    text = log.read_text(errors="replace")
    # What ends with a finding has not always said its last count.
    counts = _COUNT.findall(text) or _PROGRESS.findall(text)
    tally = Tally(int(counts[-1]) if counts else 0, time.monotonic() - start_s)
    if status != 0:
        tally.n_findings = 1
        kept = folder / f"{name}-{time.time_ns()}.finding.log"
        log.replace(kept)
        shown = text[text.find("=== Uncaught") :] if "=== Uncaught" in text else text[-3000:]
        print(f"FINDING in {name}: see {kept}\n{shown[:6000]}", flush=True)
    return tally


def campaign(
    names: list[str], folder: Path, seconds: float, *, seed: int = 0, targets: Path = TARGETS
) -> dict[str, Tally]:
    """Fuzz targets in turns until the time is spent."""
    loaded = {name: load_target(name, targets) for name in names}
    weights = {name: getattr(target, "WEIGHT", 1) for name, target in loaded.items()}
    tallies = {name: Tally() for name in names}
    folder.mkdir(parents=True, exist_ok=True)
    end_s = time.monotonic() + seconds
    is_first = True
    while True:
        left = dict(weights)
        for name, target in loaded.items():
            share_s = min((end_s - time.monotonic()) / sum(left.values()), SLICE_S)
            turn_s = round(share_s * left.pop(name)) - _START_S
            if turn_s < 1 and not is_first:
                return tallies
            tally = run_one(name, target, folder, max(1, turn_s), seed)
            tallies[name].n_inputs += tally.n_inputs
            tallies[name].seconds += tally.seconds
            tallies[name].n_findings += tally.n_findings
        is_first = False
        _report(tallies)


def _report(tallies: dict[str, Tally]) -> None:
    for name, tally in tallies.items():
        print(f"{name:24} {tally.n_inputs:12,} inputs {tally.seconds:8.0f} s", end="")
        print(f" {tally.n_findings:4} findings")
    total = sum(tally.n_inputs for tally in tallies.values())
    seconds = sum(tally.seconds for tally in tallies.values())
    findings = sum(tally.n_findings for tally in tallies.values())
    print(f"{'together':24} {total:12,} inputs {seconds:8.0f} s {findings:4} findings", flush=True)


def main() -> int:
    """Run the campaign that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="all of them by default")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0 for any")
    parser.add_argument("--folder", type=Path, help="for corpora, logs and findings")
    parser.add_argument("--from", dest="source", type=Path, default=TARGETS, help="other targets")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="fuzz-campaign-"))
    print(f"corpora, logs and findings are in {folder}", flush=True)
    tallies = campaign(
        arguments.targets or target_names(arguments.source),
        folder,
        arguments.seconds,
        seed=arguments.seed,
        targets=arguments.source,
    )
    return 1 if any(tally.n_findings for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
