"""``usdk audit``: whether a journal is whole, checked without anything but its files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from usdk.cli.exit_codes import DONE, exit_code
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import NotTrustedError

__all__ = ["VERB"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("verify",), help="what to do")
    parser.add_argument("journal", type=Path, metavar="FOLDER", help="the journal, or its outbox")
    parser.add_argument(
        "--signer",
        type=Path,
        action="append",
        default=[],
        metavar="PEM",
        help="certificate whose signatures count (repeatable)",
    )
    parser.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="DIGEST",
        help="digest of a record, kept elsewhere, that must be in the journal (repeatable)",
    )
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    from usdk.trust.certificate_trust import load_certificates
    from usdk.trust.cryptography_extra import serialization
    from usdk.trust.journal import verify_chain
    from usdk.trust.journal_folder import journal_lines

    inside = arguments.journal / "journal"
    folder = inside if inside.is_dir() else arguments.journal
    encoding = serialization.Encoding.DER
    certificates = [entry.public_bytes(encoding) for entry in load_certificates(arguments.signer)]
    report = verify_chain(
        journal_lines(folder), certificates_der=certificates, known_heads=arguments.head
    )
    if arguments.json:
        say(json.dumps({"is_whole": report.is_whole} | report.__dict__, indent=2))
    else:
        say(f"{'whole' if report.is_whole else 'BROKEN'}: {report.n_records} records")
        for problem in report.problems:
            say(f"  problem      {problem}")
        if report.n_cuts:
            say(f"  torn ends    {report.n_cuts}, cut after crashes and kept beside the journal")
        if report.n_signatures:
            say(f"  signatures   {report.n_signatures}, the last in record {report.last_signed}")
        else:
            say("  signatures   none: that its end was cut off could not be seen")
        say(f"  head         {report.head}")
    return DONE if report.is_whole else exit_code(NotTrustedError("broken"))


VERB = Verb(
    name="audit",
    summary="whether a delivery's journal is whole",
    description="Verifies the hash chain of a journal from its first record, offline. A record "
    "that was changed,\nremoved, added or moved breaks it. To see that nothing was cut off at the "
    "end, keep a head\nelsewhere and give it with --head, or have the journal signed. The status "
    "is 6 if it is broken.",
    examples=(
        "usdk audit verify /var/lib/usdk/outbox",
        "usdk audit verify journal/ --signer unit.pem --head 3f…",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
