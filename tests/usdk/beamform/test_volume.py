"""Volumes of matrix arrays: scatterers found in all three axes, and a float64 reference."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.probe import Probe
from usdk.scan import LinearScan, PyramidScan, VolumeScan
from usdk.transmit import DivergingWave, FocusedWave, PlaneWave, Transmit, TransmitSequence
from usdk_kernels.point_echoes import add_point_echoes

C = 1540.0
PROBE = Probe.matrix(
    "M",
    n_elements_x=24,
    n_elements_y=20,
    pitch_m=0.25e-3,
    centre_frequency_hz=3e6,
    fractional_bandwidth=0.6,
)
LINEAR = Probe.linear(
    "L", n_elements=32, pitch_m=0.25e-3, centre_frequency_hz=3e6, fractional_bandwidth=0.6
)
SCATTERERS_M = np.array([(-2e-3, 1e-3, 12e-3), (2e-3, -2e-3, 14e-3), (0.0, 2e-3, 17e-3)])
GRID = VolumeScan(
    x_m=np.linspace(-3e-3, 3e-3, 13),
    y_m=np.linspace(-3e-3, 3e-3, 13),
    z_m=np.linspace(10e-3, 18e-3, 65),
)
WAVES: dict[str, tuple[Transmit, ...]] = {
    "plane": tuple(
        PlaneWave(azimuth_rad=a, elevation_rad=e)
        for a in (-0.15, 0.0, 0.15)
        for e in (-0.15, 0.0, 0.15)
    ),
    "diverging": (
        DivergingWave(source_m=(0.0, 0.0, -4e-3)),
        DivergingWave(source_m=(1e-3, -2e-3, -4e-3)),
        DivergingWave(source_m=(-1e-3, 2e-3, -4e-3)),
    ),
    "focused": tuple(
        FocusedWave(focus_m=(math.sin(a) * 3e-3, e, 3e-3))
        for a in (-0.3, 0.3)
        for e in (-1e-3, 1e-3)
    ),
}


def echoes(
    probe: Probe, transmits: tuple[Transmit, ...], scatterers_m: Any, n_samples: int = 420
) -> Acquisition:
    sequence = TransmitSequence(transmits=transmits)
    receive = ReceiveSettings(
        sampling_frequency_hz=16e6,
        n_samples=n_samples,
        time_zero_s=(0.0,) * len(transmits),
        sound_speed_m_s=C,
    )
    rf = np.zeros((len(transmits), probe.n_elements, n_samples), np.float32)
    delays_s = sequence.delays_s(probe, C)
    add_point_echoes(
        np.asarray(scatterers_m, np.float32),
        np.ones(len(scatterers_m), np.float32),
        probe.element_positions_m.astype(np.float32),
        probe.element_normals.astype(np.float32),
        delays_s,
        np.ones(delays_s.shape, np.float32),
        np.array(receive.time_zero_s),
        3e6,
        0.6,
        16e6,
        C,
        probe.element_width_m,
        0.0,
        0,
        probe.n_elements,
        rf,
    )
    return Acquisition(data=rf[None], probe=probe, sequence=sequence, receive=receive)


@cache
def iq_of(waves: str) -> Acquisition:
    return demodulate(echoes(PROBE, WAVES[waves], SCATTERERS_M))


def greatest_near(image: Any, points_m: Any, place_m: Any, reach_m: float = 1.6e-3) -> Any:
    """Where the envelope is greatest within a box about a place."""
    near = (np.abs(points_m - place_m) < reach_m).all(axis=-1)
    return points_m.reshape(-1, 3)[np.argmax(np.where(near, np.abs(image), -1))]


@pytest.mark.parametrize("waves", WAVES)
def test_scatterers_are_found_in_all_three_axes(waves: str) -> None:
    iq = iq_of(waves)
    image = Beamformer.for_acquisition(iq, GRID)(iq.data[0])
    points_m = GRID.points_m()
    assert image.shape == GRID.shape
    for scatterer_m in SCATTERERS_M:
        found_m = greatest_near(image, points_m, scatterer_m)
        # The very voxel across; along z within two, a quarter of the pulse's length.
        assert np.abs(found_m - scatterer_m)[:2].max() < 1e-9
        assert abs(found_m[2] - scatterer_m[2]) < 0.26e-3


def test_scatterers_of_a_pyramid_are_found_on_their_own_lines() -> None:
    angles_rad = np.linspace(-0.3, 0.3, 13)
    scan = PyramidScan(
        azimuths_rad=angles_rad, elevations_rad=angles_rad, ranges_m=np.linspace(8e-3, 20e-3, 97)
    )
    indices = [(2, 8, 40), (9, 3, 64), (6, 10, 80)]
    points_m = scan.points_m()
    rf = echoes(PROBE, WAVES["diverging"], [points_m[index] for index in indices], 500)
    iq = demodulate(rf)
    image = np.abs(Beamformer.for_acquisition(iq, scan)(iq.data[0]))
    for azimuth, elevation, sample in indices:
        box = np.s_[
            azimuth - 2 : azimuth + 3, elevation - 2 : elevation + 3, sample - 8 : sample + 9
        ]
        found = np.unravel_index(np.argmax(image[box]), image[box].shape)
        assert found[:2] == (2, 2)
        assert abs(found[2] - 8) <= 2


def reference(iq: Acquisition, points_m: Any, f_number: float) -> Any:
    """Float64, straight from the definition, linear interpolation, boxcar, normalized."""
    probe, receive = iq.probe, iq.receive
    total = np.zeros(len(points_m), complex)
    heard = np.zeros(len(points_m))
    rate_hz, shift_hz = receive.sampling_frequency_hz, receive.demodulation_frequency_hz
    for t, transmit in enumerate(iq.sequence.transmits):
        arrival_s = transmit.arrival_time_s(points_m, probe, C)
        for e in range(probe.n_elements):
            offset_m = points_m - probe.element_positions_m[e]
            distance_m = np.linalg.norm(offset_m, axis=1)
            lateral_m = np.hypot(offset_m[:, 0], offset_m[:, 1])
            on = 2 * f_number * lateral_m <= offset_m[:, 2]
            time_s = arrival_s + distance_m / C
            place = (time_s - receive.time_zero_s[t]) * rate_hz
            row = iq.data[0, t, e].astype(complex)
            at = np.clip(np.floor(place).astype(int), 0, row.size - 2)
            value = row[at] + (place - at) * (row[at + 1] - row[at])
            inside = (place >= 0) & (place <= row.size - 1)
            total += np.where(on & inside, value * np.exp(2j * np.pi * shift_hz * time_s), 0)
            heard += on
    return np.where(heard > 0, total / np.maximum(heard, 1), 0)


@pytest.mark.parametrize("waves", WAVES)
@pytest.mark.parametrize("f_number", [0.0, 1.3])
def test_a_volume_equals_the_float64_sum(waves: str, f_number: float) -> None:
    iq = iq_of(waves)
    scan = VolumeScan(
        x_m=np.linspace(-3.1e-3, 2.7e-3, 5),
        y_m=np.linspace(-2.3e-3, 3.3e-3, 4),
        z_m=np.linspace(0.11e-3, 24.03e-3, 40),
    )
    image = Beamformer.for_acquisition(
        iq, scan, f_number=f_number, window="boxcar", weighting="compound"
    )(iq.data[0])
    expected = reference(iq, scan.points_m().reshape(-1, 3), f_number).reshape(scan.shape)
    assert np.abs(image - expected).max() < 2e-5 * np.abs(expected).max()


def test_the_aperture_of_a_matrix_is_a_disc_by_the_f_number() -> None:
    # A constant record counts the elements that are heard.
    ones = np.ones((1, PROBE.n_elements, 64), np.float32)
    receive = ReceiveSettings(sampling_frequency_hz=1e6, n_samples=64, time_zero_s=(0.0,))
    scan = VolumeScan(
        x_m=np.linspace(-1.01e-3, 1.03e-3, 4),
        y_m=np.linspace(-1.04e-3, 0.97e-3, 3),
        z_m=np.linspace(0.3e-3, 3.3e-3, 16),
    )
    beamformer = Beamformer(
        PROBE,
        TransmitSequence(transmits=(PlaneWave(),)),
        receive,
        scan,
        f_number=1.1,
        window="boxcar",
        normalize=False,
    )
    offset_m = scan.points_m()[..., None, :] - PROBE.element_positions_m
    lateral_m = np.hypot(offset_m[..., 0], offset_m[..., 1])
    counts = np.count_nonzero(2 * 1.1 * lateral_m <= offset_m[..., 2], axis=-1)
    np.testing.assert_allclose(beamformer(ones), counts, rtol=1e-6)
    assert 0 < counts.min() + 1 < counts.max()


def test_a_plane_of_a_volume_is_the_plane_alone() -> None:
    iq = iq_of("plane")
    volume = Beamformer.for_acquisition(iq, GRID)(iq.data[0])
    plane = Beamformer.for_acquisition(iq, LinearScan(x_m=GRID.x_m, z_m=GRID.z_m))(iq.data[0])
    np.testing.assert_array_equal(volume[:, 6], plane)


def test_the_middle_plane_of_a_linear_array_s_volume_is_its_picture() -> None:
    waves = tuple(PlaneWave(azimuth_rad=a) for a in (-0.1, 0.05))
    iq = demodulate(echoes(LINEAR, waves, [(0.5e-3, 0.0, 9e-3)]))
    x_m = LINEAR.element_positions_m[4:28, 0]
    volume = Beamformer.for_acquisition(
        iq,
        VolumeScan(x_m=x_m, y_m=[-1e-3, 0.0, 1e-3], z_m=GRID.z_m),  # type: ignore[arg-type]
    )(iq.data[0])
    picture = Beamformer.for_acquisition(iq, LinearScan(x_m=x_m, z_m=GRID.z_m), kernel="shift")(
        iq.data[0]
    )
    assert np.abs(volume[:, 1] - picture).max() < 1e-5 * np.abs(picture).max()


def test_threads_change_no_bit_of_a_volume() -> None:
    iq = iq_of("diverging")
    beamformer = Beamformer.for_acquisition(iq, GRID)
    np.testing.assert_array_equal(
        beamformer(iq.data[0], threads=1), beamformer(iq.data[0], threads=3)
    )
