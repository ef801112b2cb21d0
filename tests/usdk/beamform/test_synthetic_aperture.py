"""Synthetic aperture: elements fire one by one, and every point is in focus on transmit, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import single_elements
from usdk.transmit import TransmitSequence

C, FC, FS = 1540.0, 5e6, 40e6
WAVELENGTH_M = C / FC
# A long pulse, so that the closed forms for a single frequency hold.
CYCLES = 6.0
PROBE = Probe.linear(
    "L",
    n_elements=64,
    pitch_m=WAVELENGTH_M / 2,
    centre_frequency_hz=FC,
    fractional_bandwidth=0.6,
)
WIDTH_M = 64 * PROBE.pitch_m
MATRIX = Probe.matrix(
    "M",
    n_elements_x=10,
    n_elements_y=8,
    pitch_m=WAVELENGTH_M / 2,
    centre_frequency_hz=FC,
    fractional_bandwidth=0.6,
)


def echoes(
    probe: Probe, elements: list[int], points_m: NDArray[np.float64], first_s: float
) -> tuple[NDArray[np.complex64], TransmitSequence, ReceiveSettings]:
    """Return IQ of points: each echo stands where the two distances over the speed put it."""
    points_m = np.atleast_2d(points_m)
    range_m = np.linalg.norm(points_m[:, None] - probe.element_positions_m, axis=-1)
    n_samples = int((2.2 * range_m.max() / C - first_s + 4 * CYCLES / FC) * FS)
    time_s = first_s + np.arange(n_samples) / FS
    data = np.zeros((len(elements), probe.n_elements, n_samples), complex)
    for point in range_m:
        for t, element in enumerate(elements):
            late = FC * (time_s - (point[element] + point[:, None]) / C)
            data[t] += np.exp(-((late / CYCLES) ** 2) + 2j * np.pi * late)
    iq = data * np.exp(-2j * np.pi * FC * time_s)
    receive = ReceiveSettings(
        sampling_frequency_hz=FS,
        n_samples=n_samples,
        time_zero_s=(first_s,) * len(elements),
        demodulation_frequency_hz=FC,
        sound_speed_m_s=C,
    )
    return iq.astype(np.complex64), single_elements(elements), receive


def profile(
    probe: Probe, elements: list[int], point_m: Any, x_m: NDArray[np.float64], **options: Any
) -> NDArray[np.float64]:
    """Return the envelope across a point, at its depth."""
    point_m = np.array(point_m)
    first_s = 0.8 * 2 * float(point_m[2]) / C
    iq, sequence, receive = echoes(probe, elements, point_m, first_s)
    scan = LinearScan(x_m=point_m[0] + x_m, z_m=point_m[2] + np.array([0.0, 1e-6]))
    plan = Beamformer(
        probe, sequence, receive, scan, f_number=0, window="boxcar", normalize=False, **options
    )
    return np.abs(plan(iq)[:, 0]).astype(float)


def full_width_m(x_m: NDArray[np.float64], level: NDArray[np.float64]) -> float:
    fine_m = np.linspace(x_m[0], x_m[-1], 20_001)
    high = np.interp(fine_m, x_m, level) > level.max() / 2
    return float(np.ptp(fine_m[high]))


@pytest.mark.parametrize("z_m", [15e-3, 25e-3, 40e-3, 60e-3])
def test_every_depth_is_in_focus(z_m: float) -> None:
    """A line aperture of width D that sends and receives has the beam sinc²(D sin θ / λ).

    Half of its peak stands at D sin θ / λ = 0.4429: Goodman, Fourier Optics, section 4.4.
    Measured: 2.1 % narrower at 15 mm to 0.1 % narrower at 60 mm.
    """
    x_m = np.linspace(-1.2e-3, 1.2e-3, 241) * (z_m / 25e-3)
    level = profile(PROBE, list(range(64)), (0.0, 0.0, z_m), x_m)
    sine = 0.44295 * WAVELENGTH_M / WIDTH_M
    # Nearer than a few apertures the arc of the aperture is shorter than its chord seems.
    edge_sine = (WIDTH_M / 2) / np.hypot(z_m, WIDTH_M / 2)
    expected_m = 2 * 0.44295 * WAVELENGTH_M / (2 * edge_sine)
    assert expected_m >= 2 * z_m * sine
    assert full_width_m(x_m, level) == pytest.approx(expected_m, rel=0.03)
    assert x_m[level.argmax()] == 0


def test_far_away_the_whole_beam_is_the_closed_form() -> None:
    """Measured: within 0.003 of the peak, out to the fourth side lobe."""
    z_m = 60e-3
    x_m = np.linspace(-4.5e-3, 4.5e-3, 181)
    level = profile(PROBE, list(range(64)), (0.0, 0.0, z_m), x_m)
    sine = x_m / np.hypot(z_m, x_m)
    expected = np.sinc(WIDTH_M * sine / WAVELENGTH_M) ** 2
    assert np.abs(level / level.max() - expected).max() < 0.006


def test_without_gaps_all_points_come_out_at_their_places_and_levels() -> None:
    points_m = np.array([[-4e-3, 0, 12e-3], [3e-3, 0, 18e-3], [0, 0, 25e-3]])
    iq, sequence, receive = echoes(PROBE, list(range(64)), points_m, 8e-6)
    levels = []
    for x_m, _, z_m in points_m:
        scan = LinearScan(
            x_m=x_m + np.linspace(-1e-3, 1e-3, 41), z_m=z_m + np.linspace(-0.5e-3, 0.5e-3, 41)
        )
        plan = Beamformer(PROBE, sequence, receive, scan, f_number=0, window="boxcar")
        level = np.abs(plan(iq))
        line, depth = np.unravel_index(level.argmax(), level.shape)
        assert abs(scan.x_m[line] - x_m) < 0.06e-3
        assert abs(scan.z_m[depth] - z_m) < 0.06e-3
        levels.append(level.max())
    # Echoes of one, summed with weights that add up to one.
    assert levels == pytest.approx([1.0] * 3, abs=0.03)


@pytest.mark.parametrize(
    "elements",
    [[0, 63], [3, 17, 18, 40, 61], list(range(0, 64, 4)), [61, 3, 40, 18, 17]],
    ids=["two", "five", "every fourth", "out of order"],
)
def test_gaps_between_the_elements_that_fire_shape_the_beam(elements: list[int]) -> None:
    """The beam is the array factor of those that fire times that of those that receive.

    Measured: within 0.002 of the peak; 0.008 for the two outermost elements.
    """
    z_m = 60e-3
    x_m = np.linspace(-4e-3, 4e-3, 161)
    level = profile(PROBE, elements, (0.0, 0.0, z_m), x_m)
    # Exact distances, a single frequency: no far field is assumed.
    flight = np.exp(
        2j
        * np.pi
        / WAVELENGTH_M
        * (
            np.hypot(x_m[:, None] - PROBE.element_positions_m[:, 0], z_m)
            - np.hypot(PROBE.element_positions_m[:, 0], z_m)
        )
    )
    expected = np.abs(flight[:, elements].sum(axis=1) * flight.sum(axis=1))
    assert np.abs(level / level.max() - expected / expected.max()).max() < 0.015


def test_directivity_counts_elements_that_do_not_look_there_less() -> None:
    """Elements at the ends send little sideways: measured, 0.207 mm wide instead of 0.194."""
    wide = Probe.linear(
        "wide",
        n_elements=64,
        pitch_m=WAVELENGTH_M,
        centre_frequency_hz=FC,
        fractional_bandwidth=0.6,
    )
    x_m = np.linspace(-1e-3, 1e-3, 401)
    widths = {
        weighting: full_width_m(
            x_m,
            profile(wide, list(range(64)), (0.0, 0.0, 12e-3), x_m, weighting=weighting),
        )
        for weighting in ("compound", "retrospective")
    }
    assert 1.04 * widths["compound"] < widths["retrospective"] < 1.2 * widths["compound"]


def test_a_matrix_array_focuses_both_ways() -> None:
    point_m = np.array([0.5e-3, 0.0, 12e-3])
    x_m = np.linspace(-3e-3, 3e-3, 61)
    level = profile(MATRIX, list(range(80)), point_m, x_m)
    assert x_m[level.argmax()] == pytest.approx(0, abs=0.05e-3)
    edge_sine = 5 * MATRIX.pitch_m / np.hypot(12e-3, 5 * MATRIX.pitch_m)
    expected_m = 0.44295 * WAVELENGTH_M / edge_sine
    assert full_width_m(x_m, level) == pytest.approx(expected_m, rel=0.06)
