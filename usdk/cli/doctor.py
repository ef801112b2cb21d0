"""``usdk doctor``: what is wrong, and what to do."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.doctor import Examination, examine, udev_rules

__all__ = ["VERB"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        nargs="?",
        metavar="ADDRESS",
        help="also open this device, let it test its elements, and read it for a second",
    )
    parser.add_argument(
        "--scheme",
        action="append",
        default=[],
        metavar="SCHEME",
        help="also ask the driver of this scheme, which another package brings (repeatable)",
    )
    parser.add_argument(
        "--folder", default=".", metavar="DIR", help="where recordings go (default: here)"
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="as JSON on stdout")
    shape.add_argument(
        "--udev-rule",
        action="store_true",
        help="print the rule by which Linux lets users open the devices, and do nothing else",
    )


def _run(arguments: argparse.Namespace) -> int:
    if arguments.udev_rule:
        say(udev_rules(arguments.scheme).rstrip("\n"))
        return DONE
    examination = examine(arguments.address, schemes=arguments.scheme, folder=arguments.folder)
    if arguments.json:
        plain = {
            "findings": [asdict(finding) for finding in examination.findings],
            "n_problems": len(examination.problems),
        }
        say(json.dumps(plain, indent=2))
    else:
        say(_text(examination))
    return PROBLEMS_FOUND if examination.problems else DONE


def _text(examination: Examination) -> str:
    width = max(len(finding.topic) for finding in examination.findings)
    lines = []
    for finding in examination.findings:
        lines.append(f"{finding.severity:<7}  {finding.topic:<{width}}  {finding.message}")
        if finding.advice:
            lines.append(f"{'':<7}  {'':<{width}}  → {finding.advice}")
    n = len(examination.problems)
    lines.append(f"{n or 'no'} {'problem' if n == 1 else 'problems'}")
    return "\n".join(lines)


VERB = Verb(
    name="doctor",
    summary="what is wrong with this machine or a device, and what to do",
    description="Looks at packages, libraries, permissions, limits, devices and their cables. What "
    "does not work is\na problem, and the status is 10; what may not be wanted is a note. Nothing "
    "is changed, and a device\nis not made to send unless its address is given.",
    examples=(
        "usdk doctor",
        "usdk doctor usb:",
        "usdk doctor --json",
        "usdk doctor --udev-rule | sudo tee /etc/udev/rules.d/60-usdk.rules",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
