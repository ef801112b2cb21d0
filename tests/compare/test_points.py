"""Point targets come out where they were put: simulations by others, and pins in a water tank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import single_elements

Recording = Callable[[str], Acquisition]


@pytest.mark.parametrize("z_m", [10.35e-3, 22.18e-3, 34.0e-3, 45.83e-3])
def test_field_ii_points_of_pybf(recording: Recording, locate: Any, z_m: float) -> None:
    """Measured: x within 0.001 mm, z +0.082 to +0.093 mm, the same at every depth.

    The pulse's peak lies 0.11 µs (0.09 mm) behind the instant to which the file's time shift
    refers.
    """
    x_m, found_m = locate(demodulate(recording("pybf/rf_dataset.hdf5")), (0.0, z_m))
    assert abs(x_m) < 0.005e-3
    assert abs(found_m - z_m) < 0.11e-3


@pytest.mark.parametrize(
    ("first_m", "offset"), [(13.306e-3, 0.2), (25.133e-3, 0.3), (36.96e-3, 0.4)]
)
@pytest.mark.parametrize("wavelengths", [1, 2, 3, 4])
def test_field_ii_rows_of_pybf(
    recording: Recording, first_m: float, offset: float, wavelengths: int
) -> None:
    """Rows of points one to four wavelengths apart stand out singly, off the axis too.

    Measured: every point within 9 mm of the axis has a maximum of its own within 0.029 mm.
    """
    iq = demodulate(recording("pybf/rf_dataset.hdf5"))
    wavelength_m = 1540 / 5.2083e6
    z_m = first_m + 5 * wavelength_m * (wavelengths - 1)
    reach = int(9e-3 / (wavelengths * wavelength_m))
    points_m = (np.arange(-reach, reach + 1) * wavelengths + offset) * wavelength_m
    scan = LinearScan(
        x_m=np.linspace(-10e-3, 10e-3, 801), z_m=z_m + 0.09e-3 + np.linspace(-0.3e-3, 0.3e-3, 25)
    )
    plan = Beamformer.for_acquisition(iq, scan, f_number=0.7, window="boxcar")
    level = np.abs(plan(iq.data[0])).max(axis=1)
    rises = np.diff(level) > 0
    peaks_m = scan.x_m[1:-1][rises[:-1] & ~rises[1:] & (level[1:-1] > 0.4 * np.median(level))]
    assert np.abs(peaks_m[:, None] - points_m).min(axis=0).max() < 0.05e-3
    # Between two points it is darker than at either.
    between = np.interp((points_m[1:] + points_m[:-1]) / 2, scan.x_m, level)
    assert np.median(between) < 0.7 * np.median(np.interp(points_m, scan.x_m, level))


def test_simulated_points_of_a_phased_array(
    recording: Recording, locate: Any, data_dir: Path
) -> None:
    """Measured: on the axis 0.013 mm in x and 0.008 mm in z; off it 0.053 and 0.031 mm.

    Off the axis the beam is 3 mm wide and speckle lies beside the points.
    """
    iq = demodulate(recording("simus/p4_2v_diverging7.npz"))
    for x_m, z_m in np.load(data_dir / "simus/p4_2v_diverging7.npz")["points_m"]:
        found_x_m, found_z_m = locate(iq, (x_m, z_m))
        assert abs(found_x_m - x_m) < (0.03e-3 if x_m == 0 else 0.1e-3)
        assert abs(found_z_m - z_m) < (0.02e-3 if x_m == 0 else 0.06e-3)


@pytest.mark.parametrize(
    "chosen", [[0], list(range(1, 13)), list(range(13))], ids=["all fire", "one by one", "both"]
)
def test_simulated_points_of_a_convex_array(
    recording: Recording, locate: Any, with_transmits: Any, data_dir: Path, chosen: list[int]
) -> None:
    """Measured: 0.007 mm in x and 0.005 mm in z, on the axis and off it."""
    iq = demodulate(with_transmits(recording("simus/c5_2v_allfire_sta12.npz"), chosen))
    for x_m, z_m in np.load(data_dir / "simus/c5_2v_allfire_sta12.npz")["points_m"]:
        found_x_m, found_z_m = locate(iq, (x_m, z_m))
        assert abs(found_x_m - x_m) < 0.02e-3
        assert abs(found_z_m - z_m) < 0.02e-3


def test_simulated_points_of_focused_lines(
    recording: Recording, locate: Any, data_dir: Path
) -> None:
    """Measured: 0.060 mm in x (the lines stand 0.56 mm apart) and 0.011 mm in z."""
    iq = demodulate(recording("simus/l11_5v_focused49.npz"))
    for x_m, z_m in np.load(data_dir / "simus/l11_5v_focused49.npz")["points_m"]:
        found_x_m, found_z_m = locate(iq, (x_m, z_m))
        assert abs(found_x_m - x_m) < 0.1e-3
        assert abs(found_z_m - z_m) < 0.02e-3


@pytest.fixture(scope="module")
def steel_pins(synaptus_file: Path) -> Acquisition:
    """The full matrix: 32 elements fire one by one into water, sampled from 39.3 µs on."""
    rows = loadmat(synaptus_file, squeeze_me=True)["data"]
    data = np.stack(list(rows)).transpose(0, 2, 1)[None]
    probe = Probe.linear(
        "array", n_elements=32, pitch_m=1e-3, centre_frequency_hz=3.5e6, fractional_bandwidth=0.6
    )
    return Acquisition(
        data=data,
        probe=probe,
        sequence=single_elements(range(32)),
        receive=ReceiveSettings(
            sampling_frequency_hz=50e6,
            n_samples=1750,
            time_zero_s=(40e-6 - 0.7e-6,) * 32,
            sound_speed_m_s=1480.0,
        ),
    )


@pytest.mark.parametrize("pin_m", [(-9.4e-3, 42.6e-3), (10.6e-3, 37.6e-3)])
def test_steel_pins_in_water(
    steel_pins: Acquisition, locate: Any, pin_m: tuple[float, float]
) -> None:
    """Measured: 0.109 mm in x and 0.024 mm in z; the places are known to 0.1 mm."""
    x_m, z_m = locate(demodulate(steel_pins), pin_m, half_x_m=3e-3, half_z_m=2e-3)
    assert abs(x_m - pin_m[0]) < 0.2e-3
    assert abs(z_m - pin_m[1]) < 0.1e-3


def test_iq_at_a_third_of_the_rate_shows_a_point_at_the_same_place(
    recording: Recording, locate: Any
) -> None:
    """Measured: 0.020 mm apart in z; the band fills 0.7 of the lower rate, read by cubics."""
    rf = recording("pybf/rf_dataset.hdf5")
    every, third = demodulate(rf), demodulate(rf, decimation=3)
    assert third.data.shape[-1] == 771
    for z_m in (10.35e-3, 45.83e-3):
        places = [locate(iq, (0.0, z_m), interpolation="cubic") for iq in (every, third)]
        assert places[0] == pytest.approx(places[1], abs=0.03e-3)


def test_the_lens_moves_a_point_by_its_delay(recording: Recording, locate: Any) -> None:
    iq = demodulate(recording("pybf/rf_dataset.hdf5"))
    without_m = locate(iq, (0.0, 22.2e-3))
    delay_s = 0.2e-6
    lens = replace(iq, probe=replace(iq.probe, lens_delay_s=delay_s))
    # Echoes that came through a lens stand too deep by c times its one-way delay.
    with_m = locate(lens, (0.0, 22.2e-3 - delay_s * 1540))
    assert without_m[1] - with_m[1] == pytest.approx(delay_s * 1540, abs=5e-6)
    later_s = tuple(time + 2 * delay_s for time in iq.receive.time_zero_s)
    both = replace(lens, receive=replace(lens.receive, time_zero_s=later_s))
    assert locate(both, (0.0, 22.2e-3)) == pytest.approx(without_m, abs=2e-6)
