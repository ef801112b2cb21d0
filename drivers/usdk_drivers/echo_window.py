"""How long to listen so that every echo from the depth asked for is in the record."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.probe import ArrayKind, Probe
from usdk.transmit import TransmitSequence

__all__ = ["deepest_within", "last_echo_s"]

# A sector this far to either side of the axis is listened to in full.
_SECTOR_RAD = math.radians(45.0)
_N_SECTOR_POINTS = 19
_BISECTIONS = 60


def last_echo_s(
    depth_m: float, sequence: TransmitSequence, probe: Probe, sound_speed_m_s: float
) -> NDArray[np.float64]:
    """Return when the last echo from ``depth_m`` ends, (n_transmits,), s on each transmit's clock.

    Counted for points at that depth in front of every element, and on a sector about the origin
    for an array that is scanned as one; along the transmit's path, back to the farthest element,
    with the length of the pulse.
    """
    points_m = probe.element_positions_m + depth_m * probe.element_normals
    if probe.kind in (ArrayKind.PHASED, ArrayKind.MATRIX):
        points_m = np.vstack((points_m, depth_m * _sector_directions(probe.kind)))
    back_m = max(
        float(np.linalg.norm(probe.element_positions_m - point, axis=1).max()) for point in points_m
    )
    frequency_hz = sequence.frequency_hz or probe.centre_frequency_hz
    # The pulse rings for its cycles, smeared by the probe's band.
    pulse_s = (sequence.n_cycles + 2 / probe.fractional_bandwidth) / frequency_hz
    out_s = [
        float(np.max(wave.arrival_time_s(points_m, probe, sound_speed_m_s)))
        for wave in sequence.transmits
    ]
    lens_s = 2 * probe.lens_delay_s
    return np.array(out_s) + back_m / sound_speed_m_s + pulse_s + lens_s


def deepest_within(
    allowed_s: NDArray[np.float64],
    sequence: TransmitSequence,
    probe: Probe,
    sound_speed_m_s: float,
) -> float:
    """Return the greatest depth whose last echo ends within ``allowed_s``, m; 0 if none does."""
    low_m, high_m = 0.0, float(np.max(np.abs(allowed_s))) * sound_speed_m_s
    for _ in range(_BISECTIONS):
        middle_m = (low_m + high_m) / 2
        if np.all(last_echo_s(middle_m, sequence, probe, sound_speed_m_s) <= allowed_s):
            low_m = middle_m
        else:
            high_m = middle_m
    return low_m


def _sector_directions(kind: ArrayKind) -> NDArray[np.float64]:
    angle_rad = np.linspace(-_SECTOR_RAD, _SECTOR_RAD, _N_SECTOR_POINTS)
    zero = np.zeros_like(angle_rad)
    in_azimuth = np.column_stack((np.sin(angle_rad), zero, np.cos(angle_rad)))
    if kind is not ArrayKind.MATRIX:
        return in_azimuth
    return np.vstack((in_azimuth, in_azimuth[:, [1, 0, 2]]))
