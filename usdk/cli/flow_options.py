"""The options of colour Doppler, and what they say."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from usdk.doppler.clutter import ClutterFilter, IirFilter, MeanFilter, PolynomialFilter, SvdFilter
from usdk.doppler.colours import FlowThresholds, VelocityScale
from usdk.errors import ArgumentError

__all__ = ["DEFAULT_PACKET_SIZE", "FlowSettings", "Mode", "add_flow_arguments", "flow_settings"]

DEFAULT_PACKET_SIZE = 12
DEFAULT_PRF_HZ = 4000.0
_IIR_CUTOFF = 0.1

_CLUTTER: dict[str, Callable[[], ClutterFilter | None]] = {
    "none": lambda: None,
    "mean": MeanFilter,
    "polynomial": PolynomialFilter,
    "iir": lambda: IirFilter(_IIR_CUTOFF),
    "svd": lambda: SvdFilter(),
}


class Mode(StrEnum):
    """What a picture shows."""

    B_MODE = "b-mode"
    COLOUR = "colour"
    VARIANCE = "variance"
    POWER = "power"
    DIRECTIONAL_POWER = "directional-power"


@dataclass(frozen=True, kw_only=True)
class FlowSettings:
    """What a user chose of colour Doppler.

    Parameters
    ----------
    mode : Mode
        Never ``b-mode``.
    packet_size : int, optional
        Pulses of a packet; `DEFAULT_PACKET_SIZE`, or as recognised in a recording, when absent.
    prf_hz : float
        Rate of all transmits, Hz.
    steering_rad, angle_rad : float
        Of the colour beams, and between beam and flow, rad.
    clutter : str
        Name of the clutter filter.
    colours : str
        Map of velocities.
    limit_m_s : float, optional
        Velocity of the last colour, m/s.
    least_velocity_m_s, range_db : float
        Slowest, m/s, and weakest flow shown, dB below the strongest.
    box_m : (float, float, float, float), optional
        Least and greatest x, least and greatest z of the colour box, m.
    """

    mode: Mode
    packet_size: int | None = None
    prf_hz: float = DEFAULT_PRF_HZ
    steering_rad: float = 0.0
    angle_rad: float = 0.0
    clutter: str = "polynomial"
    colours: str = "red-blue"
    limit_m_s: float | None = None
    least_velocity_m_s: float = 0.0
    range_db: float = 20.0
    box_m: tuple[float, float, float, float] | None = None

    @property
    def clutter_filter(self) -> ClutterFilter | None:
        """The filter of the name."""
        return _CLUTTER[self.clutter]()

    @property
    def colour_map(self) -> str:
        """Name of the colour map of the mode."""
        return self.colours if self.mode is Mode.COLOUR else self.mode.replace("-", " ")

    @property
    def scale(self) -> VelocityScale:
        """Span of the colours; `ArgumentError` if there is none such."""
        return VelocityScale(limit_m_s=self.limit_m_s, angle_rad=self.angle_rad)

    @property
    def thresholds(self) -> FlowThresholds:
        """Which points are shown; `ArgumentError` if there are none such."""
        return FlowThresholds(
            below_reference_db=self.range_db, least_velocity_m_s=self.least_velocity_m_s
        )


def add_flow_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the mode and the options of colour Doppler."""
    parser.add_argument(
        "--mode",
        choices=[str(mode) for mode in Mode],
        default=str(Mode.B_MODE),
        help="what the picture shows (default: %(default)s)",
    )
    group = parser.add_argument_group("colour Doppler, for every mode but b-mode")
    group.add_argument(
        "--prf-hz",
        type=float,
        default=DEFAULT_PRF_HZ,
        metavar="HZ",
        help="rate of all transmits; the Nyquist velocity is c PRF / 4 f (default: %(default)g)",
    )
    group.add_argument(
        "--packet-size",
        type=int,
        metavar="N",
        help=f"pulses of a packet; when absent {DEFAULT_PACKET_SIZE}, or those found in a "
        "recording's sequence",
    )
    group.add_argument(
        "--steer-deg",
        type=float,
        default=0.0,
        metavar="DEG",
        help="angle of the colour beams (default: %(default)g)",
    )
    group.add_argument(
        "--flow-angle-deg",
        type=float,
        default=0.0,
        metavar="DEG",
        help="angle between beam and flow by which velocities are corrected (default: none)",
    )
    group.add_argument(
        "--clutter",
        choices=list(_CLUTTER),
        default="polynomial",
        help="filter that takes tissue away (default: %(default)s)",
    )
    group.add_argument(
        "--colours",
        choices=["red-blue", "blue-orange"],
        default="red-blue",
        help="of velocities; blue-orange is for colour-blind readers too (default: %(default)s)",
    )
    group.add_argument(
        "--scale-cm-s",
        type=float,
        metavar="CM/S",
        help="velocity of the last colour; the Nyquist velocity when absent",
    )
    group.add_argument(
        "--wall-cm-s",
        type=float,
        default=0.0,
        metavar="CM/S",
        help="slowest flow shown (default: %(default)g)",
    )
    group.add_argument(
        "--flow-range-db",
        type=float,
        default=20.0,
        metavar="DB",
        help="weakest flow shown, below the strongest of the first frame (default: %(default)g)",
    )
    group.add_argument(
        "--box-mm",
        metavar="X0,X1,Z0,Z1",
        help="the colour box; all of the picture when absent",
    )


def flow_settings(arguments: argparse.Namespace) -> FlowSettings | None:
    """Return what the options say; None for B-mode."""
    mode = Mode(arguments.mode)
    if mode is Mode.B_MODE:
        return None
    settings = FlowSettings(
        mode=mode,
        packet_size=arguments.packet_size,
        prf_hz=arguments.prf_hz,
        steering_rad=math.radians(arguments.steer_deg),
        angle_rad=math.radians(arguments.flow_angle_deg),
        clutter=arguments.clutter,
        colours=arguments.colours,
        limit_m_s=None if arguments.scale_cm_s is None else arguments.scale_cm_s * 1e-2,
        least_velocity_m_s=arguments.wall_cm_s * 1e-2,
        range_db=arguments.flow_range_db,
        box_m=_box_m(arguments.box_mm),
    )
    # Refused here, before a scan is made that could not be shown.
    _ = settings.scale, settings.thresholds
    return settings


def _box_m(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        x0, x1, z0, z1 = (float(edge) * 1e-3 for edge in text.split(","))
    except ValueError:
        raise ArgumentError(
            f"--box-mm must be four numbers of mm with commas between, got {text!r}"
        ) from None
    return x0, x1, z0, z1
