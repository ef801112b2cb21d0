"""VelocityScale: which velocities the colours span, where zero stands, and at what angle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from usdk.arguments import finite, positive
from usdk.errors import ArgumentError

__all__ = ["MAX_CORRECTED_ANGLE_RAD", "VelocityScale"]

MAX_CORRECTED_ANGLE_RAD = math.radians(80.0)
"""Greatest angle that is corrected: here an error of 1° in it is one of 10 % in the velocity."""


@dataclass(frozen=True, kw_only=True)
class VelocityScale:
    r"""The scale of a colour picture.

    Parameters
    ----------
    limit_m_s : float, optional
        Half the span of the scale, m/s; the Nyquist velocity when absent. Velocities beyond the
        scale have its last colour.
    baseline_m_s : float
        Where the middle of the scale stands, m/s: the scale is baseline ± limit. Velocities are
        brought by whole turns of the phase to baseline ± Nyquist velocity, so that a baseline of
        +0.2 m/s shows −0.2 to +0.6 m/s where the Nyquist velocity is 0.4 m/s.
    is_inverted : bool
        Exchange the colours of both directions; the velocities keep their signs.
    angle_rad : float
        Angle θ between beam and flow, rad: velocities are divided by cos θ, and so are the limits
        between which they alias. All other values of the scale are velocities so corrected.
    is_dealiased : bool
        Whether the velocities given are known beyond the Nyquist velocity, so that none is
        brought back by whole turns.

    Raises
    ------
    ArgumentError
        If a value is out of range, or the angle so near to 90° that its error governs.
    """

    limit_m_s: float | None = None
    baseline_m_s: float = 0.0
    is_inverted: bool = False
    angle_rad: float = 0.0
    is_dealiased: bool = False

    def __post_init__(self) -> None:
        if self.limit_m_s is not None:
            object.__setattr__(self, "limit_m_s", positive(self.limit_m_s, "limit_m_s"))
        for name in ("baseline_m_s", "angle_rad"):
            object.__setattr__(self, name, finite(getattr(self, name), name))
        if not abs(self.angle_rad) <= MAX_CORRECTED_ANGLE_RAD:
            raise ArgumentError(
                f"angle_rad of {math.degrees(self.angle_rad):.1f}° cannot be corrected, at most "
                f"{math.degrees(MAX_CORRECTED_ANGLE_RAD):.0f}° can: near 90° the velocity along "
                "the beam tells nothing of that of the flow; steer the beam"
            )

    @property
    def correction(self) -> float:
        """Factor from a velocity along the beam to the one shown, 1 / cos θ."""
        return 1 / math.cos(self.angle_rad)

    def ends_m_s(self, nyquist_m_s: float) -> tuple[float, float]:
        """Return the velocities, corrected, of the first and the last colour, m/s.

        Parameters
        ----------
        nyquist_m_s : float
            Along the beam, m/s.

        Raises
        ------
        ArgumentError
            If the baseline lies beyond the Nyquist velocity.
        """
        most_m_s = nyquist_m_s * self.correction
        if abs(self.baseline_m_s) > most_m_s and not self.is_dealiased:
            raise ArgumentError(
                f"baseline_m_s of {self.baseline_m_s:g} lies beyond the Nyquist velocity of "
                f"{most_m_s:.4g} m/s: take a smaller one or a higher PRF"
            )
        limit_m_s = most_m_s if self.limit_m_s is None else self.limit_m_s
        return self.baseline_m_s - limit_m_s, self.baseline_m_s + limit_m_s

    def describe(self) -> str:
        """Return the setting as text."""
        limit = "Nyquist" if self.limit_m_s is None else f"{self.limit_m_s:g} m/s"
        return (
            f"{self.baseline_m_s:g} m/s ± {limit}"
            + (f", corrected for {math.degrees(self.angle_rad):.3g}°" if self.angle_rad else "")
            + (", dealiased" if self.is_dealiased else "")
            + (", inverted" if self.is_inverted else "")
        )
