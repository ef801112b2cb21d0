"""Scenes whose scatterers move with time as a truth says, each transmit at its own time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk_drivers.simulator.disk import Disk
from usdk_drivers.simulator.scene import Scatterers, Scene, nothing, scatterers
from usdk_drivers.simulator.tissue import N_SPECKLE_SCATTERERS, View
from usdk_drivers.simulator.vessel import Vessel

__all__ = ["disk_scene", "vessel_scene"]

# Scatterers are equally strong: of n in a resolution cell, whose number is Poisson's, the second
# moment of the power exceeds Rayleigh's 2 by <a^4> / <a^2>^2 / n, which is then least. So many of
# them bring the envelope's mean over its standard deviation to 1.8, where endless ones give 1.91.
PER_SQUARE_WAVELENGTH = 2.5
MOST_FLOWING = 100_000
"""A very large vessel or disk is thinned to so many scatterers."""

# Some five equal scatterers share a focus, and add up to this many at most.
_HEADROOM = 8.0
_SOUND_SPEED_M_S = 1540.0
# At the edge of the view, where blood enters and leaves, echoes fade over this length.
_FADE_M = 1e-3
# Of its life in a cine a scatterer fades in and out so long; the root of its mean power.
_BIRTH = 0.1
_MEAN_PRESENCE = math.sqrt(1 - _BIRTH * 4 / 3)
# The wall's layer of strong echoes.
_WALL_M = 0.5e-3
_WALL_AMPLITUDE = 2.5
# The axis is followed so far, in steps of a fifth of a millimetre.
_FARTHEST_M = 0.4


def vessel_scene(vessel: Vessel, probe: Probe, random: np.random.Generator) -> Scene:
    """Return a vessel in tissue; `ArgumentError` if the probe does not see it."""
    view = View.of(probe)
    first_m, last_m = _stretch_m(vessel, view)
    positions_m, amplitudes = view.tissue(random)
    tissue = ~vessel.holds(positions_m)
    positions_m, amplitudes = positions_m[tissue], amplitudes[tissue]
    wall = np.abs(vessel.offset_m(positions_m)) < vessel.radius_m + _WALL_M
    amplitudes = np.where(wall, _WALL_AMPLITUDE, 1.0) * amplitudes
    beats = vessel.moves_tissue(positions_m)
    around_m, around = positions_m[beats], amplitudes[beats]

    tissue_peak = np.abs(amplitudes).max(initial=0.0)

    length_m = last_m - first_m
    n = _number(length_m * 2 * vessel.radius_m, probe)
    start_m = random.uniform(0, length_m, n)
    relative_radius = random.uniform(-1, 1, n)
    share = vessel.profile(relative_radius)
    density_over_tissue = n / (length_m * 2 * vessel.radius_m) / _tissue_per_m2(view)
    blood = _speckle(n, vessel.blood_db, density_over_tissue, random)
    born = random.random(n)

    def flowing(time_s: float, repeat_s: float = math.inf) -> Scatterers:
        way_m, present = vessel.axis_displacement_m(time_s), np.ones(n)
        if repeat_s < math.inf:
            way_m, present = _since_birth(vessel, time_s, repeat_s, born)
        come_m = start_m + share * way_m
        offset_m = relative_radius * vessel.radius_at_m(time_s)
        blood_m = vessel.point_m(first_m + np.mod(come_m, length_m), offset_m)
        ends_m = vessel.length_m / 2 - np.abs(vessel.along_m(blood_m))
        level = np.clip(np.minimum(view.margin_m(blood_m), ends_m) / _FADE_M, 0.0, 1.0)
        seen = level > 0
        return scatterers(
            np.vstack((vessel.tissue_at_m(around_m, time_s), blood_m[seen])),
            np.append(around, (present * level * blood)[seen]),
        )

    return Scene(
        still=scatterers(positions_m[~beats], amplitudes[~beats]),
        moving=nothing,
        moves=True,
        peak_amplitude=float(max(tissue_peak, _HEADROOM * np.abs(blood).max())),
        flowing=flowing,
    )


def disk_scene(disk: Disk, probe: Probe, random: np.random.Generator) -> Scene:
    """Return a rotating disk in water; `ArgumentError` if the probe does not see all of it."""
    view = View.of(probe)
    angle_rad = np.linspace(0, 2 * math.pi, 64)
    if np.any(view.margin_m(disk.point_m(np.full(64, disk.radius_m), angle_rad)) < 0):
        raise ArgumentError(
            f"the disk does not fit the view of {probe.name}: choose x_m, depth_m and radius_m "
            f"within {view.depth_m * 1e3:g} mm of depth"
        )
    area_m2 = math.pi * disk.radius_m**2
    n = _number(area_m2, probe)
    radius_m = disk.radius_m * np.sqrt(random.random(n))
    start_rad = random.uniform(0, 2 * math.pi, n)
    amplitudes = _speckle(n, 0.0, n / area_m2 / _tissue_per_m2(view), random)

    def flowing(time_s: float, repeat_s: float = math.inf) -> Scatterers:
        turned_rad = start_rad + disk.angular_velocity_rad_s * time_s
        return scatterers(disk.point_m(radius_m, turned_rad), amplitudes)

    return Scene(
        still=nothing(0.0),
        moving=nothing,
        moves=True,
        peak_amplitude=_HEADROOM * float(np.abs(amplitudes).max()),
        flowing=flowing,
    )


def _stretch_m(vessel: Vessel, view: View) -> tuple[float, float]:
    """Return from where to where along the axis blood is in view, m."""
    along_m = np.linspace(-_FARTHEST_M, _FARTHEST_M, 4001)
    edge_m = vessel.radius_m + vessel.wall_displacement_m
    offsets_m = np.linspace(-edge_m, edge_m, 9)
    points_m = vessel.point_m(along_m[:, np.newaxis], offsets_m)
    seen = np.flatnonzero((view.margin_m(points_m) > 0).any(axis=1))
    if not seen.size:
        raise ArgumentError(
            f"the vessel is out of view: depth_m is at most {view.depth_m:g}, got {vessel.depth_m}"
        )
    first, last = max(seen[0] - 1, 0), min(seen[-1] + 1, len(along_m) - 1)
    half_m = vessel.length_m / 2
    first_m, last_m = max(float(along_m[first]), -half_m), min(float(along_m[last]), half_m)
    if not first_m < last_m:
        raise ArgumentError("no blood is in view: ask for a greater length_m")
    return first_m, last_m


def _since_birth(
    vessel: Vessel, time_s: float, repeat_s: float, born: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the way on the axis since each scatterer's birth, m, and how far it is faded in.

    In a cine each scatterer lives as long as the cine lasts, from a time of its own on, and comes
    back to where it began while it is silent: blood never jumps, and the cine repeats.
    """
    age = np.mod(time_s / repeat_s + born, 1.0)
    birth_s = time_s - age * repeat_s
    way_m = vessel.axis_displacement_m(np.mod(birth_s, repeat_s))
    earlier_m = np.where(birth_s < 0, vessel.axis_displacement_m(repeat_s), 0.0)
    present = np.clip(np.minimum(age, 1 - age) / _BIRTH, 0.0, 1.0)
    return vessel.axis_displacement_m(time_s) - way_m + earlier_m, present / _MEAN_PRESENCE


def _number(area_m2: float, probe: Probe) -> int:
    wavelength_m = _SOUND_SPEED_M_S / probe.centre_frequency_hz
    n = PER_SQUARE_WAVELENGTH * area_m2 / wavelength_m**2
    return int(np.clip(math.ceil(n), 1, MOST_FLOWING))


def _tissue_per_m2(view: View) -> float:
    return N_SPECKLE_SCATTERERS / view.area_m2


def _speckle(
    n: int, level_db: float, density_over_tissue: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return amplitudes whose echoes have a mean power relative to plain tissue's."""
    strength = 10 ** (level_db / 20) / math.sqrt(density_over_tissue)
    return strength * random.choice((-1.0, 1.0), n)
