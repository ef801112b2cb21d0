r"""Points along lines, and when waves pass them: computed where tables would be large.

.. math::
    p_{l,s} = b_l + r_s\,d_l, \qquad
    \tau_t(p) = p \cdot n_t + k_t\,|p - q_t| + o_t

A plane wave has n = direction / c and k = 0; a spherical wave has n = 0, k = 1/c, and q where it
comes from or seems to.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel


@kernel
def line_points(
    bases_m: npt.NDArray[np.float64],
    directions: npt.NDArray[np.float64],
    ranges_m: npt.NDArray[np.float64],
    waves: npt.NDArray[np.float64],
    start: int,
    stop: int,
    points_m: npt.NDArray[np.float32],
    times_s: npt.NDArray[np.float64],
) -> None:
    """Points start to stop − 1 of a scan, and when every wave passes them; see the module.

    Parameters
    ----------
    bases_m, directions : (n_lines, 3) float64
        b and d: where each line has range 0, in metres, and its unit vector.
    ranges_m : (n_samples,) float64
        r: places along every line, in metres.
    waves : (n_waves, 8) float64
        n (3, s/m), q (3, m), k (s/m) and o (s) of each wave.
    start, stop : int64
        Range of points, lines slowest, 0 ≤ start ≤ stop ≤ n_lines n_samples.
    points_m : (stop − start, 3) float32
        The points, in metres.  Overwritten.
    times_s : (n_waves, stop − start) float64
        τ, in seconds.  Overwritten.

    Notes
    -----
    All arrays are C-contiguous.  NaN gives NaN.  Not checked: shapes, start and stop.
    """
    n_samples = ranges_m.size
    point = start
    while point < stop:
        line = point // n_samples
        first = point - line * n_samples
        n = min(n_samples - first, stop - point)
        at = point - start
        bx, by, bz = bases_m[line, 0], bases_m[line, 1], bases_m[line, 2]
        dx, dy, dz = directions[line, 0], directions[line, 1], directions[line, 2]
        for m in range(n):
            r = ranges_m[first + m]
            points_m[at + m, 0] = np.float32(bx + r * dx)
            points_m[at + m, 1] = np.float32(by + r * dy)
            points_m[at + m, 2] = np.float32(bz + r * dz)
        for t in range(waves.shape[0]):
            nx, ny, nz = waves[t, 0], waves[t, 1], waves[t, 2]
            qx, qy, qz = waves[t, 3], waves[t, 4], waves[t, 5]
            k, o = waves[t, 6], waves[t, 7]
            for m in range(n):
                r = ranges_m[first + m]
                x, y, z = bx + r * dx, by + r * dy, bz + r * dz
                distance = math.sqrt(
                    (x - qx) * (x - qx) + (y - qy) * (y - qy) + (z - qz) * (z - qz)
                )
                times_s[t, at + m] = x * nx + y * ny + z * nz + k * distance + o
        point += n
