"""FlowThresholds: which points of a flow map are flow, and where grey stays grey."""

from __future__ import annotations

import math
from dataclasses import dataclass

from usdk.arguments import count, finite
from usdk.errors import ArgumentError

__all__ = ["FlowThresholds"]

_GREYS = 256
_NEIGHBOURS = 8


@dataclass(frozen=True, kw_only=True)
class FlowThresholds:
    """What a point must reach to be shown in colour; every condition that is given must hold.

    Parameters
    ----------
    below_reference_db : float, optional
        Power may lie this far below the reference of the power, dB; any when None.
    over_noise_db : float, optional
        Power must lie this far above that of the noise, dB, for flow maps that know it.
    least_velocity_m_s : float
        Least speed along the beam, m/s: what the clutter filter leaves of slow tissue lies below.
    least_neighbours : int
        Of the 8 points around it so many must pass, too: 2 takes out isolated points and pairs.
    grey_limit : int, optional
        A pixel whose grey is this or lighter stays grey: bright tissue is no flow; 255 leaves only
        pure white grey, None none.
    """

    below_reference_db: float | None = 20.0
    over_noise_db: float | None = None
    least_velocity_m_s: float = 0.0
    least_neighbours: int = 2
    grey_limit: int | None = None

    def __post_init__(self) -> None:
        for name in ("below_reference_db", "over_noise_db"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, finite(value, name))
        wall_m_s = finite(self.least_velocity_m_s, "least_velocity_m_s")
        if wall_m_s < 0:
            raise ArgumentError(f"least_velocity_m_s must not be negative, got {wall_m_s}")
        object.__setattr__(self, "least_velocity_m_s", wall_m_s)
        n = count(self.least_neighbours, "least_neighbours", least=0, most=_NEIGHBOURS)
        object.__setattr__(self, "least_neighbours", n)
        if self.grey_limit is not None:
            limit = count(self.grey_limit, "grey_limit", least=0, most=_GREYS)
            object.__setattr__(self, "grey_limit", limit)

    def least_db(self, *, reference: float, noise_power: float) -> float:
        """Return the least level that passes, dB relative to the reference; −inf for any.

        Parameters
        ----------
        reference, noise_power : float
            Powers in one unit; the noise NaN when unknown.

        Raises
        ------
        ArgumentError
            If a threshold over the noise is given and the noise is unknown.
        """
        least_db = -math.inf if self.below_reference_db is None else -self.below_reference_db
        if self.over_noise_db is None:
            return least_db
        if not 0 <= noise_power < math.inf:
            raise ArgumentError(
                "over_noise_db needs a flow map that knows its noise_power: measure it, or give "
                "below_reference_db"
            )
        if noise_power == 0:
            return least_db
        noise_db = 10 * math.log10(noise_power / reference)
        return max(least_db, noise_db + self.over_noise_db)

    def describe(self) -> str:
        """Return the setting as text."""
        parts = []
        if self.below_reference_db is not None:
            parts.append(f"power to {self.below_reference_db:g} dB below the reference")
        if self.over_noise_db is not None:
            parts.append(f"power {self.over_noise_db:g} dB over the noise")
        if self.least_velocity_m_s:
            parts.append(f"speed {self.least_velocity_m_s:g} m/s")
        if self.least_neighbours:
            parts.append(f"{self.least_neighbours} neighbours")
        if self.grey_limit is not None:
            parts.append(f"grey below {self.grey_limit}")
        return ", ".join(parts) or "none"
