"""``usdk scan``: from a probe to frames."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from usdk.acquisition import Acquisition, GainCurve
from usdk.cli.exit_codes import DONE
from usdk.cli.flow import flow_sequence, plan_colour
from usdk.cli.flow_options import FlowSettings, add_flow_arguments, flow_settings
from usdk.cli.outputs import add_overwrite_argument, require_pictures, require_writable
from usdk.cli.picture import (
    PictureSettings,
    add_picture_arguments,
    picture_settings,
    plan_bmode,
)
from usdk.cli.progress import Progress, Stage, make_progress
from usdk.cli.receive import Received, receive
from usdk.cli.reception import add_reception_arguments, apply_settings, gain_curve
from usdk.cli.sequence import sequence_for
from usdk.cli.terminal import say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.front_end import Configuration, FrontEnd, ReceiveRequest, open_front_end
from usdk.io import save_frames
from usdk.multiplexing import multiplexed
from usdk.view import write_cine, write_png

__all__ = [
    "DEFAULT_DEPTH_MM",
    "VERB",
    "angles_in_degrees",
    "beamform",
    "configure",
    "describe_front_end",
    "describe_lines",
]

DEFAULT_DEPTH_MM = 40.0
_TIMEOUT_S = 10.0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="of the probe: see 'usdk probes'")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="frames, as .npz")
    parser.add_argument(
        "--frames",
        type=int,
        metavar="N",
        help="how many; when absent 1, or all that a recording has",
    )
    parser.add_argument(
        "--angles",
        metavar="DEG,DEG,…",
        help="plane waves to send, degrees; when absent -10,0,10 from a linear array, and "
        "diverging waves from others. A recording keeps the sequence that it was made with",
    )
    parser.add_argument(
        "--depth-mm",
        type=float,
        metavar="MM",
        help=f"depth, {DEFAULT_DEPTH_MM:g} when absent; of a recording the depth shown, all of it "
        "when absent",
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the channel data too")
    parser.add_argument("--png", type=Path, metavar="FILE", help="the last frame as a picture")
    parser.add_argument("--cine", type=Path, metavar="FILE", help="all frames as an animated GIF")
    parser.add_argument(
        "--timeout-s",
        type=float,
        default=_TIMEOUT_S,
        metavar="S",
        help="how long to wait for each frame (default: %(default)g)",
    )
    add_reception_arguments(parser)
    add_flow_arguments(parser)
    add_picture_arguments(parser, automatic=False)
    add_overwrite_argument(parser)
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    n_frames: int | None = arguments.frames
    if n_frames is not None and n_frames < 1:
        raise ArgumentError(f"--frames must be at least 1, got {n_frames}")
    angles_deg = angles_in_degrees(arguments.angles)
    files: dict[str, Path] = {
        name: path
        for name in ("output", "record", "png", "cine")
        if (path := getattr(arguments, name)) is not None
    }
    if len({path.absolute() for path in files.values()}) < len(files):
        raise ArgumentError("two of the files have one name: give each its own")
    for path in files.values():
        require_writable(path, overwrite=arguments.overwrite)
    if {"png", "cine"} & files.keys():
        require_pictures()
    progress = make_progress(quiet=arguments.quiet)
    settings, flow = picture_settings(arguments), flow_settings(arguments)
    tgc = gain_curve(arguments.tgc)
    depth_m = None if arguments.depth_mm is None else arguments.depth_mm * 1e-3
    with open_front_end(arguments.address) as front_end:
        apply_settings(front_end, arguments.set)
        configuration = configure(
            front_end, angles_deg=angles_deg, depth_m=depth_m, flow=flow, tgc=tgc
        )
        if not front_end.capabilities.sequence_is_fixed:
            n_frames = n_frames or 1
        with progress.stage("receive", "frames", n_frames) as stage:
            received = receive(
                front_end,
                n_frames,
                stage,
                record=arguments.record,
                overwrite=arguments.overwrite,
                timeout_s=arguments.timeout_s,
            )
        summary = describe_front_end(arguments.address, front_end, configuration)
    with progress.stage("beamform", "frames", len(received.acquisitions)) as stage:
        frames = beamform(received, settings, stage, flow=flow)
    if files.keys() - {"record"}:
        _write(frames, files, progress, overwrite=arguments.overwrite)
    summary |= received.to_dict()
    summary["n_frames_beamformed"] = len(frames)
    summary["stages"] = [stage.to_dict() for stage in progress.stages]
    summary["files"] = {name: str(path) for name, path in files.items()}
    say(json.dumps(summary, indent=2) if arguments.json else _text(summary))
    if (error := received.interruption) is not None:
        raise type(error)(f"{len(frames)} frames came and were kept, then {error}") from error
    return DONE


def configure(
    front_end: FrontEnd,
    *,
    angles_deg: list[float] | None,
    depth_m: float | None,
    flow: FlowSettings | None = None,
    tgc: GainCurve | None = None,
) -> Configuration:
    """Set a sequence and a depth, or accept the sequence of a device that has but one."""
    if front_end.capabilities.sequence_is_fixed:
        if angles_deg is not None:
            raise ArgumentError("this device keeps its own sequence: leave --angles out")
        if tgc is not None:
            raise ArgumentError("this device keeps its own gain: leave --tgc out")
        return front_end.configure(depth_m=depth_m)
    probe, can = front_end.probe, front_end.capabilities
    apertures = None
    if flow is not None:
        sequence = flow_sequence(probe, angles_deg, flow)
    else:
        sequence = sequence_for(probe, angles_deg)
        if can.n_receive_channels < probe.n_elements:
            # Each wave as often as it takes until every element has listened.
            sequence, apertures = multiplexed(sequence, probe.n_elements, can.n_receive_channels)
    return front_end.configure(
        sequence,
        ReceiveRequest(
            depth_m=DEFAULT_DEPTH_MM * 1e-3 if depth_m is None else depth_m,
            tgc=tgc,
            apertures=apertures,
        ),
    )


def beamform(
    received: Received,
    settings: PictureSettings,
    stage: Stage,
    *,
    flow: FlowSettings | None = None,
) -> list[Frame]:
    """Return the frames of what was received, all on one scale of grey, and of colour."""
    first = received.acquisitions[0]
    plan: Callable[[Acquisition], list[Frame]]
    plan = plan_bmode(first, settings) if flow is None else plan_colour(first, settings, flow)
    frames: list[Frame] = []
    for acquisition in received.acquisitions:
        frames += plan(acquisition)
        stage.advance()
    return frames


def describe_front_end(
    address: str, front_end: FrontEnd, configuration: Configuration
) -> dict[str, Any]:
    """Return what a summary says of a configured front-end, in types that JSON knows."""
    probe, rate_hz = front_end.probe, configuration.frame_rate_hz
    return {
        "address": address,
        "device": asdict(front_end.info),
        "probe": {
            "name": probe.name,
            "kind": probe.kind.value,
            "n_elements": probe.n_elements,
            "centre_frequency_hz": probe.centre_frequency_hz,
        },
        "sequence": configuration.sequence.describe(),
        "frame_rate_hz": rate_hz if math.isfinite(rate_hz) else None,
        "sampling_frequency_hz": configuration.receive.sampling_frequency_hz,
        "tgc": None if configuration.receive.tgc is None else configuration.receive.tgc.to_dict(),
    }


def _write(
    frames: list[Frame], files: dict[str, Path], progress: Progress, *, overwrite: bool
) -> None:
    with progress.stage("write", "files", len(files.keys() - {"record"})) as stage:
        if "output" in files:
            save_frames(files["output"], frames, overwrite=overwrite)
            stage.advance()
        if "png" in files:
            write_png(frames[-1], files["png"])
            stage.advance()
        if "cine" in files:
            write_cine(frames, files["cine"])
            stage.advance()


def angles_in_degrees(text: str | None) -> list[float] | None:
    """Return the angles that ``--angles`` asks for; `ArgumentError` if they are none."""
    if text is None:
        return None
    try:
        return [float(angle) for angle in text.split(",")]
    except ValueError:
        raise ArgumentError(
            f"--angles must be numbers of degrees with commas between, got {text!r}"
        ) from None


def describe_lines(summary: dict[str, Any]) -> list[str]:
    """Return what a summary says of device, probe and sequence, in words."""
    device, probe, rate_hz = summary["device"], summary["probe"], summary["frame_rate_hz"]
    return [
        f"device    {device['manufacturer']} {device['model']} {device['serial_number']}".rstrip(),
        f"probe     {probe['name']}, {probe['n_elements']} elements, "
        f"{probe['centre_frequency_hz'] / 1e6:g} MHz",
        f"sequence  {summary['sequence']}, "
        + (f"{rate_hz:g} frames/s" if rate_hz is not None else "frame rate unknown"),
    ]


def _text(summary: dict[str, Any]) -> str:
    lines = [
        *describe_lines(summary),
        f"frames    {summary['n_frames_received']} received, {summary['n_frames_lost']} lost, "
        f"{summary['n_frames_beamformed']} beamformed",
        *(f"{name:<9} {path}" for name, path in summary["files"].items()),
    ]
    return "\n".join(lines)


VERB = Verb(
    name="scan",
    summary="from a probe to frames",
    description="Receives channel data from a probe, beamforms them, and writes frames and "
    "pictures.\nWhat was lost on the way is counted and said. When the probe goes away in the "
    "middle,\nwhat was received is kept and written, and the exit status says so.",
    examples=(
        "usdk scan sim:linear-l11-5v -o scan.npz --png scan.png",
        "usdk scan usb: --tgc 0:0,40:20 --set trigger.source=external -o scan.npz",
        "usdk scan usb: --frames 100 --record scan.usrec --cine scan.gif",
        "usdk scan file:scan.usrec -o scan.npz --dynamic-range-db auto --gain-db auto",
        "usdk scan 'sim:linear-l11-5v?scene=vessel' --mode colour --frames 8 --cine flow.gif",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
