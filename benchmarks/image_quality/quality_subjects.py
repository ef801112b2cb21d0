"""What is measured: recordings whose truth is known, and where in them to look."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import usdk
from usdk.acquisition import Acquisition
from usdk.quality import Circle, Region, Ring
from usdk.scan import LinearScan, SectorScan
from usdk_drivers.simulator import (
    EchoEngine,
    SceneName,
    SimulatedFrontEnd,
    lesions_of,
    make_scene,
    simulated_probe,
)

DATA = Path(__file__).parents[2] / "tests/data"
# Points of a scan in a wavelength, across the lines and along them.
FINE_ACROSS, FINE_ALONG = 5, 12
COARSE_ACROSS, COARSE_ALONG = 3, 6
# Of the simulator's points, in units of its ground; lesions stand 20 units deep.
WIRES = ((0.0, 20.0), (0.0, 30.0), (8.0, 30.0))
DEEPEST = 42.0


@dataclass(frozen=True)
class Lesion:
    """A lesion of known level, and how its inside and surroundings are told apart."""

    x_m: float
    z_m: float
    radius_m: float
    level_db: float = -math.inf

    @property
    def inside(self) -> Region:
        return Circle(self.x_m, self.z_m, 0.8 * self.radius_m)

    @property
    def outside(self) -> Region:
        return Ring(self.x_m, self.z_m, 1.25 * self.radius_m, 1.6 * self.radius_m)


@dataclass(frozen=True)
class Subject:
    """A recording of points and one of lesions; either may be absent, or both the same.

    ``window_m`` is half the width and half the depth about a point in which it is measured.
    """

    title: str
    points: Callable[[], Acquisition]
    points_m: tuple[tuple[float, float], ...]
    window_m: tuple[float, float]
    lesions: Callable[[], Acquisition] | None = None
    lesions_m: tuple[Lesion, ...] = field(default=())


def scan_about(iq: Acquisition, x_m, z_m, half_width_m, half_depth_m, across, along):
    """Return a scan of a window: a grid for a linear array, a piece of the fan for the others."""
    wavelength_m = iq.receive.sound_speed_m_s / iq.transmit_frequency_hz
    n_lines = 2 * math.ceil(half_width_m / wavelength_m * across) + 1
    n_samples = 2 * math.ceil(half_depth_m / wavelength_m * along) + 1
    if iq.probe.kind is usdk.ArrayKind.LINEAR:
        return LinearScan(
            x_m=x_m + np.linspace(-half_width_m, half_width_m, n_lines),
            z_m=z_m + np.linspace(-half_depth_m, half_depth_m, n_samples),
        )
    apex_m = (0.0, 0.0)
    if iq.probe.kind is usdk.ArrayKind.CURVED:
        apex_m = tuple(float(v) for v in iq.probe.centre_of_curvature_m[[0, 2]])
    range_m = math.dist((x_m, z_m), apex_m)
    middle_rad = math.atan2(x_m - apex_m[0], z_m - apex_m[1])
    half_rad = half_width_m / range_m
    return SectorScan(
        angles_rad=middle_rad + np.linspace(-half_rad, half_rad, n_lines),
        ranges_m=range_m + np.linspace(-half_depth_m, half_depth_m, n_samples),
        apex_m=apex_m,
    )


@functools.cache
def recorded(name: str) -> Acquisition:
    """Load a recording of tests/data."""
    return usdk.load_recording(DATA / name)


@functools.cache
def simulated(probe_name: str, scene: SceneName, waves: str) -> Acquisition:
    """Record a scene with a simulated probe; the same call gives the same samples."""
    probe = simulated_probe(probe_name)
    depth_m = DEEPEST * _unit_m(probe_name)
    engine = EchoEngine(probe, make_scene(scene, probe, 1), noise_db=-90)
    with SimulatedFrontEnd(engine) as front_end:
        front_end.configure(_WAVES[waves](probe), depth_m=depth_m)
        return front_end.read(timeout_s=300)


# Waves stand close enough that the side lobes of their sum fall outside of what is measured.
_WAVES = {
    "plane": lambda probe: usdk.plane_waves(range(-7, 8)),
    "diverging": lambda probe: usdk.diverging_waves(probe, tilts_deg=range(-15, 16, 3)),
    "convex": lambda probe: _behind_the_face(probe),
    "focused": lambda probe: usdk.focused_lines(
        probe, n_lines=64, focus_depth_m=30e-3, n_aperture=32
    ),
}


def _behind_the_face(probe):
    """Diverging waves from virtual sources beside a curved array's centre of curvature."""
    x_m, y_m, z_m = (float(v) for v in probe.centre_of_curvature_m)
    waves = [
        usdk.DivergingWave(source_m=(x_m + shift_m, y_m, z_m))
        for shift_m in np.linspace(-15e-3, 15e-3, 11)
    ]
    return usdk.TransmitSequence(transmits=tuple(waves))


def _unit_m(probe_name: str) -> float:
    return lesions_of(simulated_probe(probe_name))[0].z_m / 20


def _of_simulator(
    title: str, probe_name: str, waves: str, wires: tuple[tuple[float, float], ...] = WIRES
) -> Subject:
    unit_m = _unit_m(probe_name)
    return Subject(
        title=title,
        points=lambda: simulated(probe_name, SceneName.POINTS, waves),
        points_m=tuple((x * unit_m, z * unit_m) for x, z in wires),
        window_m=(2.5 * unit_m, 0.8 * unit_m),
        lesions=lambda: simulated(probe_name, SceneName.LESIONS, waves),
        lesions_m=tuple(
            Lesion(it.x_m, it.z_m, it.radius_m, it.level_db)
            for it in lesions_of(simulated_probe(probe_name))
        ),
    )


SUBJECTS = {
    "linear": _of_simulator("Linear array, 15 plane waves (simulated)", "linear-l11-5v", "plane"),
    "focused": _of_simulator(
        "Linear array, 64 focused beams (simulated)",
        "linear-l11-5v",
        "focused",
        wires=((0, 10), (0, 20), (0, 40)),
    ),
    "convex": _of_simulator(
        "Convex array, 11 diverging waves (simulated)", "convex-c5-2v", "convex"
    ),
    "phased": _of_simulator(
        "Phased array, 11 diverging waves (simulated)", "phased-p4-2v", "diverging"
    ),
    "pymust": Subject(
        title="Phased array, 7 diverging waves (simulated by PyMUST)",
        points=lambda: recorded("simus/p4_2v_diverging7.npz"),
        points_m=((0.0, 50e-3), (0.0, 70e-3), (0.0, 90e-3)),
        window_m=(7e-3, 2e-3),
        lesions=lambda: recorded("simus/p4_2v_diverging7.npz"),
        lesions_m=(Lesion(-18e-3, 75e-3, 7e-3), Lesion(18e-3, 45e-3, 5e-3)),
    ),
    "pybf": Subject(
        title="Linear array, 3 plane waves (pybf, simulated by Field II)",
        points=lambda: recorded("pybf/rf_dataset.hdf5"),
        points_m=tuple((0.0, z_m) for z_m in (22.18e-3, 34.0e-3, 45.83e-3)),
        window_m=(3e-3, 1e-3),
    ),
}
