from __future__ import annotations

import numpy as np
import pytest

from usdk.probe import ArrayKind
from usdk_drivers.simulator import PROBES, SceneName, lesions_of, make_scene, simulated_probe


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("scene_name", SceneName)
def test_a_scene_lies_in_front_of_the_probe_and_knows_its_peak(
    name: str, scene_name: SceneName
) -> None:
    probe = simulated_probe(name)
    scene = make_scene(scene_name, probe, 1)
    moving = scene.moving(0.3) if scene.flowing is None else scene.flowing(0.3)
    positions_m = np.vstack((scene.still.positions_m, moving.positions_m)).astype(float)
    amplitudes = np.append(scene.still.amplitudes, moving.amplitudes)
    assert scene.still.positions_m.dtype == scene.still.amplitudes.dtype == np.float32
    assert 1 <= scene.peak_amplitude / np.abs(amplitudes).max() < 10
    # No scatterer touches an element or lies behind the face.
    depth_m = positions_m[:, 2]
    if probe.kind is ArrayKind.CURVED:
        depth_m = np.linalg.norm(positions_m - probe.centre_of_curvature_m, axis=1) - probe.radius_m
    assert depth_m.min() > 1e-3
    assert scene.moves == (scene_name in (SceneName.PHANTOM, SceneName.VESSEL, SceneName.DISK))


def test_the_same_seed_gives_the_same_scatterers_and_another_does_not() -> None:
    probe = simulated_probe("linear-l11-5v")
    first, same, other = (make_scene(SceneName.SPECKLE, probe, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.still.positions_m, same.still.positions_m)
    assert not np.array_equal(first.still.positions_m, other.still.positions_m)


def test_the_vessel_beats_smoothly_and_comes_back() -> None:
    scene = make_scene(SceneName.PHANTOM, simulated_probe("linear-l11-5v"), 1)
    phases = np.linspace(0, 1, 33)
    track_m = np.stack([scene.moving(phase).positions_m.astype(float) for phase in phases])
    steps_m = np.linalg.norm(np.diff(track_m, axis=0), axis=2)
    assert np.allclose(track_m[0], track_m[-1], atol=1e-9)
    # It moves by more than a wavelength (0.2 mm) in all, and by less than half of one a frame.
    assert np.ptp(track_m, axis=0).max() > 0.2e-3
    assert 0 < steps_m.max() < 0.1e-3


def test_the_vessel_and_the_cysts_are_empty() -> None:
    probe = simulated_probe("linear-l11-5v")
    for scene_name, x_mm, z_mm, radius_mm in (
        (SceneName.CYST, 0.0, 25.0, 5.0),
        (SceneName.PHANTOM, 4.0, 13.0, 2.0),
        (SceneName.PHANTOM, -7.0, 24.0, 3.5),
    ):
        scene = make_scene(scene_name, probe, 1)
        for phase in (0.0, 0.25, 0.75):
            both = np.vstack((scene.still.positions_m, scene.moving(phase).positions_m)) * 1e3
            distance_mm = np.hypot(both[:, 0] - x_mm, both[:, 2] - z_mm)
            assert not np.any(distance_mm < radius_mm - 1e-3)
            # Tissue is right outside: it is a hole, not an absence of scatterers.
            assert np.any(distance_mm < radius_mm + 1.5)


def test_points_lie_where_the_grid_says() -> None:
    scene = make_scene(SceneName.POINTS, simulated_probe("linear-l11-5v"), 1)
    depths_mm = sorted({round(float(z) * 1e3, 3) for z in scene.still.positions_m[:, 2]})
    assert depths_mm == [10.0, 20.0, 30.0, 40.0]


@pytest.mark.parametrize("name", PROBES)
def test_lesions_echo_as_strongly_as_they_say(name: str) -> None:
    """Power in an area: 200 scatterers and more in each lesion, so within 0.7 dB."""
    probe = simulated_probe(name)
    still = make_scene(SceneName.LESIONS, probe, 1).still
    positions_m, power = still.positions_m.astype(float), still.amplitudes.astype(float) ** 2
    levels_db = []
    for lesion in lesions_of(probe):
        distance_m = np.hypot(positions_m[:, 0] - lesion.x_m, positions_m[:, 2] - lesion.z_m)
        density = power[distance_m < lesion.radius_m].sum() / lesion.radius_m**2
        beyond = (distance_m > lesion.radius_m) & (distance_m < 1.5 * lesion.radius_m)
        around = power[beyond].sum() / (1.25 * lesion.radius_m**2)
        levels_db.append(10 * np.log10(density / around) if density else -np.inf)
    assert levels_db[0] == lesions_of(probe)[0].level_db == -np.inf
    assert levels_db[1:] == pytest.approx([-6.0, 9.0], abs=0.7)
