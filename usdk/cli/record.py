"""``usdk record``: channel data from a front-end to a recording, however long."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.outputs import add_overwrite_argument, require_writable
from usdk.cli.progress import Stage, make_progress
from usdk.cli.reception import add_reception_arguments, apply_settings, gain_curve
from usdk.cli.scan import (
    DEFAULT_DEPTH_MM,
    angles_in_degrees,
    configure,
    describe_front_end,
    describe_lines,
)
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import (
    ArgumentError,
    DeviceAbsentError,
    DeviceFailedError,
    DeviceTimeoutError,
    EndOfRecordingError,
    UsdkError,
)
from usdk.front_end import FrontEnd, open_front_end
from usdk.io import Recorder

__all__ = ["VERB"]

_TIMEOUT_S = 10.0
_INTERRUPTIONS = (DeviceAbsentError, DeviceFailedError, DeviceTimeoutError)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="of the probe: see 'usdk probes'")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="the recording"
    )
    parser.add_argument("--frames", type=int, metavar="N", help="how many; without end when absent")
    parser.add_argument(
        "--seconds", type=float, metavar="S", help="for how long; without end when absent"
    )
    parser.add_argument("--angles", metavar="DEG,DEG,…", help="plane waves to send, as for scan")
    parser.add_argument(
        "--depth-mm",
        type=float,
        metavar="MM",
        help=f"depth, {DEFAULT_DEPTH_MM:g} when absent; of a recording all of it",
    )
    parser.add_argument(
        "--timeout-s",
        type=float,
        default=_TIMEOUT_S,
        metavar="S",
        help="how long to wait for each frame (default: %(default)g)",
    )
    add_reception_arguments(parser)
    add_overwrite_argument(parser)
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.frames is not None and arguments.frames < 1:
        raise ArgumentError(f"--frames must be at least 1, got {arguments.frames}")
    seconds = math.inf if arguments.seconds is None else arguments.seconds
    if not seconds > 0:
        raise ArgumentError(f"--seconds must be positive, got {arguments.seconds}")
    require_writable(arguments.output, overwrite=arguments.overwrite)
    progress = make_progress(quiet=arguments.quiet)
    tgc, angles_deg = gain_curve(arguments.tgc), angles_in_degrees(arguments.angles)
    depth_m = None if arguments.depth_mm is None else arguments.depth_mm * 1e-3
    with open_front_end(arguments.address) as front_end:
        apply_settings(front_end, arguments.set)
        configuration = configure(front_end, angles_deg=angles_deg, depth_m=depth_m, tgc=tgc)
        summary = describe_front_end(arguments.address, front_end, configuration)
        end_s = time.monotonic() + seconds
        with (
            Recorder(arguments.output, overwrite=arguments.overwrite) as record,
            progress.stage("record", "frames", arguments.frames) as stage,
        ):
            interruption, counts = _record(
                front_end,
                record,
                stage,
                timeout_s=arguments.timeout_s,
                is_enough=lambda n: n == arguments.frames or time.monotonic() >= end_s,
            )
    summary |= counts
    summary["interruption"] = None if interruption is None else str(interruption)
    summary["files"] = {"recording": str(arguments.output)}
    say(json.dumps(summary, indent=2) if arguments.json else _text(summary))
    if interruption is not None:
        n_frames = counts["n_frames_received"]
        kept = f"{n_frames} frames were recorded, then {interruption}"
        raise type(interruption)(kept) from interruption
    return DONE


def _record(
    front_end: FrontEnd,
    record: Recorder,
    stage: Stage,
    *,
    timeout_s: float,
    is_enough: Callable[[int], bool],
) -> tuple[UsdkError | None, dict[str, int]]:
    """Record until it is enough, the device ends, or Ctrl-C; return what ended it, and counts."""
    interruption: UsdkError | None = None
    n_lost = n_packets_lost = n_packets_damaged = 0
    try:
        while not is_enough(record.n_frames):
            acquisition = front_end.read(timeout_s=timeout_s)
            record(acquisition)
            for gap in acquisition.gaps:
                n_lost += gap.n_frames
                n_packets_lost += gap.n_packets_lost
                n_packets_damaged += gap.n_packets_damaged
            stage.advance(acquisition.n_frames, note=f"{n_lost} lost" if n_lost else "")
    except (EndOfRecordingError, KeyboardInterrupt):
        # Ctrl-C is how a recording without end is ended; what came is whole.
        if not record.n_frames:
            raise
    except _INTERRUPTIONS as error:
        if not record.n_frames:
            raise
        interruption = error
    return interruption, {
        "n_frames_received": record.n_frames,
        "n_frames_lost": n_lost,
        "n_packets_lost": n_packets_lost,
        "n_packets_damaged": n_packets_damaged,
    }


def _text(summary: dict[str, Any]) -> str:
    return "\n".join(
        [
            *describe_lines(summary),
            f"frames    {summary['n_frames_received']} recorded, {summary['n_frames_lost']} lost",
            *(f"{name:<9} {path}" for name, path in summary["files"].items()),
        ]
    )


VERB = Verb(
    name="record",
    summary="from a probe to a recording of its channel data",
    description="Records channel data losslessly as they come, for as long as there is room on the "
    "disk.\nMemory is taken for one frame. Ctrl-C ends the recording well. What was lost on the\n"
    "way stands in the recording as gaps; after a crash or a full disk all frames before it can be "
    "read.",
    examples=(
        "usdk record usb: -o scan.usrec --seconds 60",
        "usdk record sim:linear-l11-5v -o scan.usrec --frames 100 --angles=-5,0,5",
        "usdk show scan.usrec",
        "usdk scan file:scan.usrec --cine scan.gif",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
