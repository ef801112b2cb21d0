from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer, f_number_from_directivity
from usdk.beamform.directivity import directivity, element_size_wavelengths, element_tangents
from usdk.beamform.geometry import Geometry
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves
from usdk.transmit import PlaneWave, TransmitSequence

BAND: dict[str, Any] = {"centre_frequency_hz": 5e6, "fractional_bandwidth": 0.6}
LINEAR = Probe.linear("L", n_elements=4, pitch_m=0.3e-3, element_width_m=0.27e-3, **BAND)
CURVED = Probe.curved("C", n_elements=5, pitch_m=0.5e-3, radius_m=10e-3, **BAND)
MATRIX = Probe.matrix("M", n_elements_x=3, n_elements_y=2, pitch_m=0.3e-3, **BAND)
SCAN = LinearScan(x_m=np.linspace(-1e-3, 1e-3, 3), z_m=np.linspace(5e-3, 9e-3, 4))
RECEIVE = ReceiveSettings(sampling_frequency_hz=20e6, n_samples=64, time_zero_s=(0.0,))


@given(
    width_wavelengths=st.floats(0.01, 5.0),
    level_db=st.floats(-20.0, -0.5),
)
def test_an_element_falls_to_the_level_at_the_rim(
    width_wavelengths: float, level_db: float
) -> None:
    width_m = width_wavelengths * 1540.0 / 4e6
    probe = Probe.linear("L", n_elements=2, pitch_m=1e-2, element_width_m=width_m, **BAND)
    f_number = f_number_from_directivity(
        probe, sound_speed_m_s=1540.0, frequency_hz=4e6, level_db=level_db
    )
    rim_rad = math.atan(1 / (2 * f_number))
    # The first angle at which sinc(w sin θ) cos θ is the level, by a root finder of scipy's
    angles_rad = np.linspace(0, np.pi / 2, 2000)

    def above(angle: Any) -> Any:
        return np.sinc(width_wavelengths * np.sin(angle)) * np.cos(angle) - 10 ** (level_db / 20)

    first = int(np.argmax(above(angles_rad) <= 0))
    expected = scipy.optimize.brentq(above, angles_rad[first - 1], angles_rad[first])
    assert rim_rad == pytest.approx(expected, abs=1e-9)


def test_a_small_element_hears_with_the_cosine() -> None:
    tiny = Probe.linear("T", n_elements=2, pitch_m=1e-3, element_width_m=1e-9, **BAND)
    # cos 60° is one half
    level_db = 20 * math.log10(0.5)
    f_number = f_number_from_directivity(tiny, sound_speed_m_s=1540.0, level_db=level_db)
    assert f_number == pytest.approx(1 / (2 * math.tan(math.pi / 3)), rel=1e-6)
    assert directivity(math.pi / 3, 0.0) == pytest.approx(0.5)


def test_the_upper_end_of_the_band_counts_unless_a_frequency_is_given() -> None:
    by_band = f_number_from_directivity(LINEAR, sound_speed_m_s=1540.0)
    assert by_band == f_number_from_directivity(LINEAR, sound_speed_m_s=1540.0, frequency_hz=6.5e6)
    assert by_band > f_number_from_directivity(LINEAR, sound_speed_m_s=1540.0, frequency_hz=5e6)


def test_a_beamformer_takes_it_by_name() -> None:
    plan = Beamformer(LINEAR, plane_waves([0]), RECEIVE, SCAN, f_number="directivity")
    expected = f_number_from_directivity(LINEAR, sound_speed_m_s=RECEIVE.sound_speed_m_s)
    assert plan.method.f_number == expected


@pytest.mark.parametrize(
    "options",
    [
        {"sound_speed_m_s": 0.0},
        {"sound_speed_m_s": math.nan},
        {"sound_speed_m_s": 1540.0, "frequency_hz": -1.0},
        {"sound_speed_m_s": 1540.0, "level_db": 0.0},
        {"sound_speed_m_s": 1540.0, "level_db": -math.inf},
        {"sound_speed_m_s": 1540.0, "level_db": math.nan},
    ],
)
def test_numbers_that_cannot_be_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError):
        f_number_from_directivity(LINEAR, **options)


@pytest.mark.parametrize("probe", [LINEAR, CURVED, MATRIX], ids=lambda probe: str(probe.kind))
def test_tangents_are_unit_vectors_along_the_array(probe: Probe) -> None:
    tangents = element_tangents(probe)
    np.testing.assert_allclose(np.linalg.norm(tangents, axis=1), 1)
    np.testing.assert_allclose(np.sum(tangents * probe.element_normals, axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(tangents[:, 1], 0)
    assert np.all(tangents[:, 0] > 0)


def test_an_element_that_looks_along_y_has_its_width_along_x() -> None:
    probe = Probe(
        name="Y", kind="other", element_positions_m=[[0, 0, 0]], element_normals=[[0, 1, 0]],
        pitch_m=1e-3, element_width_m=1e-3, **BAND,
    )  # type: ignore[arg-type]  # fmt: skip
    np.testing.assert_array_equal(element_tangents(probe), [[1, 0, 0]])


def test_size_is_measured_in_wavelengths_of_the_pulse_and_height_counts_for_matrices() -> None:
    def size(probe: Probe, frequency_hz: float | None = None) -> tuple[float, float]:
        sequence = TransmitSequence(transmits=(PlaneWave(),), frequency_hz=frequency_hz)
        return element_size_wavelengths(Geometry(probe, sequence, RECEIVE, SCAN))

    per_m = 5e6 / RECEIVE.sound_speed_m_s
    assert size(LINEAR) == pytest.approx((0.27e-3 * per_m, 0.0))
    assert size(LINEAR, 10e6) == pytest.approx((0.27e-3 * 2 * per_m, 0.0))
    assert size(MATRIX) == pytest.approx((0.3e-3 * per_m, 0.3e-3 * per_m))
    flat = Probe.matrix(
        "M", n_elements_x=3, n_elements_y=2, pitch_m=0.3e-3, element_height_m=0.2e-3, **BAND
    )
    assert size(flat) == pytest.approx((0.3e-3 * per_m, 0.2e-3 * per_m))
