"""Scan conversion: lines and samples to a raster, by bilinear interpolation from tables."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

OUTSIDE = -1
"""Entry of the index table for a pixel that the scan does not cover."""

EDGE_TOLERANCE = 1e-6
"""A pixel this many lines or samples beyond the edge counts as on the edge: rounding, not space."""


@kernel
def _locate(coordinate: float, n: int) -> tuple[int, float]:
    """Lower neighbour and weight of the upper one on a grid of n, (OUTSIDE, 0) beyond the edges."""
    if n < 2 or not (-EDGE_TOLERANCE <= coordinate <= n - 1 + EDGE_TOLERANCE):
        return OUTSIDE, 0.0
    clamped = min(max(coordinate, 0.0), float(n - 1))
    lower = min(int(clamped), n - 2)  # the last grid point is (n - 2, weight 1)
    return lower, clamped - lower


@kernel
def linear_table(
    column_x_m: npt.NDArray[np.float64],
    row_z_m: npt.NDArray[np.float64],
    first_line_m: float,
    line_step_m: float,
    first_sample_m: float,
    sample_step_m: float,
    n_lines: int,
    n_samples: int,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
) -> None:
    """Fill the tables of `scan_convert` for parallel scan lines.

    Line l lies at x = first_line_m + l line_step_m, its sample s at z = first_sample_m +
    s sample_step_m.

    Parameters
    ----------
    column_x_m : (n_columns,) float64
        Lateral position of each raster column, in metres.
    row_z_m : (n_rows,) float64
        Depth of each raster row, in metres.
    first_line_m, line_step_m : float64
        Position of line 0 and distance between lines, in metres; the step is not 0, may be < 0.
    first_sample_m, sample_step_m : float64
        Depth of sample 0 and distance between samples, in metres; the step is not 0.
    n_lines, n_samples : int64
        Size of the image that will be converted; below 2 every pixel is outside.
    index : (n_rows, n_columns) int32
        Flat index of the lower line's lower sample, `OUTSIDE` where there is none.  Overwritten.
    weight_line, weight_sample : (n_rows, n_columns) float32
        Weight of the upper line and of the upper sample, 0 to 1.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, steps of zero, n_lines n_samples < 2^31.
    """
    n_rows, n_columns = index.shape
    for row in range(n_rows):
        sample, w_sample = _locate((row_z_m[row] - first_sample_m) / sample_step_m, n_samples)
        for column in range(n_columns):
            line, w_line = _locate((column_x_m[column] - first_line_m) / line_step_m, n_lines)
            inside = sample != OUTSIDE and line != OUTSIDE
            index[row, column] = line * n_samples + sample if inside else OUTSIDE
            weight_line[row, column] = np.float32(w_line if inside else 0.0)
            weight_sample[row, column] = np.float32(w_sample if inside else 0.0)


@kernel
def polar_table(
    column_x_m: npt.NDArray[np.float64],
    row_z_m: npt.NDArray[np.float64],
    first_angle_rad: float,
    angle_step_rad: float,
    first_range_m: float,
    range_step_m: float,
    n_lines: int,
    n_samples: int,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
) -> None:
    r"""Fill the tables of `scan_convert` for scan lines that meet in an apex.

    .. math::
        l = \frac{\mathrm{atan2}(x, z) - \theta_0}{\Delta\theta}, \qquad
        s = \frac{\sqrt{x^2 + z^2} - r_0}{\Delta r}

    x and z count from the apex.  A sector scan of a phased array has its apex on the face and
    ranges from about 0; a convex scan has its apex behind the face, at the centre of curvature,
    and ranges from the radius of the face.

    Parameters
    ----------
    column_x_m : (n_columns,) float64
        Lateral distance of each raster column from the apex, in metres.
    row_z_m : (n_rows,) float64
        Axial distance of each raster row from the apex, in metres.
    first_angle_rad, angle_step_rad : float64
        Angle of line 0 from the z axis, positive towards +x, and angle between lines; the step
        is not 0, may be < 0, and the lines together span at most a full turn.
    first_range_m, range_step_m : float64
        Distance of sample 0 from the apex and distance between samples; the step is not 0.
    n_lines, n_samples : int64
        Size of the image that will be converted; below 2 every pixel is outside.
    index : (n_rows, n_columns) int32
        Flat index of the lower line's lower sample, `OUTSIDE` where there is none.  Overwritten.
    weight_line, weight_sample : (n_rows, n_columns) float32
        Weight of the upper line and of the upper sample, 0 to 1.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  Not checked: shapes, steps of zero, n_lines n_samples < 2^31.
    The gap between the last and the first line of a full turn is not interpolated.
    """
    n_rows, n_columns = index.shape
    turn = 2 * math.pi / abs(angle_step_rad)  # a full turn, in lines
    for row in range(n_rows):
        z = row_z_m[row]
        for column in range(n_columns):
            x = column_x_m[column]
            line_coordinate = (math.atan2(x, z) - first_angle_rad) / angle_step_rad
            # atan2 jumps by a full turn behind the apex: count from line 0 upwards.
            if line_coordinate < -EDGE_TOLERANCE or line_coordinate >= turn - EDGE_TOLERANCE:
                line_coordinate -= turn * math.floor((line_coordinate + EDGE_TOLERANCE) / turn)
            line, w_line = _locate(line_coordinate, n_lines)
            range_m = math.sqrt(x * x + z * z)
            sample, w_sample = _locate((range_m - first_range_m) / range_step_m, n_samples)
            inside = sample != OUTSIDE and line != OUTSIDE
            index[row, column] = line * n_samples + sample if inside else OUTSIDE
            weight_line[row, column] = np.float32(w_line if inside else 0.0)
            weight_sample[row, column] = np.float32(w_sample if inside else 0.0)


# contract allows fused multiply-adds: one rounding fewer for each interpolation.
@kernel(fastmath=frozenset({"contract"}))
def _interpolate(
    flat: npt.NDArray[np.float32],
    n_samples: np.uint32,
    last_corner: np.uint32,
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Bilinear interpolation of one run of pixels; no index beyond `last_corner` is read."""
    one = np.uint32(1)
    for k in range(out.size):
        corner = np.uint32(index[k])  # a negative one becomes large
        corner = corner if corner < last_corner else last_corner
        b = weight_sample[k]
        lower = flat[corner]
        lower += b * (flat[np.uint32(corner + one)] - lower)
        corner = np.uint32(corner + n_samples)
        upper = flat[corner]
        upper += b * (flat[np.uint32(corner + one)] - upper)
        out[k] = lower + weight_line[k] * (upper - lower)


