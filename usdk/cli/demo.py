"""``usdk demo``: from a probe on a simulated USB bus to signed DICOM objects, in one go."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from usdk.cli.demo_summary import demo_text
from usdk.cli.exit_codes import DONE
from usdk.cli.memory import peak_memory_bytes
from usdk.cli.outputs import make_folder
from usdk.cli.picture import PictureSettings
from usdk.cli.progress import Progress, make_progress
from usdk.cli.receive import Received, receive
from usdk.cli.scan import DEFAULT_DEPTH_MM, beamform, configure, describe_front_end
from usdk.cli.verb import Verb
from usdk.errors import DataDamagedError
from usdk.frame import Frame
from usdk.front_end import open_front_end
from usdk.io import describe_recording
from usdk.view import write_cine, write_png

__all__ = ["VERB"]

N_CINE_FRAMES = 16
SIMULATED = f"sim:linear-l11-5v?frames={N_CINE_FRAMES}"
MAX_CINE_FRAMES = 64
_TIMEOUT_S = 60.0


@dataclass
class _Source:
    """A probe, how much is wanted of it, and what came of that."""

    address: str
    n_frames: int
    settings: PictureSettings = field(default_factory=PictureSettings)
    description: dict[str, Any] = field(default_factory=dict)
    received: Received = field(default_factory=Received)
    frames: list[Frame] = field(default_factory=list)
    frame_rate_hz: float = math.nan


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
        help=f"channel data of which up to {MAX_CINE_FRAMES} frames are taken",
    )
    parser.add_argument("--json", action="store_true", help="the summary as JSON on stdout")


def _run(arguments: argparse.Namespace) -> int:
    make_folder(arguments.output)
    progress = make_progress(quiet=arguments.quiet)
    cine = _source(arguments.cine, n_frames=None)
    still = cine if arguments.still is None else _source(arguments.still, n_frames=1)
    sources = [cine] if still is cine else [still, cine]
    _receive(sources, progress)
    with progress.stage("beamform", "frames", sum(s.n_frames for s in sources)) as stage:
        for source in sources:
            source.frames = beamform(source.received, source.settings, stage)
    files = _export(arguments.output, still.frames[0], cine, progress)
    _verify([files["still_dicom"], files["cine_dicom"]], progress)
    summary = {
        "sources": [source.description | source.received.to_dict() for source in sources],
        "n_frames_received": sum(len(source.received.acquisitions) for source in sources),
        "n_frames_lost": sum(source.received.n_frames_lost for source in sources),
        "n_frames_written": 1 + len(cine.frames),
        "stages": [stage.to_dict() for stage in progress.stages],
        "files": {name: str(path) for name, path in files.items()},
        "signature": "verified",
        "development_key": True,
        "peak_memory_bytes": peak_memory_bytes(),
    }
    print(json.dumps(summary, indent=2) if arguments.json else demo_text(summary))
    return DONE


def _source(recording: Path | None, *, n_frames: int | None) -> _Source:
    if recording is None:
        return _Source(SIMULATED, n_frames or N_CINE_FRAMES)
    # Described first, so that what is no recording is refused before anything is opened.
    available = describe_recording(recording).n_frames
    return _Source(f"sim:{recording}", n_frames or min(available, MAX_CINE_FRAMES))


def _receive(sources: list[_Source], progress: Progress) -> None:
    with progress.stage("receive", "frames", sum(s.n_frames for s in sources)) as stage:
        for source in sources:
            with open_front_end(source.address) as front_end:
                configuration = configure(front_end, angles_deg=None, depth_m=None)
                source.description = describe_front_end(source.address, front_end, configuration)
                source.frame_rate_hz = configuration.frame_rate_hz
                if not front_end.capabilities.sequence_is_fixed:
                    source.settings = PictureSettings(depth_m=DEFAULT_DEPTH_MM * 1e-3)
                source.received = receive(front_end, source.n_frames, stage, timeout_s=_TIMEOUT_S)
            if source.received.interruption is not None:
                raise source.received.interruption
            if not source.received.acquisitions:
                raise DataDamagedError(f"no whole frame came from {source.address}")


def _export(folder: Path, still: Frame, cine: _Source, progress: Progress) -> dict[str, Path]:
    from usdk.export import write_dicom
    from usdk.trust import dev_signer

    files = {
        "still_picture": folder / "bmode.png",
        "cine_picture": folder / "cine.gif",
        "still_dicom": folder / "bmode.dcm",
        "cine_dicom": folder / "cine.dcm",
    }
    with progress.stage("export", "files", len(files)) as stage:
        write_png(still, files["still_picture"])
        stage.advance()
        write_cine(cine.frames, files["cine_picture"])
        stage.advance()
        write_dicom(files["still_dicom"], [still], signer=dev_signer())
        stage.advance()
        write_dicom(
            files["cine_dicom"],
            cine.frames,
            signer=dev_signer(),
            codec="jpeg-ls",
            frame_interval_s=_interval_s(cine),
        )
        stage.advance()
    return files


def _interval_s(cine: _Source) -> float | None:
    """Return the time between frames where the frames themselves do not tell it."""
    is_timed = all(math.isfinite(frame.device_timestamp_s) for frame in cine.frames)
    return None if is_timed or len(cine.frames) == 1 else 1 / cine.frame_rate_hz


def _verify(paths: list[Path], progress: Progress) -> None:
    from usdk.trust import dev_certificate_authority, verify_dicom

    authority = dev_certificate_authority().certificate_pem
    with progress.stage("verify", "files", len(paths)) as stage:
        for path in paths:
            verify_dicom(path, trusted_certificates=[authority]).require_valid()
            stage.advance()


VERB = Verb(
    name="demo",
    summary="from a simulated probe to signed DICOM objects, in one go",
    description="Plugs a probe into a simulated USB bus, receives through the real USB driver, "
    "beamforms, and\nwrites a picture, a cine, and a signed DICOM object of each, which are then "
    "verified. The probe\nplays the recordings given; without any its echoes are simulated. Works "
    "offline and without\nroot. Signed with development keys: not for patients.",
    examples=(
        "usdk demo",
        "usdk demo --output out --still muscle.hdf5 --cine disk.mat",
    ),
    add_arguments=_add_arguments,
    run=_run,
)
