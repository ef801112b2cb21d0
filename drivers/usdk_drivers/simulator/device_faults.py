"""What is wrong with a simulated device as a whole, beside the faults of its packets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError

__all__ = ["DescriptorFault", "DeviceFaults"]


class DescriptorFault(StrEnum):
    """What is wrong with the USB descriptors."""

    WRONG_INTERFACE = "wrong_interface"
    NO_BULK_IN = "no_bulk_in"
    NO_BULK_OUT = "no_bulk_out"
    TRUNCATED = "truncated"


@dataclass(frozen=True, kw_only=True)
class DeviceFaults:
    """What is wrong with a device.

    Parameters
    ----------
    dead : tuple of int
        Elements, counted from 0, that neither fire nor listen: their rows hold noise alone.
    n_dead : int
        So many more, chosen by the seed.
    shorted, weak : tuple of int
        Elements that are short-circuited, and that fire and listen with a quarter of the amplitude.
    drift_ppm : float
        How much faster than true time the clock runs that stamps the packets, parts per million.
    return_s : float, optional
        After a fault unplugs the device, it is back after so many seconds; it stays away when
        absent.
    firmware_after : str, optional
        Firmware version that the device reports once it was away.
    descriptors : DescriptorFault, optional
        ``wrong_interface``: its class is another one's. ``no_bulk_in``, ``no_bulk_out``: the
        endpoint is missing. ``truncated``: the configuration ends in the middle of an endpoint.

    Raises
    ------
    ArgumentError
        If a number cannot be what it says.
    """

    dead: tuple[int, ...] = ()
    n_dead: int = 0
    shorted: tuple[int, ...] = ()
    weak: tuple[int, ...] = ()
    drift_ppm: float = 0.0
    return_s: float | None = None
    firmware_after: str | None = None
    descriptors: DescriptorFault | None = None

    def __post_init__(self) -> None:
        if min((*self.dead, *self.shorted, *self.weak), default=0) < 0 or self.n_dead < 0:
            raise ArgumentError("dead elements are counted from 0, and n_dead is not negative")
        if not (math.isfinite(self.drift_ppm) and abs(self.drift_ppm) < 1e6):
            raise ArgumentError(f"drift_ppm must lie within ±1e6, got {self.drift_ppm}")
        if self.return_s is not None and not (math.isfinite(self.return_s) and self.return_s >= 0):
            raise ArgumentError(f"return_s must be finite and not negative, got {self.return_s}")

    def dead_elements(self, n_elements: int, seed: int) -> NDArray[np.intp]:
        """Return the elements that are dead, in order, each once.

        Raises
        ------
        ArgumentError
            If there are not so many.
        """
        for name in ("shorted", "weak"):
            if max(getattr(self, name), default=0) >= n_elements:
                raise ArgumentError(
                    f"one of the {name} elements is none of this probe's: it has 0 to "
                    f"{n_elements - 1}"
                )
        listed = np.unique(np.array(self.dead, np.intp))
        if listed.size and listed[-1] >= n_elements:
            raise ArgumentError(
                f"dead element {listed[-1]} is none of this probe's: it has 0 to {n_elements - 1}"
            )
        alive = np.setdiff1d(np.arange(n_elements), listed)
        if self.n_dead > alive.size:
            raise ArgumentError(f"n_dead is {self.n_dead}: only {alive.size} elements are left")
        chosen = np.random.default_rng((seed, n_elements)).permutation(alive)[: self.n_dead]
        return np.asarray(np.union1d(listed, chosen), np.intp)
