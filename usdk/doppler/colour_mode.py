"""ColourMode: channel data of B-mode and colour packets to RGB frames."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition
from usdk.arguments import require_instance
from usdk.bmode import BMode
from usdk.doppler.averaging import Averaging
from usdk.doppler.colour_box import colour_box
from usdk.doppler.colour_flow import ColourFlow
from usdk.doppler.colours import ColourComposer, ColourMap, FlowThresholds, VelocityScale
from usdk.doppler.dealiasing import unwrap_flow_map
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.frame_rate import FrameRate
from usdk.doppler.interleaving import Interleaved
from usdk.doppler.steering import beam_angle_rad
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.scan import LinearScan, SectorScan, planar_scan_for

__all__ = ["DEFAULT_APERTURE", "DEFAULT_AVERAGING", "ColourMode", "colour"]

DEFAULT_AVERAGING = Averaging(n_lines=3, n_samples=5, window="hann")
DEFAULT_APERTURE: Mapping[str, Any] = {"f_number": 2.0, "window": "hann"}
"""Of colour: narrower than that of grey, so that grating lobes do not colour the tissue beside."""
_BOX_EVERY = 2
_GREY_DEPTH_SHARE = 2


class ColourMode:
    """B-mode, flow and their composition in one plan.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    interleaved : Interleaved, optional
        How the sequence is made; recognised by `Interleaved.of` when absent. Where it has no
        B-mode, the first pulse of each packet makes the grey picture.
    box : LinearScan or SectorScan, optional
        The colour box (see `colour_box`); every other line of the whole view, and half as many
        samples, when absent.
    colours : ColourMap or str
        What is shown: a map of velocity, variance, power or directional power; see
        `usdk.doppler.colours.COLOUR_MAPS`.
    scale : VelocityScale, optional
        Span, baseline and angle correction; ± the Nyquist velocity when absent.
    thresholds : FlowThresholds, optional
        Which points are shown in colour.
    averaging : Averaging, optional
        Over neighbours and frames; `DEFAULT_AVERAGING` unless said otherwise.
    dealias : bool
        Undo aliasing by the continuity of the flow (`usdk.doppler.dealiasing.unwrap_flow_map`)
        where the power passes the thresholds. A scale with a ``limit_m_s`` beyond the Nyquist
        velocity shows what was won.
    grey : mapping, optional
        Options of `usdk.BMode`, such as ``{"dynamic_range_db": 50, "scan": view}``.
    composition : mapping, optional
        Further options of `usdk.doppler.colours.ColourComposer`.
    **flow
        Options of `ColourFlow`: ``clutter``, ``estimator``, ``frequency_hz``, ``decimation`` and
        those of its beamformer, `DEFAULT_APERTURE` unless said otherwise.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Frames come one
    after the other through buffers that are planned once: of each frame only its pixels, the values
    beside them and its flow map are new memory.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        interleaved: Interleaved | None = None,
        *,
        box: LinearScan | SectorScan | None = None,
        colours: ColourMap | str = "red-blue",
        scale: VelocityScale | None = None,
        thresholds: FlowThresholds | None = None,
        averaging: Averaging | None = DEFAULT_AVERAGING,
        dealias: bool = False,
        grey: Mapping[str, Any] | None = None,
        composition: Mapping[str, Any] | None = None,
        **flow: Any,
    ) -> None:
        require_acquisition(acquisition)
        if interleaved is None:
            interleaved = Interleaved.of(acquisition.sequence)
        elif not isinstance(interleaved, Interleaved):
            raise ArgumentError(
                f"interleaved must be a usdk.doppler.Interleaved, got {type(interleaved).__name__}"
            )
        self.interleaved = interleaved
        b_mode, packets = interleaved.split(acquisition[:1])
        b_mode = packets[:1] if b_mode is None else b_mode
        for name, given in (("grey", grey), ("composition", composition)):
            if given is not None:
                require_instance(given, Mapping, name)
        options = dict(grey or {})
        if options.get("scan") is None:
            depth_m = acquisition.receive.depth_m
            options["scan"] = planar_scan_for(acquisition.probe, depth_m=depth_m)
        view = options["scan"]
        if box is None:
            n_samples = max(2, view.shape[1] // _GREY_DEPTH_SHARE)
            box = colour_box(view, every=_BOX_EVERY, n_samples=n_samples)
        self.b_mode = BMode(b_mode, **options)
        """The plan of the grey picture."""
        self.flow = ColourFlow(
            packets,
            packet_size=interleaved.packet_size,
            scan=box,
            averaging=averaging,
            **{**DEFAULT_APERTURE, **flow},
        )
        """The plan of the flow maps."""
        self.dealias = bool(dealias)
        if self.dealias:
            scale = replace(VelocityScale() if scale is None else scale, is_dealiased=True)
        steering_rad = beam_angle_rad(packets.sequence, box)
        self.composer = ColourComposer(
            self.b_mode.raster,
            box,
            colours=colours,
            scale=scale,
            thresholds=thresholds,
            **{
                "steering_rad": None if math.isnan(steering_rad) else steering_rad,
                **(composition or {}),
            },
        )
        """What makes the colours."""
        self.frame_rate = FrameRate()
        """Of the frames so far, by the device's clock."""
        self.flow_map: FlowMap | None = None
        """That of the last frame, its aliasing undone where that was asked for."""

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, whatever the number of frames."""
        return self.b_mode.n_bytes + self.flow.n_bytes + self.composer.n_bytes

    def reset(self) -> None:
        """Begin a new cine: the next frame shows nothing of those before it."""
        self.b_mode.reset()
        self.flow.reset()
        self.frame_rate.reset()
        self.flow_map = None

    def __call__(self, acquisition: Acquisition) -> list[Frame]:
        """Return one frame in colour for each frame of channel data.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        require_acquisition(acquisition)
        return [self._frame(acquisition[k : k + 1]) for k in range(acquisition.n_frames)]

    def _frame(self, acquisition: Acquisition) -> Frame:
        b_mode, packets = self.interleaved.split(acquisition)
        if b_mode is None:
            # A pulse has another number than its frame, by which persistence would begin anew.
            b_mode = replace(
                packets[:1],
                sequence_numbers=acquisition.sequence_numbers,
                gaps=acquisition.gaps,
            )
        (grey,) = self.b_mode(b_mode)
        (flow_map,) = self.flow(packets)
        if self.dealias:
            flow_map = unwrap_flow_map(flow_map, is_flow=self._is_flow(flow_map)).flow_map
        self.flow_map = flow_map
        self.frame_rate.add(acquisition)
        frame = self.composer(grey, flow_map)
        provenance = replace(
            frame.provenance,
            sequence=acquisition.sequence.describe(),
            prf_hz=acquisition.sequence.prf_hz,
            gaps=acquisition.gaps,
            processing=(*self._rates(acquisition), *frame.provenance.processing),
        )
        return replace(frame, provenance=provenance)

    def _is_flow(self, flow_map: FlowMap) -> NDArray[np.bool_] | None:
        """Return where the power passes the thresholds; None where they leave that open."""
        power = flow_map.power
        reference = self.composer.power_reference
        if reference is None:
            reference = float(np.max(power, initial=0.0, where=np.isfinite(power)))
        least_db = -math.inf
        if reference > 0:
            noise_power = flow_map.noise_power
            thresholds = self.composer.thresholds
            least_db = thresholds.least_db(reference=reference, noise_power=noise_power)
        return power >= reference * 10 ** (least_db / 10) if math.isfinite(least_db) else None

    def _rates(self, acquisition: Acquisition) -> tuple[tuple[str, str], ...]:
        predicted_hz = (acquisition.sequence.prf_hz or math.nan) / len(acquisition.sequence)
        if math.isnan(predicted_hz):
            predicted_hz = self.interleaved.frame_rate_hz
        rates = [
            ("interleaving", self.interleaved.describe()),
            ("frame rate predicted", f"{predicted_hz:.4g} Hz"),
        ]
        measured_hz = self.frame_rate.made_hz
        if not math.isnan(measured_hz):
            rates.append(("frame rate measured", f"{measured_hz:.4g} Hz"))
        return tuple(rates)


def colour(
    acquisition: Acquisition, interleaved: Interleaved | None = None, **options: Any
) -> Frame:
    """Return the colour frame of an acquisition of one frame.

    Parameters
    ----------
    acquisition : Acquisition
        One frame of channel data, of B-mode transmits and colour packets.
    interleaved : Interleaved, optional
        How the sequence is made; recognised when absent.
    **options
        As for `ColourMode`, which is the way to make many frames.
    """
    require_acquisition(acquisition)
    if acquisition.n_frames != 1:
        raise ArgumentError(
            f"the acquisition has {acquisition.n_frames} frames: take one (acquisition[:1]), "
            "or make them all with ColourMode(acquisition)(acquisition)"
        )
    return ColourMode(acquisition, interleaved, **options)(acquisition)[0]
