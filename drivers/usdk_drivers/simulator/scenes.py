"""What lies in front of a simulated probe: point scatterers, some of which move."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.probe import ArrayKind, Probe
from usdk_drivers.simulator.lesions import Lesion, lesion_row, tissue_with_lesions

__all__ = ["Scatterers", "Scene", "SceneName", "lesions_of", "make_scene", "still_scene"]

N_SPECKLE_SCATTERERS = 24_000
_NEAR_M = 2e-3
_LINEAR_DEPTH_M = 56e-3
_SECTOR_DEPTH_M = 150e-3
# Features are laid out on a ground this many units deep.
_UNITS = 56
_PHASED_HALF_ANGLE_RAD = math.radians(42.0)
# Amplitudes, one scatterer of plain tissue being 1 on average.
_WIRE = 25.0
_BRIGHT = 4.0
# A vessel's radius beats by this part of it; tissue farther than this many radii stands still.
_BEAT = 0.12
_REACH = 2.4
# Scatterers of the bright lesion in a focus of the phased array add up to 1.8 times the greatest.
_LESION_HEADROOM = 3.0


class SceneName(StrEnum):
    """Scenes that can be asked for."""

    PHANTOM = "phantom"
    POINTS = "points"
    CYST = "cyst"
    SPECKLE = "speckle"
    LESIONS = "lesions"


@dataclass(frozen=True)
class Scatterers:
    """Positions (n, 3) float32 in m, and amplitudes (n,) float32."""

    positions_m: NDArray[np.float32]
    amplitudes: NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """Scatterers that stand still, and those that move with a phase from 0 to 1.

    Positions are periodic in the phase. ``peak_amplitude`` fixes the gain: the greatest of all
    amplitudes, and more where so many scatterers share a focus that they add up to more.
    """

    still: Scatterers
    moving: Callable[[float], Scatterers]
    moves: bool
    peak_amplitude: float


@dataclass(frozen=True)
class _Disc:
    """A round thing in the image plane, m."""

    x_m: float
    z_m: float
    radius_m: float

    def distance_m(self, positions_m: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.hypot(positions_m[:, 0] - self.x_m, positions_m[:, 2] - self.z_m)

    def holds(self, positions_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        return self.distance_m(positions_m) < self.radius_m


def make_scene(name: SceneName, probe: Probe, seed: int) -> Scene:
    """Return a scene that fills the probe's view; the same seed gives the same scatterers."""
    if name is SceneName.POINTS:
        return still_scene(*_wires(probe))
    random, unit_m = np.random.default_rng(seed), _unit_m(probe)
    if name is SceneName.LESIONS:
        tissue = tissue_with_lesions(unit_m, N_SPECKLE_SCATTERERS, random)
        return still_scene(*tissue, headroom=_LESION_HEADROOM)
    positions_m, amplitudes = _tissue(probe, random)
    if name is SceneName.SPECKLE:
        return still_scene(positions_m, amplitudes)
    if name is SceneName.CYST:
        inside = _Disc(0.0, 25 * unit_m, 5 * unit_m).holds(positions_m)
        return still_scene(positions_m[~inside], amplitudes[~inside])
    return _phantom(positions_m, amplitudes, probe, unit_m)


def lesions_of(probe: Probe) -> tuple[Lesion, ...]:
    """Return the lesions of the scene of that name in front of a probe."""
    return lesion_row(_unit_m(probe))


def still_scene(
    positions_m: NDArray[np.floating], amplitudes: NDArray[np.floating], *, headroom: float = 1.0
) -> Scene:
    """Return a scene of scatterers at (n, 3), m, that stand still.

    ``headroom`` lowers the gain by that much.
    """
    nothing = _scatterers(np.empty((0, 3)), np.empty(0))
    return Scene(
        still=_scatterers(positions_m, amplitudes),
        moving=lambda phase: nothing,
        moves=False,
        peak_amplitude=headroom * float(np.abs(amplitudes).max()),
    )


