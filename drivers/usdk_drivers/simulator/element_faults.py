"""What is wrong with the elements of a simulated probe, and what a self-test measures of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.front_end import ElementCondition, ElementTest, SelfTest

__all__ = ["ElementFaults", "measured"]

WEAK_DB = -12.0
"""How much less than the others a weak element sends, and hears, dB."""

_IMPEDANCE_OHM = 50.0
_OPEN_OHM, _SHORT_OHM = 1e6, 0.5
_SPREAD = 0.03
# Verdicts of the device: relative to the median impedance, and to the median sensitivity.
_OPEN_ABOVE, _SHORT_BELOW, _WEAK_BELOW_DB = 10.0, 0.1, -6.0
_LEAST_DB = -60.0

Elements = Sequence[int] | NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class ElementFaults:
    """Elements, counted from 0, by what is wrong with them.

    Parameters
    ----------
    dead : sequence of int
        Not connected: they neither fire nor listen.
    shorted : sequence of int
        Short-circuited: they neither fire nor listen.
    weak : sequence of int
        They fire and listen with `WEAK_DB`.
    """

    dead: Elements = ()
    shorted: Elements = ()
    weak: Elements = ()

    def weights(self, n_elements: int) -> NDArray[np.float32]:
        """Return by what each element's pulse and echo are multiplied, (n_elements,)."""
        weights = np.ones(n_elements, np.float32)
        weights[np.asarray(self.weak, np.intp)] = 10 ** (WEAK_DB / 20)
        for elements in (self.dead, self.shorted):
            weights[np.asarray(elements, np.intp)] = 0
        return weights

    def impedances_ohm(self, n_elements: int, seed: int) -> NDArray[np.float64]:
        """Return the impedance of each element with its plug, which differs a little, Ω."""
        random = np.random.default_rng((seed, n_elements, 1))
        impedances = _IMPEDANCE_OHM * (1 + _SPREAD * random.standard_normal(n_elements))
        impedances[np.asarray(self.dead, np.intp)] = _OPEN_OHM
        impedances[np.asarray(self.shorted, np.intp)] = _SHORT_OHM
        return impedances


def measured(
    impedances_ohm: NDArray[np.float64], weights: NDArray[np.float32], cable_id: str
) -> SelfTest:
    """Return what a device makes of its elements' impedances and echo amplitudes.

    It knows nothing of what was put in: an element is open or short by its impedance, and weak by
    its pulse-echo amplitude, each compared with the median.
    """
    relative = impedances_ohm / np.median(impedances_ohm)
    # Both ways: the pulse, and the echo.
    amplitudes = weights.astype(np.float64) ** 2
    with np.errstate(divide="ignore"):
        sensitivity_db = 20 * np.log10(amplitudes / max(np.median(amplitudes), 1e-12))
    elements = []
    for one, impedance_ohm, level_db in zip(relative, impedances_ohm, sensitivity_db, strict=True):
        condition = ElementCondition.GOOD
        if one > _OPEN_ABOVE:
            condition = ElementCondition.OPEN
        elif one < _SHORT_BELOW:
            condition = ElementCondition.SHORT
        elif level_db < _WEAK_BELOW_DB:
            condition = ElementCondition.WEAK
        elements.append(
            ElementTest(
                condition=condition,
                impedance_ohm=float(np.float32(impedance_ohm)),
                sensitivity_db=float(np.float32(max(level_db, _LEAST_DB))),
            )
        )
    return SelfTest(elements=tuple(elements), cable_id=cable_id)
