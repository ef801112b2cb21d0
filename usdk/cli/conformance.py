"""``usdk conformance``: whether a front-end keeps the contract."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from usdk.cli.exit_codes import DONE, NOT_CONFORMANT
from usdk.cli.outputs import require_writable
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.conformance import (
    CHECKS,
    Outcome,
    Report,
    Settings,
    Verdict,
    chosen_checks,
    run_checks,
    write_junit,
)
from usdk.conformance.bench import DEFAULT_N_FRAMES
from usdk.conformance.runner import NOT_OPENED
from usdk.errors import ArgumentError

__all__ = ["VERB"]


class _Person:
    """Asks the person at the terminal."""

    def unplug(self) -> None:
        remark("UNPLUG the front-end now, while it runs")

    def plug(self) -> None:
        remark("PLUG the front-end in again")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address", metavar="ADDRESS", nargs="?", help="of the front-end: see 'usdk probes'"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also as JUnit XML")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="ID",
        help="make this check alone, or this group of checks (repeatable)",
    )
    parser.add_argument("--list", action="store_true", help="name the checks and make none")
    parser.add_argument(
        "--frames",
        type=int,
        default=DEFAULT_N_FRAMES,
        metavar="N",
        help="frames over which losses are accounted for (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout-s",
        type=float,
        metavar="S",
        help="how long each check may take; its own time when absent",
    )
    parser.add_argument(
        "--interactive",
        action="store_true",
        help="ask you to unplug the front-end and to plug it in again",
    )
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    checks = chosen_checks(arguments.only)
    if arguments.list:
        listing = [{"id": c.id, "title": c.title, "requires": c.requires} for c in checks]
        say(json.dumps({"checks": listing}, indent=2) if arguments.json else _list(listing))
        return DONE
    if arguments.address is None:
        raise ArgumentError("name the front-end: usdk conformance ADDRESS ('usdk probes' lists)")
    if arguments.report is not None:
        # A report is made anew in each run of a build: one that is there is replaced.
        require_writable(arguments.report, overwrite=True)
    settings = Settings(
        n_frames=arguments.frames,
        timeout_s=arguments.timeout_s,
        operator=_Person() if arguments.interactive else None,
    )
    is_telling = not (arguments.json or arguments.quiet)
    report = run_checks(
        arguments.address,
        checks=checks,
        settings=settings,
        on_outcome=_tell if is_telling else None,
    )
    if arguments.report is not None:
        write_junit(arguments.report, report)
    if report.opening_error is not None:
        raise report.opening_error
    say(json.dumps(report.to_dict(), indent=2) if arguments.json else _summary(report))
    return NOT_CONFORMANT if report.of(Verdict.FAILED) else DONE


_WIDTH = max(len(check.id) for check in CHECKS)
_MARKS = {Verdict.PASSED: "passed ", Verdict.FAILED: "FAILED ", Verdict.SKIPPED: "skipped"}


def _tell(outcome: Outcome) -> None:
    if outcome.verdict is Verdict.SKIPPED and outcome.note == NOT_OPENED:
        return
    lines = [
        f"{_MARKS[outcome.verdict]}  {outcome.check.id:<{_WIDTH}}  {outcome.time_s:6.2f} s  "
        f"{outcome.note}".rstrip()
    ]
    if outcome.verdict is Verdict.FAILED:
        lines += _fault(outcome)
    say("\n".join(lines))


def _fault(outcome: Outcome) -> list[str]:
    return [
        f"         rule        {outcome.check.title}",
        f"         seen        {outcome.seen}",
        f"         expected    {outcome.expected}",
        f"         what to do  {outcome.advice}",
        f"         read        drivers/README.md, {outcome.check.requires}",
    ]


def _summary(report: Report) -> str:
    device = report.device
    who = "" if device is None else f"{device.manufacturer} {device.model}: "
    counts = ", ".join(f"{len(report.of(verdict))} {verdict.value}" for verdict in Verdict)
    return f"{who}{counts}"


def _list(listing: list[dict[str, str]]) -> str:
    return "\n".join(f"{entry['id']:<{_WIDTH}}  {entry['title']}" for entry in listing)


VERB = Verb(
    name="conformance",
    summary="whether a front-end keeps the contract",
    description="Opens a front-end again and again and tries whether it keeps the contract: "
    "identity,\nconfiguration and limits, states, data, losses, timing, recovery, and what it "
    "leaves behind.\nWhat fails is said with what was seen, what is expected and what to do. "
    "The status is 0 only\nif nothing failed.",
    examples=(
        "usdk conformance sim:linear-l11-5v",
        "usdk conformance usb: --report junit.xml --frames 10000",
        "usdk conformance usbip://localhost/1-1 --only time --only data.finite",
        "usdk conformance usb: --only unplug --interactive",
        "usdk conformance --list",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
