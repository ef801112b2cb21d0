"""The stages of ``usdk demo``: receive, beamform, flow, export, verify."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from usdk.cli.flow import plan_colour
from usdk.cli.flow_options import FlowSettings, Mode
from usdk.cli.picture import PictureSettings
from usdk.cli.progress import Progress
from usdk.cli.receive import Received, receive
from usdk.cli.scan import beamform, configure, describe_front_end
from usdk.errors import ArgumentError, DataDamagedError
from usdk.export import write_dicom
from usdk.frame import Frame
from usdk.front_end import open_front_end
from usdk.io import describe_recording
from usdk.trust import dev_certificate_authority, dev_signer, verify_dicom
from usdk.view import write_cine, write_png

__all__ = [
    "Source",
    "beamform_all",
    "export_all",
    "flow_of",
    "receive_all",
    "simulated_flow",
    "source_for",
    "verify_all",
]

N_CINE_FRAMES = 16
SIMULATED = f"sim:linear-l11-5v?frames={N_CINE_FRAMES}"
# In systole, at a PRF that the greatest velocity does not alias.
SIMULATED_FLOW = "sim:linear-l11-5v?scene=vessel&start_phase=0.12"
SIMULATED_FLOW_PRF_HZ = 8000.0
N_PULSES = 16
"""Pulses of a packet, where the frames of a recording are pulses."""
_TIMEOUT_S = 60.0


@dataclass
class Source:
    """A probe, how much is wanted of it, and what came of that."""

    address: str
    n_frames: int
    flow: FlowSettings | None = None
    description: dict[str, Any] = field(default_factory=dict)
    received: Received = field(default_factory=Received)
    frames: list[Frame] = field(default_factory=list)
    frame_interval_s: float | None = None


def source_for(recording: Path | None, *, at_most: int) -> Source:
    """Return a recording behind the simulated bus, or the simulated probe when there is none."""
    if recording is None:
        return Source(SIMULATED, min(N_CINE_FRAMES, at_most))
    # Described first, so that what is no recording is refused before anything is opened.
    available = describe_recording(recording).n_frames
    return Source(f"sim:{recording}", min(available, at_most))


def simulated_flow() -> Source:
    """Return a simulated vessel, of which one frame in colour is wanted."""
    return Source(
        SIMULATED_FLOW, 1, flow=FlowSettings(mode=Mode.COLOUR, prf_hz=SIMULATED_FLOW_PRF_HZ)
    )


def flow_of(source: Source, progress: Progress) -> Frame | None:
    """Return a colour frame of a source whose frames are pulses; None where they are not.

    What moves in such a recording fills it: nothing is filtered out.
    """
    first = source.received.acquisitions[0]
    is_pulsed = len(first.sequence) == 1 and first.sequence.prf_hz is not None
    if not is_pulsed or len(source.received.acquisitions) < N_PULSES:
        return None
    settings = FlowSettings(mode=Mode.COLOUR, packet_size=N_PULSES, clutter="none")
    with progress.stage("flow", "frames", 1) as stage:
        plan = plan_colour(first, PictureSettings(), settings)
        frames: list[Frame] = []
        for pulse in source.received.acquisitions:
            frames += plan(pulse)
            if frames:
                break
        stage.advance()
    return frames[0] if frames else None


def receive_all(sources: list[Source], progress: Progress) -> None:
    """Fill in what the sources are and what came from them."""
    with progress.stage("receive", "frames", sum(s.n_frames for s in sources)) as stage:
        for source in sources:
            with open_front_end(source.address) as front_end:
                configuration = configure(
                    front_end, angles_deg=None, depth_m=None, flow=source.flow
                )
                source.description = describe_front_end(source.address, front_end, configuration)
                source.frame_interval_s = _interval_s(source, configuration.frame_rate_hz)
                source.received = receive(front_end, source.n_frames, stage, timeout_s=_TIMEOUT_S)
            if source.received.interruption is not None:
                raise source.received.interruption
            if not source.received.acquisitions:
                raise DataDamagedError(f"no whole frame came from {source.address}")


def beamform_all(sources: list[Source], progress: Progress) -> None:
    """Fill in the frames of what came."""
    n_frames = sum(len(source.received.acquisitions) for source in sources)
    with progress.stage("beamform", "frames", n_frames) as stage:
        for source in sources:
            source.frames = beamform(source.received, PictureSettings(), stage, flow=source.flow)


def export_all(
    folder: Path, still: Frame, cine: Source, colour: Frame | None, progress: Progress
) -> dict[str, Path]:
    """Write a picture and a signed DICOM object of the still, the cine, and the colour frame."""
    files = {
        "still_picture": folder / "bmode.png",
        "cine_picture": folder / "cine.gif",
        "still_dicom": folder / "bmode.dcm",
        "cine_dicom": folder / "cine.dcm",
    }
    if colour is not None:
        files |= {"colour_picture": folder / "colour.png", "colour_dicom": folder / "colour.dcm"}
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
            frame_interval_s=None if _is_timed(cine.frames) else cine.frame_interval_s,
        )
        stage.advance()
        if colour is not None:
            write_png(colour, files["colour_picture"])
            stage.advance()
            write_dicom(files["colour_dicom"], [colour], signer=dev_signer())
            stage.advance()
    return files


def _interval_s(source: Source, frame_rate_hz: float) -> float | None:
    if math.isfinite(frame_rate_hz) and frame_rate_hz > 0:
        return 1 / frame_rate_hz
    if source.n_frames > 1:
        # A cine that plays at a guessed speed misleads.
        raise ArgumentError(
            f"{source.address} does not tell its frame rate, which a cine needs: take another"
        )
    return None


def _is_timed(frames: list[Frame]) -> bool:
    return all(math.isfinite(frame.device_timestamp_s) for frame in frames)


def verify_all(paths: list[Path], progress: Progress) -> None:
    """Raise `NotTrustedError` unless every file is as the development key signed it."""
    authority = dev_certificate_authority().certificate_pem
    with progress.stage("verify", "files", len(paths)) as stage:
        for path in paths:
            verify_dicom(path, trusted_certificates=[authority]).require_valid()
            stage.advance()
