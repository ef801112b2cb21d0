"""Tissue that fills the view of a simulated probe."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.probe import ArrayKind, Probe

__all__ = ["N_SPECKLE_SCATTERERS", "View", "in_plane"]

N_SPECKLE_SCATTERERS = 24_000
_NEAR_M = 2e-3
_LINEAR_DEPTH_M = 56e-3
_SECTOR_DEPTH_M = 150e-3
_PHASED_HALF_ANGLE_RAD = math.radians(42.0)
# Features are laid out on a ground this many units deep.
_UNITS = 56


@dataclass(frozen=True)
class View:
    """The part of the image plane that a probe sees.

    In front of a flat array a rectangle as wide as the array; in front of others a sector about
    the centre of curvature, or about the centre of a phased array.
    """

    depth_m: float
    half_width_m: float = 0.0
    half_angle_rad: float = 0.0
    face_m: float = 0.0

    @classmethod
    def of(cls, probe: Probe) -> View:
        """Return a probe's view."""
        if probe.kind in (ArrayKind.LINEAR, ArrayKind.MATRIX, ArrayKind.OTHER):
            half_m = float(np.ptp(probe.element_positions_m[:, 0])) / 2
            return cls(_LINEAR_DEPTH_M, half_width_m=half_m)
        half_rad, face_m = _PHASED_HALF_ANGLE_RAD, 0.0
        if probe.kind is ArrayKind.CURVED:
            half_rad = float(np.abs(np.arctan2(*probe.element_normals[:, [0, 2]].T)).max())
            face_m = probe.radius_m
        return cls(_SECTOR_DEPTH_M, half_angle_rad=half_rad, face_m=face_m)

    @property
    def unit_m(self) -> float:
        """Unit of length in which features are laid out."""
        return self.depth_m / _UNITS

    @property
    def area_m2(self) -> float:
        """Area that tissue fills."""
        if self.half_width_m:
            return 2 * self.half_width_m * (self.depth_m - _NEAR_M)
        near_m, far_m = self._radii_m
        return self.half_angle_rad * (far_m**2 - near_m**2)

    def tissue(
        self, random: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return scatterers spread evenly over the view, with Gaussian amplitudes."""
        n = N_SPECKLE_SCATTERERS
        side = random.uniform(-1, 1, n)
        share = random.random(n)
        amplitudes = random.standard_normal(n)
        if self.half_width_m:
            z_m = _NEAR_M + share * (self.depth_m - _NEAR_M)
            return in_plane(np.column_stack((side * self.half_width_m, z_m))), amplitudes
        # Evenly in area: the squared radius is uniform.
        near_m, far_m = self._radii_m
        radius_m = np.sqrt(near_m**2 + share * (far_m**2 - near_m**2))
        angle_rad = side * self.half_angle_rad
        z_m = radius_m * np.cos(angle_rad) - self.face_m
        return in_plane(np.column_stack((radius_m * np.sin(angle_rad), z_m))), amplitudes

    def margin_m(self, positions_m: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance (...) from points (..., 3) to the view's edge, negative outside."""
        x_m, z_m = positions_m[..., 0], positions_m[..., 2]
        if self.half_width_m:
            ends_m = np.minimum(z_m - _NEAR_M, self.depth_m - z_m)
            return np.minimum(self.half_width_m - np.abs(x_m), ends_m)
        near_m, far_m = self._radii_m
        radius_m = np.hypot(x_m, z_m + self.face_m)
        angle_rad = np.abs(np.arctan2(x_m, z_m + self.face_m))
        ends_m = np.minimum(radius_m - near_m, far_m - radius_m)
        return np.minimum((self.half_angle_rad - angle_rad) * radius_m, ends_m)

    @property
    def _radii_m(self) -> tuple[float, float]:
        return self.face_m + _NEAR_M, self.face_m + self.depth_m


def in_plane(x_and_z_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 3) m for (n, 2) in the image plane."""
    return np.insert(x_and_z_m, 1, 0.0, axis=1)
