"""``usdk check``: what is wrong with an ultrasound DICOM object, whoever made it."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from usdk.cli.exit_codes import DONE, PROBLEMS_FOUND, exit_code
from usdk.cli.progress import make_progress
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError, StorageError, UsdkError

__all__ = ["VERB"]

MAX_FILES = 100_000
_MARK = slice(128, 132)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", type=Path, nargs="+", metavar="PATH", help="DICOM files, or folders"
    )
    parser.add_argument(
        "--no-decode", action="store_true", help="leave the pixels: only what describes them"
    )
    parser.add_argument("--strict", action="store_true", help="warnings count as errors, too")
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    results, status = [], DONE
    progress = make_progress(quiet=arguments.quiet or arguments.json)
    files = _files(arguments.files)
    with progress.stage("check", "files", len(files)) as stage:
        for path in files:
            result, error = _check(path, decode=not arguments.no_decode)
            results.append(result)
            serious = ("error", "warning") if arguments.strict else ("error",)
            if error is not None:
                status = status or exit_code(error)
            elif any(finding["severity"] in serious for finding in result["findings"]):
                status = status or PROBLEMS_FOUND
            if not arguments.json:
                say(_text(result))
            stage.advance()
    if arguments.json:
        say(json.dumps({"files": results}, indent=2))
    return status


def _files(paths: list[Path]) -> list[Path]:
    """Return the files named, and of each folder those that begin as DICOM does."""
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if file.is_file() and _is_dicom(file))
        if not inside:
            raise ArgumentError(f"{path} holds no DICOM file: name the files")
        found += inside
        if len(found) > MAX_FILES:
            raise ArgumentError(f"more than {MAX_FILES} files: check a folder at a time")
    return found


def _is_dicom(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(_MARK.stop)[_MARK] == b"DICM"
    return True  # Unreadable: the check says why.


def _check(path: Path, *, decode: bool) -> tuple[dict[str, Any], UsdkError | None]:
    """Return what is wrong with a file, and why it could not be read, if so."""
    from usdk.dicom import check_file

    result: dict[str, Any] = {"path": str(path)}
    try:
        findings = [finding.to_dict() for finding in check_file(path, decode=decode)]
    except (DataDamagedError, StorageError) as error:
        return result | {"readable": False, "problem": str(error), "findings": []}, error
    return result | {"readable": True, "findings": findings + _check_signatures(path)}, None


def _check_signatures(path: Path) -> list[dict[str, str]]:
    """Return a finding for each signature that does not hold; whom to trust is not asked here."""
    try:
        from usdk.trust.broken_signatures import broken_signatures
    except MissingExtraError:
        return []
    return [
        {
            "severity": "error",
            "attribute": "DigitalSignaturesSequence",
            "tag": "(FFFA,FFFA)",
            "section": "PS3.3 C.12.1.1.3, PS3.15 C",
            "message": problem,
        }
        for problem in broken_signatures(path)
    ]


def _text(result: dict[str, Any]) -> str:
    if not result["readable"]:
        return f"{result['path']}: UNREADABLE\n  {result['problem']}"
    findings = result["findings"]
    n_errors = sum(finding["severity"] == "error" for finding in findings)
    n_warnings = len(findings) - n_errors
    lines = [f"{result['path']}: {_counted(n_errors, 'error')}, {_counted(n_warnings, 'warning')}"]
    for finding in findings:
        where = "; ".join(part for part in (finding["tag"], finding["section"]) if part)
        lines.append(
            f"  {finding['severity']:<8} {finding['attribute']} {finding['message']}"
            + (f" [{where}]" if where else "")
        )
    return "\n".join(lines)


def _counted(n: int, what: str) -> str:
    return f"{n or 'no'} {what}{'' if n == 1 else 's'}"


VERB = Verb(
    name="check",
    summary="what is wrong with an ultrasound DICOM object, whoever made it",
    description="Looks for what would mislead a reader: regions outside the image or without "
    "scale, times of\nframes that contradict each other, pixels that are not what they are said "
    "to be, and more. Each\nfinding names the attribute, its tag, and the section of the standard. "
    "Every frame is decoded,\nand the signatures must hold; whether the signer is trusted, "
    "'usdk verify' says. The status is 0\nif no file has an error.",
    examples=(
        "usdk check cine.dcm",
        "usdk check export/ --json",
        "usdk check large.dcm --no-decode --strict",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
