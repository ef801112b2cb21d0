from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from usdk.errors import ArgumentError
from usdk_drivers.simulator import Disk, SceneName, Vessel, make_scene, simulated_probe
from usdk_drivers.simulator.scene import Scatterers, Scene
from usdk_drivers.simulator.scenes import Truth
from usdk_drivers.simulator.tissue import View

PROBE = simulated_probe("linear-l11-5v")
# Positions are float32, to 2e-9 m, and scatterers lie 50 µm from each other.
SAME_M = 1e-8


def flowing(scene: Scene, time_s: float) -> Scatterers:
    assert scene.flowing is not None
    return scene.flowing(time_s)


def inner(truth: Truth, found: Scatterers) -> NDArray[np.float64]:
    """Return the positions that are well within the view."""
    positions_m = found.positions_m.astype(float)
    return positions_m[View.of(PROBE).margin_m(positions_m) > 2e-3]


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        (SceneName.VESSEL, Vessel()),
        (SceneName.VESSEL, Vessel(angle_deg=120, waveform="steady", profile_exponent=4)),
        (SceneName.VESSEL, Vessel(angle_deg=90, wall_displacement_m=0.5e-3)),
        (SceneName.DISK, Disk(x_m=-3e-3)),
    ],
)
@pytest.mark.parametrize("time_s", [0.06, 5.3])
def test_scatterers_move_by_the_truth(name: SceneName, truth: Truth, time_s: float) -> None:
    scene = make_scene(name, PROBE, 1, truth)
    step_s = 2e-4
    before_m = inner(truth, flowing(scene, time_s))
    after = cKDTree(flowing(scene, time_s + step_s).positions_m.astype(float))
    # Heun's step is exact to the third power of 200 µs.
    velocity_m_s = truth.velocity_m_s(before_m, time_s)
    there_m_s = truth.velocity_m_s(before_m + velocity_m_s * step_s, time_s + step_s)
    predicted_m = before_m + (velocity_m_s + there_m_s) / 2 * step_s
    assert len(before_m) > 4000
    assert np.linalg.norm(velocity_m_s, axis=1).max() * step_s > 50e-6
    found_m = after.query(predicted_m)[0]
    assert np.mean(found_m < 10 * SAME_M) > 0.999
    assert np.mean(after.query(before_m)[0] < 10 * SAME_M) < 0.3


def test_blood_comes_and_goes_where_it_is_not_heard() -> None:
    vessel = Vessel(waveform="steady")
    scene = make_scene(SceneName.VESSEL, PROBE, 1, vessel)
    found = flowing(scene, 3.21)
    margin_m = View.of(PROBE).margin_m(found.positions_m.astype(float))
    assert margin_m.min() > 0
    edge = margin_m < 0.1e-3
    assert edge.any()
    assert np.abs(found.amplitudes[edge]).max() < 0.1 * np.abs(found.amplitudes).max()


@pytest.mark.parametrize("angle_deg", [0, 45, 90, 150])
def test_the_lumen_is_filled_evenly_for_ever(angle_deg: float) -> None:
    vessel = Vessel(angle_deg=angle_deg, wall_displacement_m=0)
    scene = make_scene(SceneName.VESSEL, PROBE, 1, vessel)
    for time_s in (0.0, 0.4, 100.0):
        positions_m = inner(vessel, flowing(scene, time_s))
        along_m = (positions_m - [0, 0, vessel.depth_m]) @ vessel.direction
        middle = np.abs(along_m) < 10e-3
        counts = np.histogram2d(along_m[middle], vessel.offset_m(positions_m)[middle], 10)[0]
        assert counts.min() > 0.5 * counts.mean()
        assert counts.mean() == pytest.approx(
            20e-3 * 6e-3 / 100 * 2.5 / (1540 / 7.6e6) ** 2, rel=0.1
        )


