"""Which samples of a record the points of a scan read: the others need not be demodulated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.probe import Probe
from usdk.scan import Scan
from usdk.transmit import TransmitSequence

__all__ = ["sample_window"]

_POINTS_AT_A_TIME = 8192


def sample_window(
    probe: Probe,
    sequence: TransmitSequence,
    receive: ReceiveSettings,
    scan: Scan,
    *,
    f_number: float,
    margin: int,
) -> tuple[int, int]:
    """Return the first sample that is read and one past the last one.

    Parameters
    ----------
    probe, sequence, receive, scan
        What made the channel data, and where one looks.
    f_number : float
        Receive F-number, by which `usdk_kernels.das` measures each element's aperture; 0 for all
        elements that a point lies in front of.
    margin : int
        Samples more on both sides, for interpolation and filters.

    Returns
    -------
    (int, int)
        Within the record; all of it where nothing is read.
    """
    points_m = scan.points_m().reshape(-1, 3)
    speed_m_s, rate_hz = receive.sound_speed_m_s, receive.sampling_frequency_hz
    first_s, last_s = np.inf, -np.inf
    for start in range(0, len(points_m), _POINTS_AT_A_TIME):
        some_m = points_m[start : start + _POINTS_AT_A_TIME]
        least_m, greatest_m = _receive_paths_m(probe, some_m, f_number)
        for transmit, zero_s in zip(sequence.transmits, receive.time_zero_s, strict=True):
            out_s = transmit.arrival_time_s(some_m, probe, speed_m_s) - zero_s
            first_s = min(first_s, float(np.min(out_s + least_m / speed_m_s)))
            last_s = max(last_s, float(np.max(out_s + greatest_m / speed_m_s)))
    lens_s = 2 * probe.lens_delay_s
    if not first_s <= last_s:
        return 0, receive.n_samples
    first = int(np.floor((first_s + lens_s) * rate_hz)) - margin
    stop = int(np.ceil((last_s + lens_s) * rate_hz)) + 1 + margin
    first, stop = max(0, first), min(receive.n_samples, stop)
    return (first, stop) if first < stop else (0, receive.n_samples)


def _receive_paths_m(
    probe: Probe, points_m: NDArray[np.float64], f_number: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shortest and longest path of each point to its aperture, (n_points,), m.

    Infinite and −infinite for a point that no element hears.
    """
    least_m = np.full(len(points_m), np.inf)
    greatest_m = np.full(len(points_m), -np.inf)
    for position_m, normal in zip(probe.element_positions_m, probe.element_normals, strict=True):
        offset_m = points_m - position_m
        axial_m = offset_m @ normal
        path_m = np.linalg.norm(offset_m, axis=1)
        lateral_m = np.sqrt(np.maximum(path_m**2 - axial_m**2, 0))
        # A little wider than the aperture, for the kernels count in float32.
        hears = (axial_m > 0) & (2 * f_number * lateral_m <= axial_m * 1.001)
        np.minimum(least_m, path_m, out=least_m, where=hears)
        np.maximum(greatest_m, path_m, out=greatest_m, where=hears)
    return least_m, greatest_m
