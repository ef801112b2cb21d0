"""A vessel with flow in it, whose velocity is known at every point and time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk_drivers.simulator.half_cosines import HalfCosines
from usdk_drivers.simulator.parameters import finite, positive

__all__ = ["Vessel", "Waveform"]

# A common carotid's beat in outline: systole at an eighth, an incisura, a wave after it, diastole.
_CAROTID = HalfCosines((0.0, 0.12, 0.34, 0.44, 1.0), (0.0, 1.0, 0.22, 0.38, 0.0))
_DISTENSION = HalfCosines((0.0, 0.18, 1.0), (0.0, 1.0, 0.0))
# Tissue farther from the axis than this many radii stands still.
_REACH = 2.0
_MOST_DISTENSION = 0.5


class Waveform(StrEnum):
    """How the flow goes with time."""

    CAROTID = "carotid"
    STEADY = "steady"


@dataclass(frozen=True, kw_only=True)
class Vessel:
    r"""A straight vessel in the image plane, and the truth about what moves in it.

    With s along the axis, r from it, the radius R(t) and ρ = r / R(t), blood moves by

    .. math::
        v_s = v_0(t) (1 - \rho^n), \qquad v_r = \rho\, \mathrm{d}R / \mathrm{d}t

    and the tissue around it, at r0 in diastole, by dR/dt times a factor that falls linearly from 1
    at the wall to 0 at two radii from the axis. Nothing moves out of the image plane.

    Parameters
    ----------
    angle_deg : float
        Angle between the flow and the direction towards the probe, 0 to 180: below 90 blood comes
        nearer, with the velocity v cos(angle) along a beam straight down.
    depth_m : float
        Depth of the axis at x = 0, m.
    radius_m : float
        In diastole, m.
    waveform : Waveform or str
        ``carotid`` beats; ``steady`` keeps ``psv_m_s``, and the wall stands still.
    psv_m_s, edv_m_s : float
        Velocity on the axis at its greatest and at the end of diastole, m/s.
    heart_rate_hz : float
        Beats per second; each begins in the end of diastole.
    start_phase : float
        What part of a beat has passed at time 0, 0 to 1: 0.12 is systole's peak.
    profile_exponent : float
        n: 2 for Poiseuille's parabola, more for a blunter profile.
    wall_displacement_m : float
        By how much the radius grows in systole, m.
    blood_db : float
        Mean power of echoes from blood over that from tissue, dB.
    length_m : float
        Length, half of it on either side of x = 0, of the stretch whose blood echoes, m; beyond it
        the lumen is black. A short one is computed faster; infinite when absent.

    Raises
    ------
    ArgumentError
        If a parameter is out of range.

    Notes
    -----
    v0 rises from EDV to PSV in 0.12 of a beat, falls to EDV + 0.22 (PSV − EDV) at 0.34, rises to
    0.38 of the way at 0.44 and falls back, each time along half a cosine; its mean is EDV + 0.3306
    (PSV − EDV). The radius grows in 0.18 of a beat and shrinks in the rest. Points are (..., 3) in
    the probe's coordinates, m; times are seconds on the device's clock.
    """

    angle_deg: float = 60.0
    depth_m: float = 20e-3
    radius_m: float = 3e-3
    waveform: Waveform = Waveform.CAROTID
    psv_m_s: float = 0.8
    edv_m_s: float = 0.2
    heart_rate_hz: float = 1.2
    start_phase: float = 0.0
    profile_exponent: float = 2.0
    wall_displacement_m: float = 0.2e-3
    blood_db: float = -20.0
    length_m: float = math.inf

    def __post_init__(self) -> None:
        for name in ("depth_m", "radius_m", "heart_rate_hz", "profile_exponent"):
            object.__setattr__(self, name, positive(getattr(self, name), name))
        for name in ("angle_deg", "psv_m_s", "edv_m_s", "start_phase", "wall_displacement_m"):
            object.__setattr__(self, name, finite(getattr(self, name), name))
        object.__setattr__(self, "blood_db", finite(self.blood_db, "blood_db"))
        length_m = positive(self.length_m, "length_m", or_infinite=True)
        object.__setattr__(self, "length_m", length_m)
        if self.waveform not in set(Waveform):
            raise ArgumentError(f"waveform {self.waveform!r} is not one of {', '.join(Waveform)}")
        object.__setattr__(self, "waveform", Waveform(self.waveform))
        for name, most in (("angle_deg", 180.0), ("start_phase", 1.0)):
            if not 0 <= getattr(self, name) <= most:
                raise ArgumentError(f"{name} must be 0 to {most:g}, got {getattr(self, name):g}")
        least_m_s = 0.0 if self.waveform is Waveform.STEADY else abs(self.edv_m_s)
        if not self.psv_m_s >= least_m_s:
            raise ArgumentError(
                f"psv_m_s must be at least {least_m_s:g} (edv_m_s and 0), got {self.psv_m_s:g}; "
                "angle_deg above 90 turns the flow"
            )
        if not 0 <= self.wall_displacement_m <= _MOST_DISTENSION * self.radius_m:
            raise ArgumentError(
                f"wall_displacement_m must be 0 to {_MOST_DISTENSION:g} of radius_m, "
                f"got {self.wall_displacement_m:g}"
            )

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector (3,) of the flow."""
        angle_rad = math.radians(self.angle_deg)
        return np.array([math.sin(angle_rad), 0.0, -math.cos(angle_rad)])

    @property
    def mean_m_s(self) -> float:
        """Mean of v0 over a beat, m/s."""
        if self.waveform is Waveform.STEADY:
            return self.psv_m_s
        return self.edv_m_s + (self.psv_m_s - self.edv_m_s) * _CAROTID.mean

    @property
    def greatest_wall_velocity_m_s(self) -> float:
        """Greatest magnitude of dR/dt, m/s."""
        return self._distension_m * self.heart_rate_hz * _DISTENSION.steepest

    def phase(self, time_s: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return how many beats have passed, `start_phase` at time 0."""
        return np.asarray(np.multiply(time_s, self.heart_rate_hz) + self.start_phase)

    def axis_velocity_m_s(self, time_s: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return v0, m/s, of the shape of the times."""
        time_s = np.asarray(time_s, np.float64)
        if self.waveform is Waveform.STEADY:
            return np.full(time_s.shape, self.psv_m_s)
        rise_m_s = self.psv_m_s - self.edv_m_s
        return self.edv_m_s + rise_m_s * _CAROTID.value(self.phase(time_s))

    def axis_displacement_m(self, time_s: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return how far blood on the axis has come since time 0, m."""
        time_s = np.asarray(time_s, np.float64)
        if self.waveform is Waveform.STEADY:
            return np.asarray(self.psv_m_s * time_s)
        beats = _CAROTID.integral(self.phase(time_s)) - _CAROTID.integral(self.start_phase)
        rise_m_s = self.psv_m_s - self.edv_m_s
        return np.asarray(self.edv_m_s * time_s + rise_m_s * beats / self.heart_rate_hz)

    def radius_at_m(self, time_s: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return R, m."""
        return self.radius_m + self._distension_m * _DISTENSION.value(self.phase(time_s))

    def wall_velocity_m_s(self, time_s: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return dR/dt, m/s."""
        slope = _DISTENSION.slope(self.phase(time_s))
        return self._distension_m * self.heart_rate_hz * slope

    def profile(self, relative_radius: NDArray[Any] | float) -> NDArray[np.float64]:
        """Return the velocity over that on the axis, for |r| / R; 0 outside."""
        return np.clip(1 - np.abs(relative_radius) ** self.profile_exponent, 0.0, None)

    def offset_m(self, points_m: NDArray[Any]) -> NDArray[np.float64]:
        """Return the signed distance from the axis, (...) m, positive on its far side."""
        x_m, z_m = self._in_plane(points_m)
        return np.asarray(x_m * -self.direction[2] + (z_m - self.depth_m) * self.direction[0])

    def along_m(self, points_m: NDArray[Any]) -> NDArray[np.float64]:
        """Return the distance (...) along the axis from x = 0, m, positive downstream."""
        x_m, z_m = self._in_plane(points_m)
        return np.asarray(x_m * self.direction[0] + (z_m - self.depth_m) * self.direction[2])

    def holds(self, points_m: NDArray[Any], time_s: NDArray[Any] | float = 0.0) -> NDArray[Any]:
        """Tell which points are in blood, (...) bool."""
        return np.asarray(np.abs(self.offset_m(points_m)) < self.radius_at_m(time_s))

    def velocity_m_s(
        self, points_m: NDArray[Any], time_s: NDArray[Any] | float
    ) -> NDArray[np.float64]:
        """Return the velocity (..., 3), m/s, at points (..., 3), of blood or tissue.

        ``time_s`` is a number, or broadcasts against the points' leading shape.
        """
        offset_m = self.offset_m(points_m)
        radius_m, wall_m_s = self.radius_at_m(time_s), self.wall_velocity_m_s(time_s)
        distance_m = np.abs(offset_m)
        along_m_s = self.axis_velocity_m_s(time_s) * self.profile(distance_m / radius_m)
        at_rest_m = self._at_rest_m(distance_m, radius_m - self.radius_m)
        share = np.where(distance_m < radius_m, distance_m / radius_m, self._fade(at_rest_m))
        away_m_s = np.sign(offset_m) * share * wall_m_s
        return np.asarray(
            along_m_s[..., np.newaxis] * self.direction + away_m_s[..., np.newaxis] * self._across
        )

    def beam_velocity_m_s(
        self,
        points_m: NDArray[Any],
        time_s: NDArray[Any] | float,
        towards: tuple[float, float, float] = (0.0, 0.0, -1.0),
    ) -> NDArray[np.float64]:
        """Return the velocity along a unit vector towards the probe, (...) m/s: Doppler's sign."""
        return np.asarray(self.velocity_m_s(points_m, time_s) @ np.array(towards))

    def tissue_at_m(self, at_rest_m: NDArray[Any], time_s: float) -> NDArray[np.float64]:
        """Return where tissue (n, 3) is that lies at such points in diastole, m."""
        offset_m = self.offset_m(at_rest_m)
        grown_m = self.radius_at_m(time_s) - self.radius_m
        push_m = np.sign(offset_m) * self._fade(np.abs(offset_m)) * grown_m
        return np.asarray(at_rest_m + push_m[..., np.newaxis] * self._across)

    def moves_tissue(self, at_rest_m: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which tissue the wall moves at all, (...) bool."""
        if not self._distension_m:
            return np.zeros(at_rest_m.shape[:-1], np.bool_)
        return np.asarray(self._fade(np.abs(self.offset_m(at_rest_m))) > 0)

    def point_m(self, along_m: NDArray[Any], offset_m: NDArray[Any]) -> NDArray[np.float64]:
        """Return points (..., 3) m so far along the axis from x = 0, and so far off it."""
        foot_m = np.array([0.0, 0.0, self.depth_m])
        along = np.asarray(along_m)[..., np.newaxis] * self.direction
        return np.asarray(foot_m + along + np.asarray(offset_m)[..., np.newaxis] * self._across)

    @property
    def _distension_m(self) -> float:
        return 0.0 if self.waveform is Waveform.STEADY else self.wall_displacement_m

    @property
    def _across(self) -> NDArray[np.float64]:
        """Unit vector away from the axis, to its far side."""
        return np.array([-self.direction[2], 0.0, self.direction[0]])

    def _fade(self, at_rest_m: NDArray[Any]) -> NDArray[np.float64]:
        """Return by what part of the wall's displacement tissue is displaced."""
        return np.clip((_REACH - at_rest_m / self.radius_m) / (_REACH - 1), 0.0, 1.0)

    def _at_rest_m(self, distance_m: NDArray[Any], grown_m: NDArray[Any]) -> NDArray[np.float64]:
        """Return from how far tissue came that is now so far from the axis."""
        span_m = (_REACH - 1) * self.radius_m
        moved_m = (distance_m - grown_m * _REACH / (_REACH - 1)) / (1 - grown_m / span_m)
        return np.where(distance_m < _REACH * self.radius_m, moved_m, distance_m)

    def _in_plane(self, points_m: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        points_m = np.asarray(points_m, np.float64)
        return points_m[..., 0], points_m[..., 2]
