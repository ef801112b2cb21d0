"""``usdk probes``: what can be opened."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.distribution import DISTRIBUTION
from usdk.errors import UsdkError
from usdk.front_end import discover, installed_schemes

__all__ = ["VERB"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scheme",
        action="append",
        default=[],
        metavar="SCHEME",
        help="also ask the driver of this scheme, which another package brings (repeatable)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    schemes = installed_schemes()
    asked = {scheme for scheme, owner in schemes.items() if owner == DISTRIBUTION}
    asked |= set(arguments.scheme)
    found: list[dict[str, Any]] = []
    problems: list[dict[str, str]] = []
    for scheme in sorted(asked):
        try:
            found += [asdict(entry) for entry in discover([scheme])]
        except UsdkError as error:
            if scheme in arguments.scheme:
                raise
            # One driver that lacks a package must not hide the probes of the others.
            problems.append({"scheme": scheme, "message": str(error)})
    listing = {
        "found": found,
        "schemes": [
            {"scheme": scheme, "distribution": owner, "asked": scheme in asked}
            for scheme, owner in sorted(schemes.items())
        ],
        "problems": problems,
    }
    say(json.dumps(listing, indent=2) if arguments.json else _text(listing))
    return DONE


def _text(listing: dict[str, Any]) -> str:
    width = max((len(entry["address"]) for entry in listing["found"]), default=0)
    lines = [f"{entry['address']:<{width}}  {entry['description']}" for entry in listing["found"]]
    lines = lines or ["no probe found: plug one in, or open sim:linear-l11-5v"]
    lines += [
        f"{entry['scheme']}: not asked, {entry['distribution']} brings it "
        f"(usdk probes --scheme {entry['scheme']})"
        for entry in listing["schemes"]
        if not entry["asked"]
    ]
    lines += [f"{entry['scheme']}: {entry['message']}" for entry in listing["problems"]]
    return "\n".join(lines)


VERB = Verb(
    name="probes",
    summary="what can be opened",
    description="Lists the probes that can be opened now. Drivers of other packages are named "
    "and not run,\nunless their scheme is given.",
    examples=("usdk probes", "usdk probes --json", "usdk probes --scheme acme"),
    add_arguments=_add_arguments,
    run=_run,
)
