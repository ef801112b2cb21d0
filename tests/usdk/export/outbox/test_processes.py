"""Several processes on one outbox: no object is claimed twice, added twice or lost."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from usdk.export.outbox import Outbox, State
from usdk.trust.journal import verify_chain
from usdk.trust.journal_folder import journal_lines

WORKER = """
import sys
from pathlib import Path
from usdk.export.outbox import Event, Outbox
with Outbox(sys.argv[1], reserve_bytes=0) as outbox:
    outbox.add_many(sorted(Path(sys.argv[2]).iterdir()))
    while claimed := outbox.claim(3):
        for entry in claimed:
            print(entry.sop_instance_uid, flush=True)
            outbox.confirm(outbox.settle(entry, Event.ACCEPT))
"""


def test_processes_share_the_work_and_each_object_goes_once(
    tmp_path: Path, make_object: Callable[..., bytes]
) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for n in range(30):
        (sources / str(n)).write_bytes(make_object(study=f"1.{n // 10}"))
    command = [sys.executable, "-c", WORKER, str(tmp_path / "box"), str(sources)]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    done = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], done
    claims = Counter(uid for output, _ in done for uid in output.split())
    assert len(claims) == 30
    assert set(claims.values()) == {1}
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        assert outbox.counts()[State.RETAINED].n_objects == 30
        assert len(list((outbox.folder / "objects").glob("?" * 32))) == 30
        assert verify_chain(journal_lines(outbox.journal_folder)).is_whole


def test_the_claims_of_a_killed_process_are_free_at_once(
    tmp_path: Path, make_object: Callable[..., bytes]
) -> None:
    script = (
        "import os, signal, sys\nfrom usdk.export.outbox import Outbox\n"
        "outbox = Outbox(sys.argv[1], reserve_bytes=0)\noutbox.claim(2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        outbox.add_many([make_object(), make_object()])
    command = [sys.executable, "-c", script, str(tmp_path / "box")]
    subprocess.run(command, timeout=60, check=False)
    with Outbox(tmp_path / "box", reserve_bytes=0) as outbox:
        assert outbox.recovery.n_leases == 2
        assert [entry.in_doubt for entry in outbox.claim(2)] == [True, True]
