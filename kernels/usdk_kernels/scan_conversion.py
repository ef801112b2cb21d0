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


@kernel
def scan_convert(
    image: npt.NDArray[np.float32],
    index: npt.NDArray[np.int32],
    weight_line: npt.NDArray[np.float32],
    weight_sample: npt.NDArray[np.float32],
    fill: float,
    out: npt.NDArray[np.float32],
) -> None:
    r"""Raster by bilinear interpolation between lines and samples.

    .. math::
        R = (1 - a)\left[(1 - b) I_{l, s} + b I_{l, s+1}\right]
          + a\left[(1 - b) I_{l+1, s} + b I_{l+1, s+1}\right]

    with a = weight_line, b = weight_sample and (l, s) from the index table.

    Parameters
    ----------
    image : (n_lines, n_samples) float32, C-contiguous
        Image along scan lines, finite (−inf dB times a weight of 0 would be NaN); any unit.
    index, weight_line, weight_sample : (n_rows, n_columns) int32, float32, float32, C-contiguous
        Tables from `linear_table` or `polar_table`, made for this image's size.
    fill : float64
        Value of the pixels that the scan does not cover.
    out : (n_rows, n_columns) float32, C-contiguous
        Raster, in the unit of `image`.  Overwritten.

    Notes
    -----
    An index that points outside the image gives `fill`, so tables of another size give a wrong
    picture but no read beyond the end.  Not checked: that the tables and `out` agree in shape,
    and that the tables were made for this image.
    """
    n_rows, n_columns = out.shape
    n_samples = np.uintp(image.shape[1])
    # The upper neighbour of the last usable corner is the image's last sample.
    n_corners = max((image.shape[0] - 1) * image.shape[1] - 1, 0) if image.shape[1] > 1 else 0
    flat = image.reshape(image.size)
    nothing = np.float32(fill)
    for row in range(n_rows):
        for column in range(n_columns):
            corner = index[row, column]
            if corner < 0 or corner >= n_corners:
                out[row, column] = nothing
                continue
            k = np.uintp(corner)
            a = weight_line[row, column]
            b = weight_sample[row, column]
            lower = flat[k]
            lower += b * (flat[k + np.uintp(1)] - lower)
            k += n_samples
            upper = flat[k]
            upper += b * (flat[k + np.uintp(1)] - upper)
            out[row, column] = lower + a * (upper - lower)
