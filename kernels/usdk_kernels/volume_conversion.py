r"""Volumes to voxels and to slices, by trilinear interpolation, and the low-pass before it.

A volume is a grid of two directions of lines, a and b, and of samples c along each.  A value
between its points is

.. math::
    R = \sum_{i, j, k \in \{0, 1\}} |1 - i - w_a|\,|1 - j - w_b|\,|1 - k - w_c|\;
    V_{a+i,\,b+j,\,c+k}

with the lower neighbours (a, b, c) and the weights w of the upper ones.

**Tables bounded by areas, not volumes.**  The azimuth of a pyramid's point is atan2(x, z) and its
elevation atan2(y, z) (see `usdk.scan.PyramidScan`): over Cartesian voxels they are tables of
(n_x, n_z) and (n_y, n_z) entries, and only the range is computed for each voxel.  A slice has a
table entry for each pixel.

**Anti-aliasing.**  Where voxels or pixels are coarser than the data, the volume is first smoothed
along each axis by a triangle whose half-width is one voxel or pixel, but at least one step of the
data: with one step nothing changes.  That is the low-pass that linear interpolation itself would
be on the coarser grid.  Beyond an edge the weights of the points that exist are scaled up.

References
----------
P. S. Heckbert, "Fundamentals of texture mapping and image warping", Master's thesis, University of
California, Berkeley, UCB/CSD 89/516 (1989), section 3.5: the low-pass of resampling.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

OUTSIDE = -1
"""Entry of an index table where the volume holds nothing."""

EDGE_TOLERANCE = 1e-6
"""A place this many steps beyond the edge counts as on the edge: rounding, not space."""


@kernel
def _locate(coordinate: float, n: int) -> tuple[int, float]:
    """Lower neighbour and weight of the upper one on a grid of n, (OUTSIDE, 0) beyond the edges."""
    if n < 2 or not (-EDGE_TOLERANCE <= coordinate <= n - 1 + EDGE_TOLERANCE):
        return OUTSIDE, 0.0
    clamped = min(max(coordinate, 0.0), float(n - 1))
    lower = min(int(clamped), n - 2)  # the last grid point is (n - 2, weight 1)
    return lower, clamped - lower


@kernel
def axis_table(
    coordinates: npt.NDArray[np.float64],
    n: int,
    index: npt.NDArray[np.int32],
    weight: npt.NDArray[np.float32],
) -> None:
    """Fill a table of lower neighbours and weights along one axis.

    Parameters
    ----------
    coordinates : (n_places,) float64
        Places along the axis, in steps from its first point.  NaN is outside.
    n : int64
        Points of the axis, less than 2^31; below 2 every place is outside.
    index : (n_places,) int32
        Lower neighbour, `OUTSIDE` where there is none.  Overwritten.
    weight : (n_places,) float32
        Weight of the upper neighbour, 0 to 1.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes.
    """
    for i in range(coordinates.size):
        lower, w = _locate(coordinates[i], n)
        index[i] = lower
        weight[i] = np.float32(w)


@kernel
def slice_table(
    coordinates: npt.NDArray[np.float64],
    n_a: int,
    n_b: int,
    n_c: int,
    index: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
) -> None:
    """Fill the tables of `slice_volume`.

    Parameters
    ----------
    coordinates : (n_pixels, 3) float64
        Place of each pixel in the volume, in steps from its first point.  NaN is outside.
    n_a, n_b, n_c : int64
        Shape of the volume that will be sliced, of less than 2^31 points.
    index : (n_pixels,) int32
        Flat index of the lowest of the eight neighbours, `OUTSIDE` where one is missing.
        Overwritten.
    weights : (3, n_pixels) float32
        Weights of the upper neighbours along each axis, 0 to 1.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes.
    """
    for i in range(index.size):
        a, w_a = _locate(coordinates[i, 0], n_a)
        b, w_b = _locate(coordinates[i, 1], n_b)
        c, w_c = _locate(coordinates[i, 2], n_c)
        inside = a != OUTSIDE and b != OUTSIDE and c != OUTSIDE
        index[i] = (a * n_b + b) * n_c + c if inside else OUTSIDE
        weights[0, i] = np.float32(w_a if inside else 0.0)
        weights[1, i] = np.float32(w_b if inside else 0.0)
        weights[2, i] = np.float32(w_c if inside else 0.0)


# contract in the four functions below: fused multiply-adds, 1.1 times as fast.


@kernel(fastmath=frozenset({"contract"}))
def _between(
    flat: npt.NDArray[np.float32],
    k: np.uint64,
    step_a: np.uint64,
    step_b: np.uint64,
    w_a: np.float32,
    w_b: np.float32,
    w_c: np.float32,
) -> np.float32:
    """Trilinear interpolation between the eight neighbours from flat index k on."""
    one = np.uint64(1)
    v00 = flat[k]
    v00 += w_c * (flat[k + one] - v00)
    k01 = k + step_b
    v01 = flat[k01]
    v01 += w_c * (flat[k01 + one] - v01)
    k10 = k + step_a
    v10 = flat[k10]
    v10 += w_c * (flat[k10 + one] - v10)
    k11 = k10 + step_b
    v11 = flat[k11]
    v11 += w_c * (flat[k11 + one] - v11)
    lower = v00 + w_b * (v01 - v00)
    upper = v10 + w_b * (v11 - v10)
    return np.float32(lower + w_a * (upper - lower))


@kernel(fastmath=frozenset({"contract"}))
def slice_volume(
    volume: npt.NDArray[np.float32],
    index: npt.NDArray[np.int32],
    weights: npt.NDArray[np.float32],
    fill: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Pixels start to stop − 1 of a slice, by trilinear interpolation.

    Parameters
    ----------
    volume : (n_a, n_b, n_c) float32
        Finite values (−inf dB times a weight of 0 would be NaN); any unit.
    index, weights : (n_pixels,) int32, (3, n_pixels) float32
        Tables from `slice_table`, made for this volume's shape.
    fill : float64
        Value of the pixels that the volume does not hold.
    start, stop : int64
        Range of pixels, 0 ≤ start ≤ stop ≤ n_pixels.
    out : (n_pixels,) float32
        Slice, in the unit of `volume`.  [start, stop) is overwritten, the rest untouched.

    Notes
    -----
    All arrays are C-contiguous.  An index that points outside the volume gives `fill`, so tables
    of another shape give a wrong picture but no read beyond the end.  Not checked: that the tables
    and `out` agree in size, start and stop.
    """
    step_b = volume.shape[2]
    step_a = volume.shape[1] * step_b
    # The upper neighbours of the last usable corner are the volume's last samples.
    n_corners = volume.size - step_a - step_b - 1 if min(volume.shape) > 1 else 0
    nothing = np.float32(fill)
    if n_corners < 1:
        out[start:stop] = nothing
        return
    flat = volume.reshape(volume.size)
    for i in range(np.uint64(start), np.uint64(stop)):
        corner = np.int64(index[i])
        inside = corner >= 0 and corner < n_corners
        value = _between(
            flat, np.uint64(corner if inside else 0), np.uint64(step_a), np.uint64(step_b),
            weights[0, i], weights[1, i], weights[2, i],
        )  # fmt: skip
        out[i] = value if inside else nothing


