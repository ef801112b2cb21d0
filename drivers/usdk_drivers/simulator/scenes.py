"""The scenes that can be put in front of a simulated probe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk_drivers.simulator.disk import Disk
from usdk_drivers.simulator.flow_scenes import disk_scene, vessel_scene
from usdk_drivers.simulator.lesions import Lesion, lesion_row, tissue_with_lesions
from usdk_drivers.simulator.scene import Scatterers, Scene, scatterers, still_scene
from usdk_drivers.simulator.tissue import N_SPECKLE_SCATTERERS, View, in_plane
from usdk_drivers.simulator.vessel import Vessel

__all__ = [
    "TRUTHS",
    "Scatterers",
    "Scene",
    "SceneName",
    "Truth",
    "lesions_of",
    "make_scene",
    "still_scene",
]

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
    VESSEL = "vessel"
    DISK = "disk"


Truth = Vessel | Disk
"""What is known of a scene that flows."""

TRUTHS: dict[SceneName, type[Vessel] | type[Disk]] = {
    SceneName.VESSEL: Vessel,
    SceneName.DISK: Disk,
}
"""The scenes that move with time, and what their options belong to."""


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


def make_scene(name: SceneName, probe: Probe, seed: int, truth: Truth | None = None) -> Scene:
    """Return a scene that fills the probe's view; the same seed gives the same scatterers.

    Parameters
    ----------
    name : SceneName
        Which.
    probe : Probe
        What looks at it.
    seed : int
        Of the scatterers.
    truth : Vessel or Disk, optional
        What moves in the scene of that name; the default one when absent.

    Raises
    ------
    ArgumentError
        If the truth belongs to another scene, or is out of the probe's view.
    """
    random, view = np.random.default_rng(seed), View.of(probe)
    if truth is not None and type(truth) is not TRUTHS.get(name):
        raise ArgumentError(f"the scene {name} has no {type(truth).__name__}")
    if name is SceneName.VESSEL:
        return vessel_scene(truth if isinstance(truth, Vessel) else Vessel(), probe, random)
    if name is SceneName.DISK:
        return disk_scene(truth if isinstance(truth, Disk) else Disk(), probe, random)
    if name is SceneName.POINTS:
        return still_scene(*_wires(view))
    if name is SceneName.LESIONS:
        tissue = tissue_with_lesions(view.unit_m, N_SPECKLE_SCATTERERS, random)
        return still_scene(*tissue, headroom=_LESION_HEADROOM)
    positions_m, amplitudes = view.tissue(random)
    if name is SceneName.SPECKLE:
        return still_scene(positions_m, amplitudes)
    if name is SceneName.CYST:
        inside = _Disc(0.0, 25 * view.unit_m, 5 * view.unit_m).holds(positions_m)
        return still_scene(positions_m[~inside], amplitudes[~inside])
    return _phantom(positions_m, amplitudes, view.unit_m)


def lesions_of(probe: Probe) -> tuple[Lesion, ...]:
    """Return the lesions of the scene of that name in front of a probe."""
    return lesion_row(View.of(probe).unit_m)


def _phantom(
    positions_m: NDArray[np.float64],
    amplitudes: NDArray[np.float64],
    unit_m: float,
) -> Scene:
    """Return tissue with a beating vessel, a cyst, a bright inclusion and two rows of wires."""
    vessel = _Disc(-7 * unit_m, 24 * unit_m, 4 * unit_m)
    cyst = _Disc(4 * unit_m, 13 * unit_m, 2 * unit_m)
    bright = _Disc(8 * unit_m, 28 * unit_m, 3.5 * unit_m)
    amplitudes = np.where(bright.holds(positions_m), _BRIGHT, 1.0) * amplitudes
    wires_m = np.array([(0.0, z) for z in (8, 16, 24, 32, 40)] + [(x, 36) for x in (-9, -6, 6, 9)])
    positions_m = np.vstack((positions_m, in_plane(wires_m * unit_m)))
    amplitudes = np.append(amplitudes, np.full(len(wires_m), _WIRE))
    is_tissue = ~(vessel.holds(positions_m) | cyst.holds(positions_m))
    positions_m, amplitudes = positions_m[is_tissue], amplitudes[is_tissue]
    near = vessel.distance_m(positions_m) < _REACH * vessel.radius_m
    around_m, around = positions_m[near], amplitudes[near].astype(np.float32)

    def moving(phase: float) -> Scatterers:
        beat = _BEAT * math.sin(2 * math.pi * phase)
        return Scatterers(_displaced(around_m, vessel, beat), around)

    return Scene(
        still=scatterers(positions_m[~near], amplitudes[~near]),
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


def _wires(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    grid = [(x, z) for z in (10.0, 20.0, 30.0, 40.0) for x in (-8.0, 0.0, 8.0)]
    return in_plane(np.array(grid) * view.unit_m), np.full(len(grid), _WIRE)