def test_a_cine_of_blood_has_no_seam() -> None:
    """From the last pulse of a cine to its first, blood goes on as between any two."""
    vessel = Vessel(angle_deg=90, wall_displacement_m=0)
    scene = make_scene(SceneName.VESSEL, PROBE, 1, vessel)
    step_s, repeat_s = 1e-4, 1 / vessel.heart_rate_hz
    assert scene.flowing is not None

    def follow(first_s: float, second_s: float) -> tuple[float, float]:
        first, second = scene.flowing(first_s, repeat_s), scene.flowing(second_s, repeat_s)
        middle = np.abs(first.positions_m[:, 0]) < 15e-3
        positions_m = first.positions_m[middle].astype(float)
        predicted_m = positions_m + vessel.velocity_m_s(positions_m, first_s) * step_s
        distance_m, index = cKDTree(second.positions_m.astype(float)).query(predicted_m)
        went_on = distance_m < 2e-7
        change = np.abs(second.amplitudes[index] - first.amplitudes[middle])[went_on].max()
        return float(went_on.mean()), float(change / np.abs(first.amplitudes).max())

    for first_s in (0.3, repeat_s - step_s):
        went_on, change = follow(first_s, (first_s + step_s) % repeat_s)
        assert went_on > 0.998
        assert change < 0.01
    level = [np.std(scene.flowing(t, repeat_s).amplitudes) for t in (0.0, 0.5)]
    assert level == pytest.approx([np.std(scene.flowing(t).amplitudes) for t in (0.0, 0.5)], 0.02)


def test_a_short_stretch_of_blood_fades_at_its_ends() -> None:
    short = Vessel(length_m=8e-3, waveform="steady")
    found = flowing(make_scene(SceneName.VESSEL, PROBE, 1, short), 2.3)
    along_m = np.abs(short.along_m(found.positions_m))
    assert 3.9e-3 < along_m.max() < 4e-3
    strength = np.abs(found.amplitudes) / np.abs(found.amplitudes).max()
    assert strength == pytest.approx(np.clip((4e-3 - along_m) / 1e-3, 0, 1), abs=1e-4)
    assert len(along_m) == pytest.approx(2.5 * 8e-3 * 6e-3 / (1540 / 7.6e6) ** 2, rel=0.02)


def test_a_vessel_that_fills_the_view_leaves_no_tissue() -> None:
    scene = make_scene(SceneName.VESSEL, PROBE, 1, Vessel(radius_m=0.1, wall_displacement_m=0))
    assert scene.still.amplitudes.size == 0
    # Thinned, and most of the lumen is out of view.
    assert 10_000 < flowing(scene, 0.0).amplitudes.size < 100_000
    assert scene.peak_amplitude > 0


@pytest.mark.parametrize("level_db", [-20.0, 3.0])
def test_blood_echoes_as_strongly_as_it_says(level_db: float) -> None:
    vessel = Vessel(blood_db=level_db, waveform="steady", angle_deg=90)
    scene = make_scene(SceneName.VESSEL, PROBE, 1, vessel)

    def power_per_m2(found: Scatterers, first_m: float, last_m: float) -> float:
        distance_m = np.abs(vessel.offset_m(found.positions_m))
        here = (distance_m >= first_m) & (distance_m < last_m)
        here &= np.abs(found.positions_m[:, 0]) < 15e-3
        power = (found.amplitudes[here].astype(float) ** 2).sum()
        return float(power / (30e-3 * 2 * (last_m - first_m)))

    blood = power_per_m2(flowing(scene, 0.3), 0.0, 3e-3)
    tissue = power_per_m2(scene.still, 5e-3, 15e-3)
    assert 10 * np.log10(blood / tissue) == pytest.approx(level_db, abs=0.4)


def test_the_same_seed_gives_the_same_blood_and_another_does_not() -> None:
    first, same, other = (
        flowing(make_scene(SceneName.VESSEL, PROBE, seed), 0.7).amplitudes for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same)
    assert first.shape != other.shape or not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("name", "truth", "hint"),
    [
        (SceneName.VESSEL, Vessel(depth_m=0.2), "out of view"),
        (SceneName.VESSEL, Vessel(angle_deg=10, depth_m=70e-3, length_m=1e-3), "length_m"),
        (SceneName.DISK, Disk(x_m=20e-3), "does not fit"),
        (SceneName.DISK, Vessel(), "no Vessel"),
        (SceneName.CYST, Disk(), "no Disk"),
    ],
)
def test_what_does_not_belong_or_is_out_of_view_is_refused(
    name: SceneName, truth: Truth, hint: str
) -> None:
    with pytest.raises(ArgumentError, match=hint):
        make_scene(name, PROBE, 1, truth)
