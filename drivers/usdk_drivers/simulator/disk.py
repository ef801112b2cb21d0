"""A disk that turns, whose velocity is known at every point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk_drivers.simulator.parameters import finite, positive

__all__ = ["Disk"]


@dataclass(frozen=True, kw_only=True)
class Disk:
    r"""A disk in the image plane that turns about its centre, and the truth about it.

    .. math:: v_x = -\omega (z - z_0), \qquad v_z = \omega (x - x_0)

    so that the velocity towards the probe grows linearly with x, by −ω, and not with depth.

    Parameters
    ----------
    x_m, depth_m : float
        Its centre, m.
    radius_m : float
        m.
    angular_velocity_rad_s : float
        ω: with a positive one the side of positive x goes down, rad/s.

    Raises
    ------
    ArgumentError
        If a parameter is out of range.
    """

    x_m: float = 0.0
    depth_m: float = 20e-3
    radius_m: float = 6e-3
    angular_velocity_rad_s: float = 50.0

    def __post_init__(self) -> None:
        for name in ("x_m", "angular_velocity_rad_s"):
            object.__setattr__(self, name, finite(getattr(self, name), name))
        for name in ("depth_m", "radius_m"):
            object.__setattr__(self, name, positive(getattr(self, name), name))

    def holds(self, points_m: NDArray[Any], time_s: NDArray[Any] | float = 0.0) -> NDArray[Any]:
        """Tell which points (..., 3) are in the disk, (...) bool."""
        x_m, z_m = self._about_centre(points_m)
        return np.asarray(np.hypot(x_m, z_m) < self.radius_m)

    def velocity_m_s(
        self, points_m: NDArray[Any], time_s: NDArray[Any] | float = 0.0
    ) -> NDArray[np.float64]:
        """Return the velocity (..., 3), m/s, at points (..., 3) m; 0 outside of the disk."""
        x_m, z_m = self._about_centre(points_m)
        turning = np.where(self.holds(points_m), self.angular_velocity_rad_s, 0.0)
        return np.stack((-turning * z_m, 0.0 * x_m, turning * x_m), axis=-1)

    def beam_velocity_m_s(
        self,
        points_m: NDArray[Any],
        time_s: NDArray[Any] | float = 0.0,
        towards: tuple[float, float, float] = (0.0, 0.0, -1.0),
    ) -> NDArray[np.float64]:
        """Return the velocity along a unit vector towards the probe, (...) m/s: Doppler's sign."""
        return np.asarray(self.velocity_m_s(points_m, time_s) @ np.array(towards))

    def point_m(
        self, radius_m: NDArray[np.float64], angle_rad: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return points (n, 3) at distances from the centre, m, and angles from +x towards +z."""
        x_m = self.x_m + radius_m * np.cos(angle_rad)
        z_m = self.depth_m + radius_m * np.sin(angle_rad)
        return np.stack((x_m, np.zeros_like(x_m), z_m), axis=-1)

    def _about_centre(self, points_m: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        points_m = np.asarray(points_m, np.float64)
        return points_m[..., 0] - self.x_m, points_m[..., 2] - self.depth_m
