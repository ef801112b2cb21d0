"""A unit that delivers over two lines, in whatever network namespace it is started.

Reads its task as JSON from the first argument, and tells what happens as lines of JSON, each with
the machine's monotonic time.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from usdk.export.delivery import Delivery, News
from usdk.export.lines import StowLine, TlsSettings
from usdk.export.outbox import Outbox

SAMPLE_S = 0.2
READY_S = 60.0
"""How long is waited at most for a line that works before anything is queued."""


def main() -> None:
    """Queue the files of a folder, one each ``interval_s``, and deliver until all is confirmed."""
    task: dict[str, Any] = json.loads(sys.argv[1])
    lock = threading.Lock()

    def tell(**what: object) -> None:
        with lock:
            sys.stdout.write(json.dumps({"t": time.monotonic()} | what) + "\n")
            sys.stdout.flush()

    def news(one: News) -> None:
        tell(news=one.kind, uid=one.uid, line=one.line, text=one.text)

    tls = TlsSettings(**task["tls"])
    lines = [
        StowLine(url, tls=tls, name=name, http2=task["http2"])
        for name, url in task["lines"].items()
    ]
    outbox = Outbox(task["outbox"], reserve_bytes=0, alarm_after_s=task["alarm_after_s"])
    with outbox, Delivery(outbox, lines, tell=news, **task["options"]) as delivery:
        ready_by_s = time.monotonic() + READY_S
        while not delivery.metrics().line and time.monotonic() < ready_by_s:
            time.sleep(0.05)
        ended = threading.Event()

        def sample() -> None:
            while not ended.wait(SAMPLE_S):
                point = outbox.recovery_point()
                alarms = delivery.metrics().alarms
                tell(age_s=point.age_s, alarm=any("recovery point" in text for text in alarms))

        sampler = threading.Thread(target=sample, daemon=True)
        sampler.start()
        for path in sorted(Path(task["objects"]).iterdir()):
            tell(queueing=path.name)
            outbox.add(path)
            delivery.wake()
            time.sleep(task["interval_s"])
        is_done = delivery.wait(task["timeout_s"])
        counts = {str(state): count.n_objects for state, count in outbox.counts().items()}
        ended.set()
        sampler.join()
        tell(done=is_done, counts=counts)
    for line in lines:
        line.close()


if __name__ == "__main__":
    main()