@kernel(fastmath=frozenset({"contract"}))
def convert_grid(
    volume: npt.NDArray[np.float32],
    index_a: npt.NDArray[np.int32],
    weight_a: npt.NDArray[np.float32],
    index_b: npt.NDArray[np.int32],
    weight_b: npt.NDArray[np.float32],
    index_c: npt.NDArray[np.int32],
    weight_c: npt.NDArray[np.float32],
    fill: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Planes start to stop − 1 of the voxels of a Cartesian volume, by trilinear interpolation.

    Parameters
    ----------
    volume : (n_a, n_b, n_c) float32
        Finite values over x, y and z; any unit.
    index_a, weight_a : (n_x,) int32, float32
        Tables from `axis_table` for the voxels' x; likewise b for y and c for z.
    index_b, weight_b : (n_y,) int32, float32
    index_c, weight_c : (n_z,) int32, float32
    fill : float64
        Value of the voxels that the volume does not hold.
    start, stop : int64
        Range along x, 0 ≤ start ≤ stop ≤ n_x.
    out : (n_x, n_y, n_z) float32
        Voxels, in the unit of `volume`.  Planes [start, stop) are overwritten.

    Notes
    -----
    All arrays are C-contiguous.  An index outside the volume gives `fill`.  Not checked: that the
    tables and `out` agree in size, start and stop.
    """
    n_a, n_b, n_c = volume.shape
    nothing = np.float32(fill)
    flat = volume.reshape(volume.size)
    for x in range(start, stop):
        a = np.int64(index_a[x])
        for y in range(out.shape[1]):
            b = np.int64(index_b[y])
            if a < 0 or a >= n_a - 1 or b < 0 or b >= n_b - 1 or n_c < 2:
                out[x, y] = nothing
                continue
            first = (a * n_b + b) * n_c
            for z in range(np.uint64(out.shape[2])):
                c = np.int64(index_c[z])
                inside = c >= 0 and c < n_c - 1
                value = _between(
                    flat, np.uint64(first + (c if inside else 0)),
                    np.uint64(n_b * n_c), np.uint64(n_c), weight_a[x], weight_b[y], weight_c[z],
                )  # fmt: skip
                out[x, y, z] = value if inside else nothing


@kernel
def _span(index: npt.NDArray[np.int32]) -> tuple[int, int]:
    """First place of a table row that is not outside, and one past the last; (0, 0) of none."""
    first = 0
    stop = index.size
    while stop > 0 and index[stop - 1] < 0:
        stop -= 1
    while first < stop and index[first] < 0:
        first += 1
    return first, stop


@kernel(fastmath=frozenset({"contract"}))
def convert_pyramid(
    volume: npt.NDArray[np.float32],
    x_m: npt.NDArray[np.float64],
    y_m: npt.NDArray[np.float64],
    z_m: npt.NDArray[np.float64],
    index_a: npt.NDArray[np.int32],
    weight_a: npt.NDArray[np.float32],
    index_b: npt.NDArray[np.int32],
    weight_b: npt.NDArray[np.float32],
    first_range_m: float,
    range_step_m: float,
    fill: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Planes start to stop − 1 of the voxels of a pyramid, by trilinear interpolation.

    .. math:: c = \frac{\sqrt{x^2 + y^2 + z^2} - r_0}{\Delta r}

    Parameters
    ----------
    volume : (n_a, n_b, n_c) float32
        Finite values over azimuth, elevation and range; any unit.
    x_m, y_m, z_m : (n_x,), (n_y,), (n_z,) float64
        Places of the voxels, counted from the apex, in metres.
    index_a, weight_a : (n_x, n_z) int32, float32
        Tables from `axis_table` for the azimuth atan2(x, z) of the voxels.
    index_b, weight_b : (n_y, n_z) int32, float32
        Tables from `axis_table` for the elevation atan2(y, z).
    first_range_m, range_step_m : float64
        Range of sample 0 and distance between samples, in metres; the step is not 0.
    fill : float64
        Value of the voxels that the pyramid does not hold.
    start, stop : int64
        Range along x, 0 ≤ start ≤ stop ≤ n_x.
    out : (n_x, n_y, n_z) float32
        Voxels, in the unit of `volume`.  Planes [start, stop) are overwritten.

    Notes
    -----
    All arrays are C-contiguous.  An index outside the volume gives `fill`, and so does a NaN place.
    Not checked: that the tables and `out` agree in size, start and stop.
    """
    n_a, n_b, n_c = volume.shape
    nothing = np.float32(fill)
    if min(n_a, n_b, n_c) < 2:
        out[start:stop] = nothing
        return
    flat = volume.reshape(volume.size)
    last = np.float64(n_c - 1)
    per_m = 1 / range_step_m
    # Most of a box about a pyramid lies outside of it, before its sides: that much is left out.
    first_b = np.empty(out.shape[1], np.int64)
    stop_b = np.empty(out.shape[1], np.int64)
    for y in range(out.shape[1]):
        first_b[y], stop_b[y] = _span(index_b[y])
    for x in range(start, stop):
        first_a, stop_a = _span(index_a[x])
        for y in range(out.shape[1]):
            across2 = x_m[x] * x_m[x] + y_m[y] * y_m[y]
            high = min(stop_a, stop_b[y])
            low = min(max(first_a, first_b[y]), high)
            out[x, y, :low] = nothing
            out[x, y, high:] = nothing
            for z in range(np.uint64(low), np.uint64(high)):
                a = np.int64(index_a[x, z])
                b = np.int64(index_b[y, z])
                c = (math.sqrt(across2 + z_m[z] * z_m[z]) - first_range_m) * per_m
                inside = c >= -EDGE_TOLERANCE and c <= last + EDGE_TOLERANCE
                inside = inside and a >= 0 and a < n_a - 1 and b >= 0 and b < n_b - 1
                c = c if inside else 0.0
                c = c if c > 0.0 else 0.0
                lower = np.int64(c)
                lower = lower if lower < n_c - 2 else np.int64(n_c - 2)
                corner = (a * n_b + b) * n_c + lower if inside else np.int64(0)
                value = _between(
                    flat, np.uint64(corner), np.uint64(n_b * n_c), np.uint64(n_c),
                    weight_a[x, z], weight_b[y, z], np.float32(c - np.float64(lower)),
                )  # fmt: skip
                out[x, y, z] = value if inside else nothing


@kernel
def smooth_samples(
    volume: npt.NDArray[np.float32],
    taps: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Low-pass rows start to stop − 1 along the samples.

    Parameters
    ----------
    volume : (n_rows, n_samples) float32
        Any unit.
    taps : (n_taps,) float32
        Half of a symmetric filter, ``taps[0]`` at its middle; a positive sum.
    start, stop : int64
        Range of rows, 0 ≤ start ≤ stop ≤ n_rows.
    out : (n_rows, n_samples) float32
        Overwritten in [start, stop); not the memory of `volume`.  At either end the sum is divided
        by that of the taps that met a sample, so that a constant stays one.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, start and stop.
    """
    n_samples = volume.shape[1]
    total = np.empty(n_samples, np.float32)
    total[:] = taps[0]
    for k in range(1, min(taps.size, n_samples)):
        total[k:] += taps[k]
        total[: n_samples - k] += taps[k]
    for row in range(start, stop):
        for s in range(n_samples):
            out[row, s] = taps[0] * volume[row, s]
        for k in range(1, min(taps.size, n_samples)):
            tap = taps[k]
            for s in range(n_samples - k):
                out[row, s + k] += tap * volume[row, s]
            for s in range(n_samples - k):
                out[row, s] += tap * volume[row, s + k]
        for s in range(n_samples):
            out[row, s] /= total[s]


@kernel
def smooth_lines(
    volume: npt.NDArray[np.float32],
    taps: npt.NDArray[np.float32],
    start: int,
    stop: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Low-pass across lines, with a filter of its own for each sample.

    Parameters
    ----------
    volume : (n_outer, n_lines, n_inner, n_samples) float32
        Any unit; the filter runs along the second axis.
    taps : (n_taps, n_samples) float32
        Half of a symmetric filter for each sample, ``taps[0]`` at its middle; positive sums.
    start, stop : int64
        Range of the lines that are written, 0 ≤ start ≤ stop ≤ n_lines.
    out : (n_outer, n_lines, n_inner, n_samples) float32
        Lines [start, stop) are overwritten; not the memory of `volume`.  At the outermost lines the
        sum is divided by that of the taps that met a line, so that a constant stays one.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, start and stop.
    """
    n_outer, n_lines, n_inner, n_samples = volume.shape
    total = np.empty(n_samples, np.float32)
    # A pyramid's filters are wide near the apex alone: each tap has its own range of samples.
    first = np.full(taps.shape[0], n_samples, np.int64)
    last = np.zeros(taps.shape[0], np.int64)
    for k in range(taps.shape[0]):
        for s in range(n_samples):
            if abs(taps[k, s]) > 0:
                first[k] = min(first[k], s)
                last[k] = s + 1
    for line in range(start, stop):
        total[:] = taps[0]
        for k in range(1, taps.shape[0]):
            for other in (line - k, line + k):
                if 0 <= other < n_lines:
                    total += taps[k]
        for outer in range(n_outer):
            for inner in range(n_inner):
                for s in range(n_samples):
                    out[outer, line, inner, s] = taps[0, s] * volume[outer, line, inner, s]
                for k in range(1, taps.shape[0]):
                    for other in (line - k, line + k):
                        if 0 <= other < n_lines:
                            for s in range(first[k], last[k]):
                                out[outer, line, inner, s] += (
                                    taps[k, s] * volume[outer, other, inner, s]
                                )
                for s in range(n_samples):
                    out[outer, line, inner, s] /= total[s]
