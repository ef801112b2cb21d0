"""Bright points: where a clock can be read from the echoes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer, TransmitWeighting
from usdk.probe import ArrayKind
from usdk.scan import LinearScan, Scan, scan_for

__all__ = ["bright_points", "default_scan"]

_LEAST_DB = -40.0
_CHOSEN_LINES = 129


def default_scan(acquisition: Acquisition) -> Scan:
    """Return lines over the recorded depth that are dense enough to find points on."""
    probe, depth_m = acquisition.probe, acquisition.receive.depth_m
    wavelength_m = acquisition.receive.sound_speed_m_s / acquisition.transmit_frequency_hz
    # What lies closer than a few wavelengths is the transmit pulse itself.
    start_m = min(10 * wavelength_m, depth_m / 4)
    if probe.kind in (ArrayKind.LINEAR, ArrayKind.PHASED, ArrayKind.CURVED):
        return scan_for(
            probe,
            depth_m=depth_m,
            start_m=start_m,
            n_lines=_CHOSEN_LINES,
            spacing_m=wavelength_m / 2,
        )
    x_m = probe.element_positions_m[:, 0]
    reach_m = max(float(np.ptp(x_m)), depth_m / 4) / 2
    return LinearScan(
        x_m=x_m.mean() + np.linspace(-reach_m, reach_m, _CHOSEN_LINES),
        z_m=np.arange(start_m, depth_m, wavelength_m / 2),
    )


def bright_points(
    iq: Acquisition, frame: int, transmit: int, scan: Scan, *, n_points: int, apart_m: float
) -> NDArray[np.float64]:
    """Return the brightest points that one transmit shows, brightest first, (n, 3), m.

    No two are closer than ``apart_m``; none is fainter than 40 dB below the first. Each is
    refined to the vertex of the parabolas through its neighbours.
    """
    sequence, receive = iq.sequence, iq.receive
    alone = replace(sequence, transmits=(sequence.transmits[transmit],))
    own = replace(receive, time_zero_s=(receive.time_zero_s[transmit],))
    plan = Beamformer(iq.probe, alone, own, scan, weighting=TransmitWeighting.COMPOUND)
    level = np.abs(plan(iq.data[frame, transmit : transmit + 1])).astype(np.float64)
    level = np.where(np.isfinite(level), level, 0.0)
    places_m = scan.points_m()
    inner = level.copy()
    for axis in range(level.ndim):
        # A point on the rim has no neighbours to be refined by, and its peak may lie beyond.
        np.moveaxis(inner, axis, 0)[[0, -1]] = 0.0
    found: list[NDArray[np.float64]] = []
    least = float(inner.max()) * 10 ** (_LEAST_DB / 20)
    while len(found) < n_points:
        peak = np.unravel_index(int(np.argmax(inner)), inner.shape)
        if not inner[peak] > least:
            break
        point_m = places_m[peak].copy()
        is_peak = True
        for axis in range(level.ndim):
            step = np.zeros(level.ndim, int)
            step[axis] = 1
            after, before = tuple(peak + step), tuple(peak - step)
            is_peak &= level[peak] >= max(level[after], level[before])
            curvature = level[before] - 2 * level[peak] + level[after]
            if curvature < 0:
                shift = float(np.clip((level[before] - level[after]) / (2 * curvature), -0.5, 0.5))
                point_m += shift * (places_m[after] - places_m[before]) / 2
        inner[np.linalg.norm(places_m - places_m[peak], axis=-1) < apart_m] = 0.0
        # The slope beside a point that was taken already is no point of its own.
        if is_peak:
            found.append(point_m)
    return np.array(found).reshape(-1, 3)
