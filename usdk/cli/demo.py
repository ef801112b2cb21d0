"""``usdk demo``: from a probe on a simulated USB bus to signed DICOM objects, in one go."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from usdk.cli.demo_summary import demo_text
from usdk.cli.exit_codes import DONE
from usdk.cli.memory import peak_memory_bytes
from usdk.cli.outputs import make_folder, require_pictures
from usdk.cli.progress import Progress, make_progress
from usdk.cli.terminal import remark, say
from usdk.cli.verb import Verb
from usdk.errors import MissingExtraError

__all__ = ["VERB"]

MAX_CINE_FRAMES = 64


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        metavar="FOLDER",
        help="where the files go; those of an earlier demo are replaced (default: %(default)s)",
    )
    parser.add_argument(
        "--still", type=Path, metavar="RECORDING", help="channel data of which one frame is taken"
    )
    parser.add_argument(
        "--cine",
        type=Path,
        metavar="RECORDING",
        help=f"channel data of which all frames are taken, up to {MAX_CINE_FRAMES}",
    )
    parser.add_argument(
        "--deliver",
        type=Path,
        metavar="TOML",
        help="deliver by this configuration (of usdk deliver), not to the demo's own receiver",
    )
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    require_pictures()
    # An extra that is missing is said here, before anything is received.
    from usdk.cli import demo_stages as stages

    make_folder(arguments.output)
    progress = make_progress(quiet=arguments.quiet)
    cine = stages.source_for(arguments.cine, at_most=MAX_CINE_FRAMES)
    still = cine if arguments.still is None else stages.source_for(arguments.still, at_most=1)
    sources = [cine] if still is cine else [still, cine]
    vessel = None
    if arguments.still is None and arguments.cine is None:
        vessel = stages.simulated_flow()
        sources.append(vessel)
    stages.receive_all(sources, progress)
    stages.beamform_all(sources, progress)
    colour = stages.flow_of(cine, progress) if vessel is None else vessel.frames[0]
    files = stages.export_all(arguments.output, still.frames[0], cine, colour, progress)
    objects = [path for name, path in files.items() if name.endswith("_dicom")]
    stages.verify_all(objects, progress)
    delivery = _deliver(objects, arguments, progress)
    summary = {
        "sources": [source.description | source.received.to_dict() for source in sources],
        "n_frames_received": sum(len(source.received.acquisitions) for source in sources),
        "n_frames_lost": sum(source.received.n_frames_lost for source in sources),
        "n_frames_beamformed": sum(len(source.frames) for source in sources),
        "stages": [stage.to_dict() for stage in progress.stages],
        "files": {name: str(path) for name, path in files.items()},
        "signature": "verified",
        "delivery": delivery,
        "development_key": True,
        "peak_memory_bytes": peak_memory_bytes(),
    }
    say(json.dumps(summary, indent=2) if arguments.json else demo_text(summary))
    return DONE


def _deliver(
    objects: list[Path], arguments: argparse.Namespace, progress: Progress
) -> dict[str, Any] | None:
    """Return what became of the delivery; None where its packages are not installed."""
    from usdk.cli.demo_delivery import deliver_all

    try:
        return deliver_all(objects, arguments.deliver, progress)
    except MissingExtraError as error:
        if arguments.deliver is not None:
            raise
        remark(f"nothing is delivered: {error}")
        return None


VERB = Verb(
    name="demo",
    summary="from a simulated probe to signed DICOM objects, in one go",
    description="Plugs a probe into a simulated USB bus, receives through the real USB driver, "
    "beamforms, and\nwrites a picture, a cine, a picture in colour where something flows, and a "
    "signed DICOM object\nof each, which are verified, and delivered over TLS to a receiver on "
    "loopback. The probe plays the\nrecordings given; without any its echoes are simulated. Works "
    "offline and without root. Signed\nwith development keys: not for patients.",
    examples=(
        "usdk demo",
        "usdk demo --output out --still muscle.hdf5 --cine disk.mat",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
