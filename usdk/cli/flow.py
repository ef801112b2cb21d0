"""From channel data to colour pictures: what is sent, and the plan of its frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from usdk.acquisition import Acquisition
from usdk.bmode import BMode
from usdk.cli.flow_options import DEFAULT_PACKET_SIZE, FlowSettings
from usdk.cli.picture import PictureSettings, grey_options
from usdk.cli.sequence import sequence_for
from usdk.doppler import ColourFlow, ColourMode, Interleaved, colour_box
from usdk.doppler.colour_mode import DEFAULT_APERTURE, DEFAULT_AVERAGING
from usdk.doppler.colours import ColourComposer
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.transmit import PlaneWave, TransmitSequence

__all__ = ["PulseByPulse", "flow_sequence", "plan_colour"]

_BOX_EVERY = 2
_BOX_SAMPLES = 256


def flow_sequence(
    probe: Probe, angles_deg: list[float] | None, settings: FlowSettings
) -> TransmitSequence:
    """Return B-mode transmits and a packet of plane waves in one sequence."""
    return Interleaved(
        b_mode=sequence_for(probe, angles_deg),
        colour=TransmitSequence(transmits=(PlaneWave(azimuth_rad=settings.steering_rad),)),
        packet_size=settings.packet_size or DEFAULT_PACKET_SIZE,
        prf_hz=settings.prf_hz,
    ).sequence


def plan_colour(
    acquisition: Acquisition, picture: PictureSettings, settings: FlowSettings
) -> Callable[[Acquisition], list[Frame]]:
    """Return the plan of colour frames for acquisitions like this one.

    Where the sequence is a single transmit, its frames are the pulses of packets.
    """
    if len(acquisition.sequence) == 1:
        return PulseByPulse(acquisition, picture, settings)
    interleaved = Interleaved.of(acquisition.sequence, packet_size=settings.packet_size)
    b_mode, packets = interleaved.split(acquisition[:1])
    grey = grey_options(b_mode or packets[:1], picture)
    return ColourMode(
        acquisition,
        interleaved,
        box=_box(grey["scan"], settings),
        colours=settings.colour_map,
        scale=settings.scale,
        thresholds=settings.thresholds,
        grey=grey,
        clutter=settings.clutter_filter,
    )


class PulseByPulse:
    """Colour frames of a device that sends one transmit again and again, each a frame."""

    def __init__(
        self, acquisition: Acquisition, picture: PictureSettings, settings: FlowSettings
    ) -> None:
        size = settings.packet_size or DEFAULT_PACKET_SIZE
        grey = grey_options(acquisition, picture)
        view = grey["scan"]
        box = _box(view, settings) or colour_box(
            view, every=_BOX_EVERY, n_samples=min(_BOX_SAMPLES, view.shape[1])
        )
        self._b_mode = BMode(acquisition, **grey)
        self._flow = ColourFlow(
            acquisition,
            packet_size=size,
            scan=box,
            averaging=DEFAULT_AVERAGING,
            clutter=settings.clutter_filter,
            **DEFAULT_APERTURE,
        )
        self._composer = ColourComposer(
            self._b_mode.raster,
            box,
            colours=settings.colour_map,
            scale=settings.scale,
            thresholds=settings.thresholds,
        )

    def __call__(self, acquisition: Acquisition) -> list[Frame]:
        """Return a frame for each packet that the pulses complete."""
        frames = []
        for k in range(acquisition.n_frames):
            pulse = acquisition[k : k + 1]
            # The picture below the colours is that of a packet's last pulse.
            for flow_map in self._flow(pulse):
                (grey,) = self._b_mode(pulse)
                frame = self._composer(grey, flow_map)
                frames.append(replace(frame, sequence_number=flow_map.sequence_number))
        return frames


def _box(view: LinearScan | SectorScan, settings: FlowSettings) -> LinearScan | SectorScan | None:
    if settings.box_m is None:
        return None
    if not isinstance(view, LinearScan):
        raise ArgumentError("--box-mm is for parallel lines: leave it out for a sector")
    x0_m, x1_m, z0_m, z1_m = settings.box_m
    return colour_box(
        view, x_m=(x0_m, x1_m), z_m=(z0_m, z1_m), every=_BOX_EVERY, n_samples=_BOX_SAMPLES
    )
