"""``usdk outbox``: what waits to be delivered, and what a person can do about it."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND
from usdk.cli.outbox_options import add_outbox_arguments, open_outbox
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError

if TYPE_CHECKING:
    from usdk.export.outbox import Entry, Outbox

__all__ = ["VERB"]

_ACTIONS = ("list", "show", "retry", "purge", "doctor", "watch")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("uids", nargs="*", metavar="UID", help="SOP Instance UIDs")
    add_outbox_arguments(parser)
    parser.add_argument(
        "--state", action="append", default=[], metavar="STATE", help="list: only this (repeatable)"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="list: at most so many")
    parser.add_argument("--held", action="store_true", help="retry: every object that is held")
    parser.add_argument(
        "--discard",
        action="store_true",
        help="purge: even if it was never confirmed, and this is the only copy",
    )
    parser.add_argument("--deep", action="store_true", help="doctor: read every object through")
    parser.add_argument("--seconds", type=float, metavar="S", help="watch: for so long")
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    from usdk.cli.outbox_watch import watch

    with open_outbox(arguments) as outbox:
        if arguments.action == "watch":
            return watch(outbox, seconds=arguments.seconds, as_json=arguments.json)
        return _DO[arguments.action](outbox, arguments)


def _list(outbox: Outbox, arguments: argparse.Namespace) -> int:
    from usdk.export.outbox import State

    unknown = set(arguments.state) - set(State)
    if unknown:
        raise ArgumentError(f"--state must be one of {', '.join(State)}")
    states = [State(state) for state in arguments.state] or list(State)
    entries = outbox.list(states=states, limit=arguments.limit)
    if arguments.json:
        say(json.dumps({"objects": [_plain(outbox, entry) for entry in entries]}, indent=2))
        return DONE
    for entry in entries:
        say(
            f"{entry.state:<9} {_age(outbox.age_s(entry)):>6} {entry.size_bytes:>12} "
            f"{entry.sop_instance_uid}{'  ' + entry.reason if entry.reason else ''}"
        )
    counts = outbox.counts()
    remark(", ".join(f"{count.n_objects} {state}" for state, count in counts.items()))
    return DONE


def _show(outbox: Outbox, arguments: argparse.Namespace) -> int:
    entries = [_known(outbox, uid) for uid in _uids(arguments)]
    if arguments.json:
        say(json.dumps({"objects": [_plain(outbox, entry) for entry in entries]}, indent=2))
        return DONE
    for entry in entries:
        say("\n".join(f"{name:<22} {value}" for name, value in _plain(outbox, entry).items()))
    return DONE


def _retry(outbox: Outbox, arguments: argparse.Namespace) -> int:
    from usdk.export.outbox import State

    uids = arguments.uids
    if arguments.held:
        uids = [entry.sop_instance_uid for entry in outbox.list(states=[State.HELD])]
    elif not uids:
        raise ArgumentError("say what to retry: UIDs, or --held for all that are held")
    for uid in uids:
        outbox.retry(uid)
    say(f"{len(uids)} objects go out again")
    return DONE


def _purge(outbox: Outbox, arguments: argparse.Namespace) -> int:
    if arguments.discard and not arguments.uids:
        raise ArgumentError("--discard needs the UIDs of what is given up")
    if not arguments.uids:
        n_purged = outbox.purge()
    else:
        n_purged = sum(outbox.purge(uid, discard=arguments.discard) for uid in arguments.uids)
    say(f"{n_purged} objects removed from this unit")
    return DONE


def _doctor(outbox: Outbox, arguments: argparse.Namespace) -> int:
    findings = outbox.doctor(deep=arguments.deep)
    problems = [finding for finding in findings if finding.is_problem]
    if arguments.json:
        rows = [{"problem": finding.is_problem, "text": finding.text} for finding in findings]
        say(json.dumps({"findings": rows}, indent=2))
    else:
        for finding in findings:
            say(f"{'problem' if finding.is_problem else 'note':<8} {finding.text}")
        if not problems:
            say("the outbox is sound")
    return PROBLEMS_FOUND if problems else DONE


def _uids(arguments: argparse.Namespace) -> list[str]:
    if not arguments.uids:
        raise ArgumentError("name an object by its SOP Instance UID: see 'usdk outbox list'")
    uids: list[str] = arguments.uids
    return uids


def _known(outbox: Outbox, uid: str) -> Entry:
    entry = outbox.get(uid)
    if entry is None:
        raise ArgumentError(f"the outbox knows no object {uid}: see 'usdk outbox list'")
    return entry


def _plain(outbox: Outbox, entry: Entry) -> dict[str, Any]:
    added = datetime.fromtimestamp(entry.created_wall_s).astimezone()
    return {
        "state": str(entry.state),
        "sop_instance_uid": entry.sop_instance_uid,
        "study_instance_uid": entry.study_instance_uid,
        "series_instance_uid": entry.series_instance_uid,
        "sop_class_uid": entry.sop_class_uid,
        "transfer_syntax_uid": entry.transfer_syntax_uid,
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256.hex(),
        "encrypted": bool(entry.key_id),
        "priority": entry.priority,
        "added": added.isoformat(timespec="seconds"),
        "age_s": round(outbox.age_s(entry), 3),
        "n_tries": entry.n_tries,
        "n_lost": entry.n_lost,
        "in_doubt": entry.in_doubt,
        "line": entry.line,
        "reason": entry.reason,
    }


def _age(age_s: float) -> str:
    for unit, length_s in (("d", 86400.0), ("h", 3600.0), ("m", 60.0)):
        if age_s >= length_s:
            return f"{age_s / length_s:.0f} {unit}"
    return f"{age_s:.0f} s"


_DO = {"list": _list, "show": _show, "retry": _retry, "purge": _purge, "doctor": _doctor}

VERB = Verb(
    name="outbox",
    summary="what waits to be delivered, and what to do about it",
    description="Looks into an outbox, also while another process delivers from it. Objects are "
    "named by their\nSOP Instance UID; no patient's name is shown, as none is kept in the state. "
    "'purge' removes\nconfirmed objects whose retention is over, or those that are named; what was "
    "never confirmed\nonly with --discard. 'doctor' exits with 10 if it finds problems.",
    examples=(
        "usdk outbox list --config deliver.toml --state held",
        "usdk outbox retry --held --config deliver.toml",
        "usdk outbox doctor --deep --outbox /var/lib/usdk/outbox",
        "usdk outbox watch --config deliver.toml",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
