"""Queueing ten thousand objects beside plain write and fsync of the same bytes.

    python benchmarks/outbox/queue_10000.py [--objects 10000] [--folder DIR]

Prints a table in Markdown. Rates swing with the disk and with who else uses it: the two ways are
timed in turns, a thousand objects each.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "servers"))

from outbox_fixtures import dicom_object

from usdk.export.outbox import FileKeyStore, Outbox

TURN = 1000


def timed(work: Callable[[], object]) -> float:
    started_s = time.perf_counter()
    work()
    return time.perf_counter() - started_s


def write_plain(folder: Path, objects: list[bytes], first: int) -> None:
    for number, content in enumerate(objects, first):
        descriptor = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, content)
        os.fsync(descriptor)
        os.close(descriptor)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--bytes", type=int, default=64_000)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        measure(Path(temporary), arguments.objects, arguments.bytes)


def measure(folder: Path, n_objects: int, n_bytes: int) -> None:
    (folder / "plain").mkdir()
    keys = FileKeyStore.create(folder / "key")
    plain_s = queued_s = singly_s = 0.0
    memory_mb: list[float] = []
    outbox = Outbox(folder / "box", keys=keys)
    objects: list[bytes] = []
    for first in range(0, n_objects, TURN):
        objects.clear()  # or the memory of two turns would be measured
        objects += [
            dicom_object(study=f"1.{(first + n) // 20}", n_bytes=n_bytes)
            for n in range(min(TURN, n_objects - first))
        ]
        plain_s += timed(lambda: write_plain(folder / "plain", objects, first))  # noqa: B023
        queued_s += timed(lambda: outbox.add_many(objects))  # noqa: B023
        memory_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    singly = [dicom_object(n_bytes=n_bytes) for _ in range(200)]
    singly_s = timed(lambda: [outbox.add(content) for content in singly])
    listing_s = timed(outbox.list)
    counting_s = timed(lambda: (outbox.counts(), outbox.recovery_point()))
    claiming_s = timed(lambda: outbox.claim(8))
    # Power goes: nothing is closed, and the write-ahead log is as it was.
    shutil.copytree(folder / "box", folder / "after")
    opening_s = timed(lambda: Outbox(folder / "after", keys=keys))
    outbox.close()
    rate_plain, rate = n_objects / plain_s, n_objects / queued_s
    print(f"| {n_objects} objects of {n_bytes} bytes, encrypted | |\n|---|---|")
    print(f"| plain write and fsync | {rate_plain:.0f} /s |")
    print(f"| `add_many` | {rate:.0f} /s, {rate / rate_plain:.2f} of it |")
    print(f"| `add`, one at a time | {200 / singly_s:.0f} /s |")
    print(f"| `list` of all | {listing_s:.3f} s |")
    print(f"| `counts` and `recovery_point` | {counting_s * 1e3:.2f} ms |")
    print(f"| `claim` of 8 | {claiming_s * 1e3:.1f} ms |")
    print(f"| opening after a power cut | {opening_s:.2f} s |")
    print(
        f"| peak memory after the first and the last thousand | "
        f"{memory_mb[0]:.0f} MB, {memory_mb[-1]:.0f} MB |"
    )


if __name__ == "__main__":
    main()
