"""Which transmits to send when the user does not say: few that light all of the natural scan."""

from __future__ import annotations

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk.sequences import diverging_waves, plane_waves
from usdk.transmit import DivergingWave, TransmitSequence

__all__ = ["DEFAULT_ANGLES_DEG", "sequence_for"]

DEFAULT_ANGLES_DEG = (-10.0, 0.0, 10.0)
_SECTOR_WIDTH_DEG = 60.0
_SECTOR_TILTS_DEG = (-15.0, 0.0, 15.0)
# Sideways from the centre of curvature, as parts of the radius.
_SOURCE_SHIFTS = (-0.2, 0.0, 0.2)


def sequence_for(probe: Probe, angles_deg: list[float] | None) -> TransmitSequence:
    """Return plane waves at the angles given, or the sequence that suits the array.

    Three steered plane waves from a flat array that is scanned in parallel; three diverging waves
    60° wide from a phased one; three waves about the centre of curvature from a curved one.
    """
    if angles_deg is not None:
        return plane_waves(angles_deg)
    if probe.kind is ArrayKind.PHASED:
        return diverging_waves(probe, tilts_deg=_SECTOR_TILTS_DEG, width_deg=_SECTOR_WIDTH_DEG)
    if probe.kind is ArrayKind.CURVED:
        x_m, y_m, z_m = (float(value) for value in probe.centre_of_curvature_m)
        return TransmitSequence(
            transmits=tuple(
                DivergingWave(source_m=(x_m + shift * probe.radius_m, y_m, z_m))
                for shift in _SOURCE_SHIFTS
            )
        )
    if probe.kind is ArrayKind.LINEAR:
        return plane_waves(DEFAULT_ANGLES_DEG)
    raise ArgumentError(f"no usual sequence for a {probe.kind} array: give --angles")