@kernel
def scan_convert(
    image: npt.NDArray[np.float32],
    row_runs: npt.NDArray[np.int32],
    run_column: npt.NDArray[np.int32],
    run_entry: npt.NDArray[np.int32],
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    start: int,
    stop: int,
    fill: float,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Rows of a raster by bilinear interpolation between lines and samples.

    .. math::
        R = (1 - a)\left[(1 - b) I_{l, s} + b I_{l, s+1}\right]
          + a\left[(1 - b) I_{l+1, s} + b I_{l+1, s+1}\right]

    with a = weight_line, b = weight_sample and (l, s) from the index table.  The tables hold the
    pixels that the scan covers and no others, in runs: the covered pixels of a row that stand side
    by side.

    Parameters
    ----------
    image : (n_lines, n_samples) float32, C-contiguous
        Image along scan lines, finite (−inf dB times a weight of 0 would be NaN); any unit.
    row_runs : (n_rows + 1,) int32
        Row r has the runs row_runs[r] to row_runs[r + 1] − 1.
    run_column : (n_runs,) int32
        First column of each run.
    run_entry : (n_runs + 1,) int32
        Run i has the entries run_entry[i] to run_entry[i + 1] − 1 of the tables.
    index, weight_line, weight_sample : (n_entries,) int32, float32, float32
        Entries from `linear_table` or `polar_table`, made for this image's size.
    start, stop : int64
        Rows to make: any division gives the same bits.
    fill : float64
        Value of the pixels that the scan does not cover.
    out : (n_rows, n_columns) float32, C-contiguous
        Raster, in the unit of `image`.  These rows are overwritten.

    Notes
    -----
    An index that points outside the image reads its last corner, and a run that does not fit the
    raster or the tables is left out, so tables of another size give a wrong picture but no access
    outside an array.  Not checked: that row_runs has n_rows + 1 entries and run_entry one more
    than run_column, that the tables were made for this image, n_lines n_samples < 2^31.
    """
    n_samples = image.shape[1]
    # The upper neighbour of the last usable corner is the image's last sample.
    n_corners = max((image.shape[0] - 1) * n_samples - 1, 0) if n_samples > 1 else 0
    last_corner = np.uint32(max(n_corners - 1, 0))
    flat = image.reshape(image.size)
    for row in range(max(start, 0), min(stop, out.shape[0])):
        pixels = out[row]
        pixels[:] = np.float32(fill)
        if n_corners == 0:
            continue
        for run in range(max(row_runs[row], 0), min(row_runs[row + 1], run_column.size)):
            column, first, last = run_column[run], run_entry[run], run_entry[run + 1]
            if column < 0 or first < 0 or last > index.size or last < first:
                continue
            if column + last - first > pixels.size:
                continue
            _interpolate(
                flat,
                np.uint32(n_samples),
                last_corner,
                index[first:last],
                weight_line[first:last],
                weight_sample[first:last],
                pixels[column : column + last - first],
            )


@kernel
def scan_convert_grey(
    level_db: npt.NDArray[np.float32],
    row_runs: npt.NDArray[np.int32],
    run_column: npt.NDArray[np.int32],
    run_entry: npt.NDArray[np.int32],
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    curve: npt.NDArray[np.uint8],
    white_db: float,
    dynamic_range_db: float,
    start: int,
    stop: int,
    out: npt.NDArray[np.uint8],
) -> None:
    r"""Rows of grey pixels from levels in decibels, in one pass.

    .. math::
        u = \min\left(\max\left(\frac{R - W}{D} + 1, 0\right), 1\right), \qquad
        G = \mathrm{round}(255 u) \text{ or } C[\mathrm{round}((n - 1) u)]

    with R as in `scan_convert`: levels are interpolated first and limited afterwards, so that an
    edge towards black lies where it lies in the data.

    Parameters
    ----------
    level_db : (n_lines, n_samples) float32, C-contiguous
        Levels along scan lines, dB, finite; what `log_compress` gives.
    row_runs, run_column, run_entry, index, weight_line, weight_sample
        As for `scan_convert`.
    curve : (n,) uint8
        C, the grey of each share u of the dynamic range, equally spaced; empty for 255 u.
    white_db : float64
        W, the level that is white, dB.
    dynamic_range_db : float64 > 0
        D, levels between black and white, dB.
    start, stop : int64
        Rows to make: any division gives the same bits.
    out : (n_rows, n_columns) uint8, C-contiguous
        Grey pixels, 0 where the scan does not cover and where the level is NaN.  These rows are
        overwritten.

    Notes
    -----
    Not checked, and safe: as for `scan_convert`; not checked, too: that `dynamic_range_db` > 0.
    """
    n_samples = level_db.shape[1]
    n_corners = max((level_db.shape[0] - 1) * n_samples - 1, 0) if n_samples > 1 else 0
    last_corner = np.uint32(max(n_corners - 1, 0))
    flat = level_db.reshape(level_db.size)
    steps = (curve.size if curve.size else 256) - 1
    scale = np.float32(steps / dynamic_range_db)
    offset = np.float32(steps - white_db * steps / dynamic_range_db + 0.5)
    least = np.float32(0.5)
    most = np.float32(steps + 0.5)
    levels = np.empty(out.shape[1], np.float32)
    for row in range(max(start, 0), min(stop, out.shape[0])):
        pixels = out[row]
        pixels[:] = np.uint8(0)
        if n_corners == 0:
            continue
        for run in range(max(row_runs[row], 0), min(row_runs[row + 1], run_column.size)):
            column, first, last = run_column[run], run_entry[run], run_entry[run + 1]
            n = last - first
            if column < 0 or first < 0 or last > index.size or n < 0 or column + n > pixels.size:
                continue
            _interpolate(
                flat,
                np.uint32(n_samples),
                last_corner,
                index[first:last],
                weight_line[first:last],
                weight_sample[first:last],
                levels[:n],
            )
            greys = pixels[column : column + n]
            for k in range(n):
                grey = levels[k] * scale + offset
                grey = grey if grey > least else least  # NaN compares false and becomes black
                levels[k] = grey if grey < most else most
            if curve.size == 0:
                for k in range(n):
                    greys[k] = np.uint8(np.int32(levels[k]))
            else:
                for k in range(n):
                    greys[k] = curve[np.int32(levels[k])]
