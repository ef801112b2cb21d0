"""Steering: which way colour beams look, where waves are sent one way and received another."""

from __future__ import annotations

import math

import numpy as np

from usdk.doppler.velocity import depth_sample_period_s
from usdk.scan import LinearScan, SectorScan
from usdk.transmit import FocusedWave, PlaneWave, Transmit, TransmitSequence

__all__ = ["beam_angle_rad", "depth_period_s"]

_SAME_RAD = 1e-3


def beam_angle_rad(sequence: TransmitSequence, scan: LinearScan | SectorScan) -> float:
    """Return the angle of the colour beams, from +z towards +x, rad; NaN where it is not one.

    Waves sent at α and received straight ahead, along the lines of a linear scan, measure the
    velocity along α / 2, halfway. Waves of several angles that are compounded count by their mean.
    """
    if not isinstance(scan, LinearScan):
        return math.nan
    return _mean_sent_rad(sequence) / 2


def depth_period_s(
    sequence: TransmitSequence, scan: LinearScan | SectorScan, sound_speed_m_s: float
) -> float:
    """Return the time of echoes from one depth of a scan to the next, (1 + cos α) Δz / c, s.

    α is the angle between the lines of the scan and the way that the waves are sent; 0 where
    they fan out as the lines do.
    """
    straight_s = depth_sample_period_s(scan, sound_speed_m_s=sound_speed_m_s)
    sent_rad = _mean_sent_rad(sequence) if isinstance(scan, LinearScan) else 0.0
    return straight_s if math.isnan(sent_rad) else straight_s * (1 + math.cos(sent_rad)) / 2


def _mean_sent_rad(sequence: TransmitSequence) -> float:
    """Return the mean angle of travel; NaN for waves that diverge, or beams that are not alike."""
    angles_rad = np.array([_sent_rad(transmit) for transmit in sequence.transmits])
    is_focused = [isinstance(transmit, FocusedWave) for transmit in sequence.transmits]
    if any(is_focused) and np.ptp(angles_rad) > _SAME_RAD:
        return math.nan
    return float(angles_rad.mean())


def _sent_rad(transmit: Transmit) -> float:
    if isinstance(transmit, PlaneWave):
        return transmit.azimuth_rad
    if isinstance(transmit, FocusedWave):
        away_m = np.subtract(transmit.focus_m, transmit.origin_m)
        return math.atan2(away_m[0], away_m[2])
    return math.nan
