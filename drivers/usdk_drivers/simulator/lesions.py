"""A row of lesions in speckle whose contrast is known, to measure pictures by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lesion", "lesion_row", "tissue_with_lesions"]

# The tissue's block, in units of the ground: a few resolution cells wider than what is measured.
_HALF_WIDTH, _NEAR, _FAR = 10.5, 15.0, 25.0


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """A round region whose scatterers are stronger or weaker than those around it.

    Parameters
    ----------
    x_m, z_m, radius_m : float
        Where it is, m.
    level_db : float
        Mean power of its echoes over that of the tissue around it, dB; −inf for a cyst.
    """

    x_m: float
    z_m: float
    radius_m: float
    level_db: float


def lesion_row(unit_m: float) -> tuple[Lesion, ...]:
    """Return a cyst, a lesion of −6 dB and one of +9 dB, side by side."""
    return tuple(
        Lesion(x_m=x * unit_m, z_m=20 * unit_m, radius_m=2 * unit_m, level_db=level_db)
        for x, level_db in ((-6.0, -math.inf), (0.0, -6.0), (6.0, 9.0))
    )


def tissue_with_lesions(
    unit_m: float, n: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scatterers spread evenly over the block, (n, 3) m, and their amplitudes, (n,)."""
    x_m = random.uniform(-_HALF_WIDTH, _HALF_WIDTH, n) * unit_m
    z_m = random.uniform(_NEAR, _FAR, n) * unit_m
    # ⟨a⁴⟩ = 2⟨a²⟩², so that the power of a few scatterers in a resolution cell already varies as
    # that of many does (Rayleigh's envelope): ⟨P²⟩ / ⟨P⟩² = 2 + (⟨a⁴⟩ / ⟨a²⟩² − 2) / n.
    amplitudes = random.rayleigh(math.sqrt(0.5), n) * random.choice((-1.0, 1.0), n)
    for lesion in lesion_row(unit_m):
        inside = np.hypot(x_m - lesion.x_m, z_m - lesion.z_m) < lesion.radius_m
        amplitudes[inside] *= 10 ** (lesion.level_db / 20)
    echoing = amplitudes != 0
    positions_m = np.column_stack((x_m, np.zeros(n), z_m))
    return positions_m[echoing], amplitudes[echoing]
