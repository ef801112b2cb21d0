"""Point spread: Gaussians and sincs, whose widths and side lobes are known in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usdk.errors import ArgumentError
from usdk.quality import measure_point_spread
from usdk.scan import LinearScan, SectorScan

FWHM_OF_SIGMA = 2 * math.sqrt(2 * math.log(2))
X_M, Z_M = np.linspace(-6e-3, 6e-3, 121), np.linspace(10e-3, 30e-3, 401)
SCAN = LinearScan(x_m=X_M, z_m=Z_M)
# |sinc| falls to one half here, and rises to its first side lobe of −13.26 dB.
SINC_HALF = 0.603355
SINC_SIDE_LOBE_DB = -13.2615


def gaussian(x_m: float, z_m: float, lateral_m: float, axial_m: float) -> np.ndarray:
    across = np.exp(-0.5 * ((X_M - x_m) / (lateral_m / FWHM_OF_SIGMA)) ** 2)
    along = np.exp(-0.5 * ((Z_M - z_m) / (axial_m / FWHM_OF_SIGMA)) ** 2)
    return np.asarray(across[:, None] * along)


@given(
    x_m=st.floats(-2e-3, 2e-3),
    z_m=st.floats(18e-3, 22e-3),
    lateral_m=st.floats(0.4e-3, 1.5e-3),
    axial_m=st.floats(0.25e-3, 1e-3),
    gain=st.floats(1e-3, 1e6),
)
def test_a_gaussian(x_m: float, z_m: float, lateral_m: float, axial_m: float, gain: float) -> None:
    """Four samples in a width are enough for 0.5 % of it, wherever they fall."""
    found = measure_point_spread(
        gain * gaussian(x_m, z_m, lateral_m, axial_m),
        SCAN,
        (0.0, 20e-3),
        half_width_m=5e-3,
        half_depth_m=5e-3,
    )
    assert found.x_m == pytest.approx(x_m, abs=0.5e-6 + 0.002 * lateral_m)
    assert found.z_m == pytest.approx(z_m, abs=0.5e-6 + 0.002 * axial_m)
    assert found.fwhm_lateral_m == pytest.approx(lateral_m, rel=5e-3)
    assert found.fwhm_axial_m == pytest.approx(axial_m, rel=5e-3)
    assert found.peak == pytest.approx(gain, rel=5e-3)
    assert found.peak_side_lobe_db == -math.inf or found.peak_side_lobe_db < -200


@pytest.mark.parametrize("tilt", [-0.4, 0.0, 0.7])
def test_an_oblique_gaussian_is_cut_through_its_peak(tilt: float) -> None:
    """exp(−(a u² + 2 b u v + c v²) / 2) cut along u is a Gaussian of σ = 1 / √a, whatever b."""
    u, v = (X_M - 0.33e-3)[:, None] / 0.5e-3, (Z_M - 20.017e-3) / 0.2e-3
    image = np.exp(-0.5 * (u**2 + 2 * tilt * u * v + v**2))
    found = measure_point_spread(image, SCAN, (0.0, 20e-3), half_width_m=4e-3, half_depth_m=2e-3)
    assert found.x_m == pytest.approx(0.33e-3, abs=2e-6)
    assert found.z_m == pytest.approx(20.017e-3, abs=1e-6)
    assert found.fwhm_lateral_m == pytest.approx(FWHM_OF_SIGMA * 0.5e-3, rel=5e-3)
    assert found.fwhm_axial_m == pytest.approx(FWHM_OF_SIGMA * 0.2e-3, rel=5e-3)


def test_the_side_lobes_of_a_rectangular_aperture() -> None:
    along = np.exp(-0.5 * ((Z_M - 20e-3) / 0.3e-3) ** 2)
    image = np.abs(np.sinc((X_M - 0.02e-3) / 0.5e-3))[:, None] * along
    found = measure_point_spread(image, SCAN, (0.0, 20e-3), half_width_m=4e-3, half_depth_m=2e-3)
    assert found.fwhm_lateral_m == pytest.approx(2 * SINC_HALF * 0.5e-3, rel=5e-3)
    assert found.peak_side_lobe_db == pytest.approx(SINC_SIDE_LOBE_DB, abs=0.3)


def test_a_side_lobe_at_another_depth_counts() -> None:
    image = gaussian(0, 20e-3, 0.6e-3, 0.4e-3) + 0.1 * gaussian(2e-3, 20.6e-3, 0.6e-3, 0.4e-3)
    found = measure_point_spread(image, SCAN, (0.0, 20e-3), half_width_m=4e-3, half_depth_m=2e-3)
    assert found.peak_side_lobe_db == pytest.approx(-20, abs=0.05)


def test_widths_in_a_sector_are_arcs() -> None:
    """A target 2° wide is wider the deeper it stands, and its place is in x and z."""
    scan = SectorScan(
        angles_rad=np.radians(np.linspace(-40, 40, 321)),
        ranges_m=np.linspace(20e-3, 100e-3, 801),
        apex_m=(1e-3, -5e-3),
    )
    angle_rad, range_m, width_rad = math.radians(20.1), 71.03e-3, math.radians(2.0)
    across = np.exp(-0.5 * ((scan.angles_rad - angle_rad) / (width_rad / FWHM_OF_SIGMA)) ** 2)
    along = np.exp(-0.5 * ((scan.ranges_m - range_m) / (0.8e-3 / FWHM_OF_SIGMA)) ** 2)
    x_m = 1e-3 + range_m * math.sin(angle_rad)
    z_m = -5e-3 + range_m * math.cos(angle_rad)
    # The window's middle may be off; widths are taken where the peak is.
    for about_m in ((x_m, z_m), (x_m + 1e-3, z_m - 1.5e-3)):
        found = measure_point_spread(
            across[:, None] * along, scan, about_m, half_width_m=8e-3, half_depth_m=4e-3
        )
        assert math.dist((found.x_m, found.z_m), (x_m, z_m)) < 5e-6
        assert found.fwhm_lateral_m == pytest.approx(range_m * width_rad, rel=3e-3)
        assert found.fwhm_axial_m == pytest.approx(0.8e-3, rel=3e-3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"about_m": (0.0, 21.5e-3), "half_depth_m": 1e-3}, "rim of the window"),
        ({"half_width_m": 0.3e-3}, "does not fall to half"),
        ({"half_width_m": 0.1e-3}, "lines, at least 5"),
        ({"about_m": (30e-3, 20e-3)}, "lines, at least 5"),
        ({"half_depth_m": math.nan}, "positive"),
    ],
)
def test_windows_that_cannot_be_measured_are_refused(
    changes: dict[str, object], message: str
) -> None:
    image = gaussian(0, 20e-3, 1e-3, 0.5e-3)
    options: dict[str, object] = {
        "about_m": (0.0, 20e-3),
        "half_width_m": 3e-3,
        "half_depth_m": 3e-3,
    }
    with pytest.raises(ArgumentError, match=message):
        measure_point_spread(image, SCAN, **(options | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.0, np.nan, -60.0])
def test_windows_without_an_envelope_are_refused(value: float) -> None:
    image = np.full(SCAN.shape, value)
    with pytest.raises(ArgumentError, match="finite amplitudes"):
        measure_point_spread(image, SCAN, (0, 20e-3), half_width_m=3e-3, half_depth_m=3e-3)


def test_a_picture_of_another_shape_is_refused() -> None:
    with pytest.raises(ArgumentError, match="of shape"):
        measure_point_spread(np.ones((3, 4)), SCAN, (0, 0), half_width_m=1, half_depth_m=1)
