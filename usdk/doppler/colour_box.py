"""The colour box: the part of a view in which flow is measured, and the beams that it needs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, require_instance
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan
from usdk.transmit import FocusedWave, TransmitSequence

__all__ = ["beams_over", "colour_box"]

Limits = tuple[float, float]
_MAX_SAMPLES = 2**16
_ROUNDING = 1e-6  # of a step: a limit that falls on a line includes it


def colour_box(
    view: LinearScan | SectorScan,
    *,
    x_m: Limits | None = None,
    z_m: Limits | None = None,
    angles_rad: Limits | None = None,
    ranges_m: Limits | None = None,
    every: int = 1,
    n_samples: int | None = None,
) -> LinearScan | SectorScan:
    """Return the lines of a view between limits, and samples along them.

    The box has lines of the view, so that it stands on the elements, or a fraction of their pitch,
    where the view does: the fast kernels' condition.

    Parameters
    ----------
    view : LinearScan or SectorScan
        The scan of the grey picture, or the probe's natural one (`usdk.scan_for`).
    x_m, z_m : (float, float), optional
        Least and greatest x and z of a linear scan, m; all of the view where absent.
    angles_rad, ranges_m : (float, float), optional
        The same of a sector scan, rad and m.
    every : int
        Take one line out of so many; flow needs fewer than grey.
    n_samples : int, optional
        Samples along each line, between the limits of depth; the view's own where absent.

    Raises
    ------
    ArgumentError
        If the limits are of the other kind of scan, or fewer than two lines or samples lie between
        them.
    """
    require_planar(view)
    every = count(every, "every", least=1, most=view.shape[0])
    if isinstance(view, LinearScan):
        if angles_rad is not None or ranges_m is not None:
            raise ArgumentError("a linear view is limited by x_m and z_m")
        return LinearScan(
            x_m=_between(view.x_m, x_m, "x_m")[::every],
            z_m=_samples(view.z_m, z_m, "z_m", n_samples),
        )
    if x_m is not None or z_m is not None:
        raise ArgumentError("a sector view is limited by angles_rad and ranges_m")
    return replace(
        view,
        angles_rad=_between(view.angles_rad, angles_rad, "angles_rad")[::every],
        ranges_m=_samples(view.ranges_m, ranges_m, "ranges_m", n_samples),
    )


def beams_over(sequence: TransmitSequence, box: LinearScan | SectorScan) -> TransmitSequence:
    """Return the focused beams whose axes pass through a box, and one more on either side.

    Their neighbours share points that lie between two beams. Waves that are not focused reach all
    of the box and stay.

    Raises
    ------
    ArgumentError
        If no beam passes through the box.
    """
    require_planar(box)
    require_instance(sequence, TransmitSequence, "sequence")
    places = np.array(
        [
            _place(transmit, box) if isinstance(transmit, FocusedWave) else (-np.inf, np.inf)
            for transmit in sequence.transmits
        ]
    )
    across = box.x_m if isinstance(box, LinearScan) else box.angles_rad
    inside = np.flatnonzero((places[:, 1] >= across[0]) & (places[:, 0] <= across[-1]))
    if not inside.size:
        raise ArgumentError("no beam passes through the box: move it, or send other beams")
    chosen = slice(max(0, int(inside[0]) - 1), int(inside[-1]) + 2)
    return replace(sequence, transmits=sequence.transmits[chosen])


def _place(beam: FocusedWave, box: LinearScan | SectorScan) -> Limits:
    """Return between which x (or angles) a beam's axis runs over the depths of the box."""
    origin_m = np.array(beam.origin_m)[[0, 2]]
    along = np.array(beam.focus_m)[[0, 2]] - origin_m
    along /= math.hypot(*along)
    if isinstance(box, LinearScan):
        if along[1] <= 0:
            return math.inf, -math.inf
        reach_m = (box.z_m[[0, -1]] - origin_m[1]) / along[1]
        x_m = origin_m[0] + reach_m * along[0]
        return float(x_m.min()), float(x_m.max())
    from_apex_m = origin_m - np.array(box.apex_m)
    # Where the axis has gone so far that it is at each range from the apex.
    across_m = from_apex_m @ along
    reach_m = -across_m + np.sqrt(
        np.maximum(across_m**2 - from_apex_m @ from_apex_m + box.ranges_m[[0, -1]] ** 2, 0)
    )
    points_m = from_apex_m + np.outer(reach_m, along)
    angles_rad = np.arctan2(points_m[:, 0], points_m[:, 1])
    return float(angles_rad.min()), float(angles_rad.max())


def _between(values: NDArray[np.float64], limits: Limits | None, name: str) -> NDArray[np.float64]:
    low, high = _ends(values, limits, name)
    slack = _ROUNDING * (values[1] - values[0])
    chosen = values[(values >= low - slack) & (values <= high + slack)]
    if chosen.size < 2:
        raise ArgumentError(
            f"{name} from {low:g} to {high:g} holds {chosen.size} of the view's, which run from "
            f"{values[0]:g} to {values[-1]:g}: a box has at least 2"
        )
    return np.asarray(chosen)


def _samples(
    values: NDArray[np.float64], limits: Limits | None, name: str, n_samples: int | None
) -> NDArray[np.float64]:
    if n_samples is None:
        return _between(values, limits, name)
    n_samples = count(n_samples, "n_samples", least=2, most=_MAX_SAMPLES)
    low, high = _ends(values, limits, name)
    return np.linspace(max(low, values[0]), min(high, values[-1]), n_samples)


def _ends(values: NDArray[np.float64], limits: Limits | None, name: str) -> Limits:
    if limits is None:
        return float(values[0]), float(values[-1])
    try:
        first, last = limits
    except (TypeError, ValueError):
        raise ArgumentError(f"{name} must be (least, greatest)") from None
    low, high = finite(first, name), finite(last, name)
    if not low < high or high < values[0] or low > values[-1]:
        raise ArgumentError(
            f"{name} must be (least, greatest) within {values[0]:g} to {values[-1]:g}, got "
            f"({low:g}, {high:g})"
        )
    return low, high
