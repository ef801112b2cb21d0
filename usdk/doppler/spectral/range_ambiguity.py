"""RangeAmbiguity: which depths are heard at once when pulses follow each other fast."""

from __future__ import annotations

import math
from dataclasses import dataclass

from usdk.arguments import finite, positive
from usdk.errors import ArgumentError

__all__ = ["MAX_PULSES_BEHIND", "RangeAmbiguity"]

MAX_PULSES_BEHIND = 4096
"""Pulses that may be sent while an echo is on its way, at most."""


@dataclass(frozen=True, kw_only=True)
class RangeAmbiguity:
    r"""Echoes of the pulses before, which arrive together with those of the last one.

    A depth d is heard 2 d / c after its pulse. With a pulse every 1/PRF, whatever arrives at one
    time comes from all the depths

    .. math:: d_k = d + k\,\frac{c}{2\,\mathrm{PRF}}, \qquad k = 0, \pm 1, \pm 2, \ldots

    Up to c / (2 PRF) one of them alone lies in the body's reach of the first pulse. *High-PRF*
    Doppler looks deeper than that: velocities up to a multiple of the Nyquist velocity of the
    depth are measured, at the price of further gates, at known depths, that are heard too.

    Parameters
    ----------
    prf_hz : float
        Rate of the pulses, Hz.
    sound_speed_m_s : float
        c, m/s.
    blind_s : float
        Time from the start of a pulse during which nothing is received (pulse and switch), s.

    References
    ----------
    D. H. Evans, W. N. McDicken, "Doppler Ultrasound: Physics, Instrumentation and Signal
    Processing", 2nd ed., Wiley, 2000: chapter 5, high-PRF Doppler.
    """

    prf_hz: float
    sound_speed_m_s: float = 1540.0
    blind_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("prf_hz", "sound_speed_m_s"):
            object.__setattr__(self, name, positive(getattr(self, name), name))
        blind_s = finite(self.blind_s, "blind_s")
        if not 0 <= blind_s < 1 / self.prf_hz:
            raise ArgumentError(
                f"blind_s must be at least 0 and shorter than a pulse interval of "
                f"{1 / self.prf_hz:g} s, got {blind_s:g}"
            )
        object.__setattr__(self, "blind_s", blind_s)

    @property
    def spacing_m(self) -> float:
        """Distance between depths that are heard at once, c / (2 PRF), m."""
        return self.sound_speed_m_s / (2 * self.prf_hz)

    def n_pulses_behind(self, depth_m: float) -> int:
        """Return how many pulses are sent while the echo of a depth is on its way; 0 is usual."""
        return math.floor(self._depth_m(depth_m, "depth_m") / self.spacing_m)

    def is_high_prf(self, depth_m: float) -> bool:
        """Return whether a depth is heard only after the next pulse was sent."""
        return self.n_pulses_behind(depth_m) > 0

    def gates_m(self, depth_m: float, *, deepest_m: float | None = None) -> tuple[float, ...]:
        """Return every depth that is heard together with one, the shallowest first, m.

        Parameters
        ----------
        depth_m : float
            Where the main gate lies, m.
        deepest_m : float, optional
            Depth below which echoes are too weak to count, m; the main gate's own when absent.

        Raises
        ------
        ArgumentError
            If nothing is received while the main gate's echo arrives.
        """
        depth_m = self._depth_m(depth_m, "depth_m")
        self.require_heard(depth_m)
        deepest_m = depth_m if deepest_m is None else self._depth_m(deepest_m, "deepest_m")
        first_m = math.fmod(depth_m, self.spacing_m)
        n_gates = math.floor((max(deepest_m, depth_m) - first_m) / self.spacing_m + 1e-9) + 1
        places = (first_m + k * self.spacing_m for k in range(n_gates))
        return tuple(place_m for place_m in places if place_m > 0)

    def extra_gates_m(self, depth_m: float, *, deepest_m: float | None = None) -> tuple[float, ...]:
        """Return `gates_m` without the main gate."""
        return tuple(
            place_m
            for place_m in self.gates_m(depth_m, deepest_m=deepest_m)
            if abs(place_m - depth_m) > 1e-6 * self.spacing_m
        )

    def require_heard(self, depth_m: float, length_m: float = 0.0) -> None:
        """Raise `ArgumentError` if a gate's echo arrives while a pulse is sent."""
        depth_m, length_m = finite(depth_m, "depth_m"), finite(length_m, "length_m")
        half_m = length_m / 2
        wait_s = math.fmod(2 * (depth_m - half_m) / self.sound_speed_m_s, 1 / self.prf_hz)
        ends_s = wait_s + 2 * length_m / self.sound_speed_m_s
        if depth_m <= half_m or wait_s < self.blind_s or ends_s > 1 / self.prf_hz + 1e-12:
            other_hz = self.sound_speed_m_s / (2 * (depth_m + half_m)) * 0.99
            raise ArgumentError(
                f"the gate at {depth_m * 1e3:.4g} mm cannot be reached at a PRF of "
                f"{self.prf_hz:g} Hz: its echo arrives while a pulse is sent; take another PRF "
                f"(up to {other_hz:.4g} Hz nothing is ambiguous) or another depth"
            )

    def _depth_m(self, depth_m: float, name: str) -> float:
        depth_m = positive(depth_m, name)
        if depth_m > MAX_PULSES_BEHIND * self.spacing_m:
            raise ArgumentError(
                f"{name} is heard after more than {MAX_PULSES_BEHIND} pulses: give metres"
            )
        return depth_m
