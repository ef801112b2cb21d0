"""``usdk show``: what a file holds."""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.show_at import add_at_arguments, describe_places
from usdk.cli.show_dicom import describe_dicom
from usdk.cli.show_frames import describe_frames
from usdk.cli.show_recording import describe_channel_data
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError, DataDamagedError
from usdk.files import open_regular, storage_errors

__all__ = ["VERB"]

_DICOM_MARK = slice(128, 132)
_ARCHIVE = b"PK\x03\x04"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="a recording, a frames file or a DICOM file"
    )
    parser.add_argument(
        "--patient", action="store_true", help="of a DICOM file, also who the patient is"
    )
    add_at_arguments(parser)
    parser.add_argument("--json", action="store_true", help="as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    description, text = _describe(path, patient=arguments.patient)
    if arguments.at:
        if description["kind"] != "dicom":
            raise ArgumentError("--at measures in DICOM files: export the frames first")
        n_frames = description["n_frames"]
        if not 1 <= arguments.frame <= n_frames:
            raise ArgumentError(f"--frame must be 1 to {n_frames}, got {arguments.frame}")
        description, text = describe_places(path, arguments.at, arguments.frame)
    description = {"path": str(path)} | description
    say(json.dumps(_finite(description), indent=2) if arguments.json else text)
    return DONE


def _describe(path: Path, *, patient: bool) -> tuple[dict[str, Any], str]:
    with (
        storage_errors(f"read {path}"),
        os.fdopen(open_regular(path, str(path)), "rb") as file,
    ):
        head = file.read(_DICOM_MARK.stop)
    if head[_DICOM_MARK] == b"DICM":
        return describe_dicom(path, patient=patient)
    if head.startswith(_ARCHIVE):
        try:
            return _with_text(describe_frames(path))
        except DataDamagedError as not_frames:
            # Channel data come as .npz too.
            try:
                return _with_text(describe_channel_data(path))
            except DataDamagedError:
                raise not_frames from None
    return _with_text(describe_channel_data(path))


def _finite(value: Any) -> Any:
    """Return plain values with None for what JSON has no word for, as a stranger may write it."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_text(description: dict[str, Any]) -> tuple[dict[str, Any], str]:
    return description, _text(description)


def _text(description: dict[str, Any], indent: str = "") -> str:
    lines = []
    width = max(map(len, description), default=0)
    for key, value in description.items():
        if isinstance(value, dict):
            lines += [f"{indent}{key}", _text(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key:<{width}}  {'unknown' if value is None else value}")
    return "\n".join(lines)


VERB = Verb(
    name="show",
    summary="what a recording, a frames file or a DICOM file holds",
    description="Says what a file holds; the kind is told by its content. Who the patient is "
    "stays unsaid\nwithout --patient. With --at it measures depth, velocity and time at a pixel, "
    "and from the one\nbefore. Nothing is verified: for signatures see 'usdk verify'.",
    examples=(
        "usdk show scan.usrec",
        "usdk show out.dcm --json",
        "usdk show out.dcm --patient",
        "usdk show out.dcm --at 120,80 --at 160,200",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
