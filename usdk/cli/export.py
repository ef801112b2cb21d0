"""``usdk export``: from frames to a signed DICOM object."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usdk.cli.exit_codes import DONE
from usdk.cli.outputs import add_overwrite_argument, require_writable
from usdk.cli.progress import make_progress
from usdk.cli.settings_options import add_settings_arguments, settings_from
from usdk.cli.signing_options import NOT_FOR_PATIENTS, add_signing_arguments, signer_from
from usdk.cli.study_options import add_study_arguments, study_from
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import ArgumentError

__all__ = ["VERB"]


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("frames", type=Path, metavar="FILE", help="frames that 'usdk scan' wrote")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="DICOM")
    parser.add_argument(
        "--codec",
        choices=("native", "jpeg-ls", "jpeg-2000", "rle", "htj2k"),
        default="native",
        help="how pixels lie in the file, all lossless (default: %(default)s)",
    )
    parser.add_argument(
        "--colour",
        choices=("rgb", "palette"),
        default="rgb",
        help="how colours lie in the file (default: %(default)s)",
    )
    parser.add_argument(
        "--frame-rate-hz",
        type=float,
        metavar="HZ",
        help="of a cine whose frames have no timestamps",
    )
    parser.add_argument(
        "--frame-digests",
        action="store_true",
        help="sign the digests of the decoded frames too: that outlasts transcoding without loss",
    )
    add_overwrite_argument(parser)
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")
    add_signing_arguments(parser)
    add_study_arguments(parser)
    add_settings_arguments(parser)


def _run(arguments: argparse.Namespace) -> int:
    from usdk.export import write_dicom
    from usdk.io import FrameReader

    require_writable(arguments.output, overwrite=arguments.overwrite)
    study = study_from(arguments)
    settings = settings_from(arguments)
    signer = signer_from(arguments)
    with FrameReader(arguments.frames) as frames:
        n_frames = len(frames)
        interval_s = _interval_s(frames.device_timestamps_s, arguments.frame_rate_hz)
        with make_progress(quiet=arguments.quiet).stage("export", "frames", n_frames) as stage:
            path = write_dicom(
                arguments.output,
                frames,
                signer=signer,
                sign_frames=arguments.frame_digests and signer is not None,
                study=study,
                codec=arguments.codec,
                colour=arguments.colour,
                settings=settings,
                frame_interval_s=interval_s,
                progress=lambda _: stage.advance(),
            )
    summary = {
        "path": str(path),
        "n_frames": n_frames,
        "codec": arguments.codec,
        "signed": signer is not None,
        "development_key": arguments.development_key,
        "demonstration": study is None,
    }
    if arguments.development_key:
        remark(NOT_FOR_PATIENTS)
    say(json.dumps(summary, indent=2) if arguments.json else _text(summary))
    return DONE


def _interval_s(timestamps_s: Sequence[float], rate_hz: float | None) -> float | None:
    """Return the time between frames that do not tell it themselves."""
    if rate_hz is not None and not (math.isfinite(rate_hz) and rate_hz > 0):
        raise ArgumentError(f"--frame-rate-hz must be positive, got {rate_hz:g}")
    is_timed = all(map(math.isfinite, timestamps_s))
    if len(timestamps_s) == 1 or (is_timed and rate_hz is None):
        return None
    if is_timed:
        raise ArgumentError("the frames have timestamps: leave --frame-rate-hz out")
    if rate_hz is None:
        raise ArgumentError("the frames have no timestamps: say how fast with --frame-rate-hz")
    return 1 / rate_hz


def _text(summary: dict[str, Any]) -> str:
    n_frames = summary["n_frames"]
    kind = "Ultrasound Image" if n_frames == 1 else "Ultrasound Multi-frame Image"
    signature = "signed" if summary["signed"] else "NOT SIGNED"
    marked = ", marked as a demonstration" if summary["demonstration"] else ""
    return f"{summary['path']}: {kind}, {n_frames} frames, {signature}{marked}"


VERB = Verb(
    name="export",
    summary="from frames to a signed DICOM object",
    description="Writes one frame as a DICOM Ultrasound Image, and several as a Multi-frame "
    "Image, with\ntheir calibration. The object is decoded and compared, and its signature "
    "verified, before it\ntakes its name.",
    examples=(
        "usdk export scan.npz -o out.dcm --key key.pem --certificate cert.pem --study study.json",
        "usdk export scan.npz -o out.dcm --development-key",
        "usdk export cine.npz -o cine.dcm --codec jpeg-ls --unsigned",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
