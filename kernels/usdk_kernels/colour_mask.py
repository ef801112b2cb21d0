"""Colour mask: which points of a flow map are shown in colour."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from usdk_kernels._compile import kernel

LEAST_WEIGHT = np.float32(1e-30)
GREATEST_WEIGHT = np.float32(1e30)
"""Limits of a weight: sums of a few products of them stay in the range of float32."""


# noalias: both loops run as vectors without tests of overlap.
@kernel(noalias=True)
def colour_mask(
    velocity_m_s: npt.NDArray[np.float32],
    power: npt.NDArray[np.float32],
    level_db: npt.NDArray[np.float32],
    reference: float,
    least_db: float,
    wall_m_s: float,
    n_neighbours: int,
    passed: npt.NDArray[np.uint8],
    out: npt.NDArray[np.float32],
) -> None:
    r"""Weight of each point in an interpolation of colours: its power where it passes, else 0.

    .. math::
        W = \frac{P}{P_0} \text{ where } L \ge L_{least}, |v| \ge v_{wall} \text{ and at least } n
        \text{ of the 8 neighbours pass both}

    Parameters
    ----------
    velocity_m_s, power, level_db : (n_lines, n_samples) float32, C-contiguous
        Velocity, power P, and its level L, dB.
    reference : float64 > 0
        P_0, in the unit of `power`.
    least_db : float64
        L_least, dB; -inf lets every level pass.
    wall_m_s : float64
        v_wall, m/s; 0 lets every velocity pass.
    n_neighbours : int64
        n, 0 to 8; beyond the edges nothing passes.
    passed : (n_lines + 2, n_samples + 2) uint8, C-contiguous
        Scratch.  Overwritten.
    out : (n_lines, n_samples) float32, C-contiguous
        W, `LEAST_WEIGHT` to `GREATEST_WEIGHT`, or 0 where a point is not shown.  Overwritten.  A
        NaN in velocity, power or level, an infinite velocity, and a power that is not positive
        give 0.

    Notes
    -----
    Not checked: shapes, that `reference` is positive.
    """
    n_lines, n_samples = out.shape
    inverse = 1.0 / reference
    least = np.float32(least_db)
    wall = np.float32(wall_m_s)
    infinite = np.float32(np.inf)
    zero = np.float32(0)
    passed[:] = 0
    for line in range(n_lines):
        for sample in range(n_samples):
            speed = abs(velocity_m_s[line, sample])
            is_fast = (speed >= wall) & (speed < infinite)
            is_strong = (level_db[line, sample] >= least) & (power[line, sample] > zero)
            passed[line + 1, sample + 1] = np.uint8(is_fast & is_strong)
            weight = np.float32(power[line, sample] * inverse)
            weight = weight if weight > LEAST_WEIGHT else LEAST_WEIGHT
            weight = weight if weight < GREATEST_WEIGHT else GREATEST_WEIGHT
            out[line, sample] = weight if is_fast & is_strong else zero
    if n_neighbours <= 0:
        return
    least_n = np.uint8(min(n_neighbours, 9))
    for line in range(n_lines):
        for sample in range(n_samples):
            n = np.uint8(passed[line, sample] + passed[line, sample + 1])
            n = np.uint8(n + passed[line, sample + 2])
            n = np.uint8(n + passed[line + 1, sample])
            n = np.uint8(n + passed[line + 1, sample + 2])
            n = np.uint8(n + passed[line + 2, sample])
            n = np.uint8(n + passed[line + 2, sample + 1])
            n = np.uint8(n + passed[line + 2, sample + 2])
            out[line, sample] = out[line, sample] if n >= least_n else zero
