"""Time-gain compensation: echoes from deep made as strong as those from near."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan

__all__ = ["MAX_TIME_GAIN_DB", "TimeGain"]

MAX_TIME_GAIN_DB = 200.0
"""Greatest gain, up or down: beyond it there is nothing but noise."""


@dataclass(frozen=True, kw_only=True)
class TimeGain:
    """Gain by depth: linear in dB between knots, and constant before the first and after the last.

    Parameters
    ----------
    depths_m : iterable of float
        Knots, increasing: distances from the probe's face along a scan line, m.
    gains_db : iterable of float
        Gain at each, dB.

    Raises
    ------
    ArgumentError
        If the knots are not finite, not increasing or not as many, or a gain is beyond
        `MAX_TIME_GAIN_DB`.
    """

    depths_m: tuple[float, ...]
    gains_db: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("depths_m", "gains_db"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        if not self.depths_m or len(self.depths_m) != len(self.gains_db):
            raise ArgumentError(
                f"give one gain for each depth: {len(self.depths_m)} depths, "
                f"{len(self.gains_db)} gains"
            )
        if np.any(np.diff(self.depths_m) <= 0):
            raise ArgumentError("depths_m must increase")
        if max(map(abs, self.gains_db)) > MAX_TIME_GAIN_DB:
            raise ArgumentError(f"gains_db must lie within ±{MAX_TIME_GAIN_DB:g} dB")

    @classmethod
    def from_attenuation(
        cls, attenuation_db_cm_mhz: float, *, frequency_hz: float, depth_m: float
    ) -> TimeGain:
        """Return the gain that undoes the attenuation of the way there and back.

        Parameters
        ----------
        attenuation_db_cm_mhz : float
            Of the tissue, one way, dB/(cm MHz); 0.5 to 0.7 for soft tissue.
        frequency_hz : float
            Centre frequency of the echoes, Hz.
        depth_m : float
            From here on the gain stays what it is, so that noise does not grow with it, m.
        """
        for name, value in (
            ("attenuation_db_cm_mhz", attenuation_db_cm_mhz),
            ("frequency_hz", frequency_hz),
            ("depth_m", depth_m),
        ):
            positive(value, name)
        one_way_db = attenuation_db_cm_mhz * (depth_m * 1e2) * (frequency_hz * 1e-6)
        return cls(depths_m=(0.0, depth_m), gains_db=(0.0, 2 * one_way_db))

    def gain_db(self, depth_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gain at depths in m, of the same shape, dB."""
        return np.asarray(np.interp(depth_m, self.depths_m, self.gains_db))

    def amplitudes(self, scan: LinearScan | SectorScan) -> NDArray[np.float32]:
        """Return the factors of a scan's samples, (1, n_samples) float32.

        Depth counts along each line from the face: from z = 0 for parallel lines, from the apex
        for a fan that begins on the face, and from the arc through x = 0, z = 0 for a fan whose
        apex lies behind, as that of a curved array.
        """
        require_planar(scan)
        if isinstance(scan, LinearScan):
            depths_m = scan.z_m
        else:
            depths_m = scan.ranges_m - max(0.0, -scan.apex_m[1])
        return (10 ** (self.gain_db(depths_m[None]) / 20)).astype(np.float32)

    def describe(self) -> str:
        """Return the knots as text."""
        knots = zip(self.depths_m, self.gains_db, strict=True)
        return ", ".join(f"{gain:g} dB at {depth * 1e3:g} mm" for depth, gain in knots)


def _numbers(values: Iterable[float], name: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArgumentError(f"{name} must be numbers: {error}") from error
    if not all(map(math.isfinite, numbers)):
        raise ArgumentError(f"{name} must be finite")
    return numbers
