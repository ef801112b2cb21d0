"""``usdk deliver``: queue objects, and carry them until their arrival is proven."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND, exit_code
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError, LineDownError

if TYPE_CHECKING:
    from usdk.export.delivery import Delivery, News
    from usdk.export.outbox import Outbox

__all__ = ["VERB"]

STOP_S = 60.0
"""How long the requests in flight may take to end after a signal, s."""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE", help="DICOM files to queue")
    parser.add_argument(
        "--config", type=Path, required=True, metavar="TOML", help="outbox, lines and limits"
    )
    parser.add_argument("--urgent", action="store_true", help="the files go before all others")
    parser.add_argument("--queue-only", action="store_true", help="queue the files and send none")
    parser.add_argument(
        "--until-empty", action="store_true", help="end when everything is confirmed or held"
    )
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="end after so long, delivered or not"
    )


def _run(arguments: argparse.Namespace) -> int:
    from usdk.export.delivery import Delivery
    from usdk.export.delivery.configuration import read_configuration
    from usdk.export.outbox import Priority, State

    configuration = read_configuration(arguments.config)
    if not configuration.lines and not arguments.queue_only:
        raise ArgumentError("the configuration has no [[line]]: add one, or give --queue-only")
    with ExitStack() as stack:
        outbox = stack.enter_context(configuration.open_outbox())
        if arguments.files:
            priority = Priority.URGENT if arguments.urgent else Priority.ROUTINE
            entries = outbox.add_many(arguments.files, priority=priority)
            n_queued = sum(entry.state is State.QUEUED for entry in entries)
            say(f"{n_queued} objects are queued")
            if n_queued < len(entries):
                remark(f"{len(entries) - n_queued} were known already: see 'usdk outbox show'")
        if arguments.queue_only:
            return DONE
        lines = configuration.open_lines()
        for line in lines:
            stack.callback(line.close)
        tell = None if arguments.quiet else _tell
        delivery = Delivery(outbox, lines, tell=tell, **configuration.delivery)
        return _deliver(outbox, delivery, arguments)


def _deliver(outbox: Outbox, delivery: Delivery, arguments: argparse.Namespace) -> int:
    from usdk.export.outbox import UNCONFIRMED, State

    with _stopped_by_signals() as stopped:
        delivery.start()
        try:
            is_done = _wait(delivery, stopped, arguments)
        finally:
            if not delivery.stop(STOP_S):
                remark("a line does not let go: what it was sending is asked for at the next start")
    counts = outbox.counts()
    n_proven = sum(counts[state].n_objects for state in (State.CONFIRMED, State.RETAINED))
    n_waiting = sum(counts[state].n_objects for state in UNCONFIRMED)
    n_held = counts[State.HELD].n_objects
    say(f"{n_proven} confirmed, {n_waiting - n_held} on the way, {n_held} held")
    if not is_done and not stopped.is_set():
        remark("not everything is confirmed: it is kept, and goes out with the next delivery")
        return exit_code(LineDownError("not delivered"))
    return PROBLEMS_FOUND if n_held else DONE


def _wait(delivery: Delivery, stopped: threading.Event, arguments: argparse.Namespace) -> bool:
    """Return whether everything was delivered, or nobody asked for that."""
    end_s = None if arguments.seconds is None else time.monotonic() + arguments.seconds
    while not stopped.is_set():
        if end_s is not None and time.monotonic() >= end_s:
            return delivery.wait(0.0)
        if arguments.until_empty and delivery.wait(0.0):
            return True
        stopped.wait(0.2)
    return not arguments.until_empty


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped  # only the main thread may catch signals
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stopped.set()) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _tell(news: News) -> None:
    from usdk.export.delivery import NewsKind

    if news.kind is NewsKind.ACCEPTED:
        return
    words = (news.kind, news.line, news.uid, news.text)
    remark("  ".join(word for word in words if word))


VERB = Verb(
    name="deliver",
    summary="carry objects to the receiver until their arrival is proven",
    description="Queues the files given, then delivers what the outbox holds over the lines of the "
    "configuration\nuntil a signal ends it, or with --until-empty until everything is confirmed. "
    "Ending or losing\npower at any moment loses nothing. The status is 0 when all is confirmed, "
    "10 when objects are\nheld for a person, and 11 when time ran out with the line down.",
    examples=(
        "usdk deliver --config deliver.toml",
        "usdk deliver out/*.dcm --config deliver.toml --until-empty --seconds 600",
        "usdk deliver out.dcm --config deliver.toml --queue-only --urgent",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
