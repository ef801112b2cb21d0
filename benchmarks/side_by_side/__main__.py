"""Beamforming and colour Doppler beside everybody else, in rounds that take turns.

    python benchmarks/side_by_side [workload …] [--rounds 15]

In each round every participant runs once, in a new random order, so that whatever else the machine
does falls on all alike. The last column, the median over the rounds of the other's time over the
least of ours, is what counts. Needs the `test` extra and a few minutes, most of them PyMUST's.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from others import others_for
from ours import OURS
from packets import PACKETS, participants
from workloads import WORKLOADS

ALL = WORKLOADS | PACKETS
_SEED = 1
_IDLE_S = 0.02


def main() -> None:
    """Run the workloads asked for and print one table of each."""
    parser = argparse.ArgumentParser(
        description="beamforming and colour Doppler beside everybody else"
    )
    parser.add_argument("workloads", nargs="*", choices=[*ALL, []], default=[])
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    for name in arguments.workloads or ALL:
        work = ALL[name]()
        if name in PACKETS:
            runs = participants(name, work)
        else:
            runs = {who: make(work) for who, make in (OURS[name] | others_for(name)).items()}
        images = {who: run() for who, run in runs.items()}
        print(f"\n## {name}: {ALL[name].__doc__}\n", flush=True)
        report(measure(runs, arguments.rounds), images)


def measure(runs: dict[str, Callable[[], Any]], n_rounds: int) -> dict[str, np.ndarray]:
    """Return the times of every participant, one for each round, ms."""
    order = random.Random(_SEED)
    times_ms: dict[str, list[float]] = {who: [] for who in runs}
    for _ in range(n_rounds):
        for who in order.sample(list(runs), len(runs)):
            # Threads of the one before may still spin.
            time.sleep(_IDLE_S)
            begun_s = time.perf_counter()
            runs[who]()
            times_ms[who].append((time.perf_counter() - begun_s) * 1e3)
    return {who: np.array(series) for who, series in times_ms.items()}


def report(times_ms: dict[str, np.ndarray], images: dict[str, Any]) -> None:
    """Print the times, their ratios to our first way, and how far the pictures are from its."""
    ours = next(who for who in times_ms if who.startswith("usdk"))
    least_ms = np.min(
        [series for who, series in times_ms.items() if who.startswith("usdk")], axis=0
    )
    print(f"| | least, ms | median, ms | over {ours} | over our least | differs by |")
    print("|---|---|---|---|---|---|")
    for who, series in sorted(times_ms.items(), key=lambda item: np.median(item[1])):
        ratios = [np.median(series / other) for other in (times_ms[ours], least_ms)]
        print(
            f"| {who} | {series.min():.2f} | {np.median(series):.2f} | {ratios[0]:.2f} | "
            f"{ratios[1]:.2f} | {_difference(images[who], images[ours])} |",
            flush=True,
        )


def _difference(image: Any, reference: Any) -> str:
    if image is None or np.shape(image) != np.shape(reference):
        return "–"
    scale = np.vdot(image, reference) / np.vdot(image, image)
    off = np.linalg.norm(scale * image - reference) / np.linalg.norm(reference)
    return f"{off:.1e}"


if __name__ == "__main__":
    main()