def _phantom(
    positions_m: NDArray[np.float64],
    amplitudes: NDArray[np.float64],
    probe: Probe,
    unit_m: float,
) -> Scene:
    """Return tissue with a beating vessel, a cyst, a bright inclusion and two rows of wires."""
    vessel = _Disc(-7 * unit_m, 24 * unit_m, 4 * unit_m)
    cyst = _Disc(4 * unit_m, 13 * unit_m, 2 * unit_m)
    bright = _Disc(8 * unit_m, 28 * unit_m, 3.5 * unit_m)
    amplitudes = np.where(bright.holds(positions_m), _BRIGHT, 1.0) * amplitudes
    wires_m = np.array([(0.0, z) for z in (8, 16, 24, 32, 40)] + [(x, 36) for x in (-9, -6, 6, 9)])
    positions_m = np.vstack((positions_m, _in_plane(wires_m * unit_m)))
    amplitudes = np.append(amplitudes, np.full(len(wires_m), _WIRE))
    is_tissue = ~(vessel.holds(positions_m) | cyst.holds(positions_m))
    positions_m, amplitudes = positions_m[is_tissue], amplitudes[is_tissue]
    near = vessel.distance_m(positions_m) < _REACH * vessel.radius_m
    around_m, around = positions_m[near], amplitudes[near].astype(np.float32)

    def moving(phase: float) -> Scatterers:
        beat = _BEAT * math.sin(2 * math.pi * phase)
        return Scatterers(_displaced(around_m, vessel, beat), around)

    return Scene(
        still=_scatterers(positions_m[~near], amplitudes[~near]),
        moving=moving,
        moves=True,
        peak_amplitude=float(np.abs(amplitudes).max()),
    )


def _displaced(positions_m: NDArray[np.float64], vessel: _Disc, beat: float) -> NDArray[np.float32]:
    """Push tissue out of the vessel's way: incompressible near it, not at all at its reach."""
    centre_m = np.array([vessel.x_m, 0.0, vessel.z_m])
    distance_m = vessel.distance_m(positions_m)
    radii = distance_m / vessel.radius_m
    fade = np.clip((_REACH - radii) / (_REACH - 1), 0.0, 1.0)
    push_m = beat * vessel.radius_m / radii * fade
    away = (positions_m - centre_m) / distance_m[:, np.newaxis]
    moved_m: NDArray[np.float32] = (positions_m + push_m[:, np.newaxis] * away).astype(np.float32)
    return moved_m


def _tissue(
    probe: Probe, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scatterers spread evenly over the probe's view, with Gaussian amplitudes."""
    n = N_SPECKLE_SCATTERERS
    side = random.uniform(-1, 1, n)
    share = random.random(n)
    amplitudes = random.standard_normal(n)
    depth_m = _depth_m(probe)
    if probe.kind in (ArrayKind.LINEAR, ArrayKind.MATRIX, ArrayKind.OTHER):
        half_m = float(np.ptp(probe.element_positions_m[:, 0])) / 2
        plane = np.column_stack((side * half_m, _NEAR_M + share * (depth_m - _NEAR_M)))
        return _in_plane(plane), amplitudes
    half_rad, face_m = _PHASED_HALF_ANGLE_RAD, 0.0
    if probe.kind is ArrayKind.CURVED:
        half_rad = float(np.abs(np.arctan2(*probe.element_normals[:, [0, 2]].T)).max())
        face_m = probe.radius_m
    # Evenly in area: the squared radius is uniform.
    near_m, far_m = face_m + _NEAR_M, face_m + depth_m
    radius_m = np.sqrt(near_m**2 + share * (far_m**2 - near_m**2))
    angle_rad = side * half_rad
    plane = np.column_stack((radius_m * np.sin(angle_rad), radius_m * np.cos(angle_rad) - face_m))
    return _in_plane(plane), amplitudes


def _wires(probe: Probe) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    unit_m = _unit_m(probe)
    plane = np.array([(x, z) for z in (10.0, 20.0, 30.0, 40.0) for x in (-8.0, 0.0, 8.0)]) * unit_m
    return _in_plane(plane), np.full(len(plane), _WIRE)


def _depth_m(probe: Probe) -> float:
    flat = probe.kind in (ArrayKind.LINEAR, ArrayKind.MATRIX, ArrayKind.OTHER)
    return _LINEAR_DEPTH_M if flat else _SECTOR_DEPTH_M


def _unit_m(probe: Probe) -> float:
    return _depth_m(probe) / _UNITS


def _in_plane(x_and_z_m: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.insert(x_and_z_m, 1, 0.0, axis=1)


def _scatterers(positions_m: NDArray[np.floating], amplitudes: NDArray[np.floating]) -> Scatterers:
    return Scatterers(positions_m.astype(np.float32), amplitudes.astype(np.float32))
