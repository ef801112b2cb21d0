"""Tables computed tile by tile: the same as those held, in little memory."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer, TransmitWeighting
from usdk.beamform.computed_tables import ComputedTables
from usdk.beamform.point_tables import POINTS_PER_TILE, PointTables
from usdk.probe import Probe
from usdk.scan import LinearScan, PyramidScan, Scan, SectorScan, VolumeScan
from usdk.transmit import (
    DivergingWave,
    FocusedWave,
    PlaneWave,
    SingleElement,
    Transmit,
    TransmitSequence,
)

PROBE = dataclasses.replace(
    Probe.matrix(
        "M",
        n_elements_x=6,
        n_elements_y=5,
        pitch_m=0.3e-3,
        centre_frequency_hz=3e6,
        fractional_bandwidth=0.6,
    ),
    lens_delay_s=0.3e-6,
)
WAVES: tuple[Transmit, ...] = (
    PlaneWave(azimuth_rad=0.2, elevation_rad=-0.1),
    DivergingWave(source_m=(1e-3, 2e-3, -7e-3), origin_m=(0.5e-3, 0.0, 0.0)),
    SingleElement(element=17),
)
ANGLES, RANGES = np.linspace(-0.4, 0.5, 13), np.linspace(3e-3, 30e-3, 97)
SCANS: dict[str, Scan] = {
    "linear": LinearScan(x_m=np.linspace(-5e-3, 4e-3, 61), z_m=RANGES),
    "sector": SectorScan(angles_rad=ANGLES, ranges_m=RANGES, apex_m=(1e-3, -2e-3)),
    "volume": VolumeScan(x_m=np.linspace(-3e-3, 3e-3, 9), y_m=ANGLES / 100, z_m=RANGES),
    "pyramid": PyramidScan(
        azimuths_rad=ANGLES, elevations_rad=ANGLES, ranges_m=RANGES, apex_m=(1e-3, 0.0, -2e-3)
    ),
}


def planned(scan: Scan, waves: tuple[Transmit, ...] = WAVES, **options: Any) -> Beamformer:
    receive = ReceiveSettings(
        sampling_frequency_hz=12e6, n_samples=700, time_zero_s=(1e-7,) * len(waves)
    )
    options = {"weighting": "compound", **options}
    return Beamformer(PROBE, TransmitSequence(transmits=waves), receive, scan, **options)


@pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS)
def test_computed_tables_equal_held_ones(scan: Scan) -> None:
    beamformer = planned(scan)
    held = PointTables(beamformer.geometry, beamformer.method)
    computed = ComputedTables(beamformer.geometry, beamformer.method)
    assert ComputedTables.applies_to(beamformer.geometry, beamformer.method)
    assert [tile.points for tile in computed.tiles] == [tile.points for tile in held.tiles]
    data = np.zeros((3, 30, 700), np.float32)
    for one, other in zip(held.tiles, computed.tiles, strict=True):
        for expected, found in zip(
            held.arguments(one, data), computed.arguments(other, data), strict=True
        ):
            assert np.shape(expected) == np.shape(found)
            assert np.asarray(expected).dtype == np.asarray(found).dtype
            np.testing.assert_allclose(found, expected, rtol=2e-7, atol=1e-18)


def test_a_large_scan_of_many_waves_takes_little_memory() -> None:
    axis_m = np.linspace(-1e-2, 1e-2, 96)
    scan = VolumeScan(x_m=axis_m, y_m=axis_m, z_m=np.linspace(1e-3, 4e-2, 256))
    waves = tuple(DivergingWave(source_m=(x, 0.0, -5e-3)) for x in np.linspace(-3e-3, 3e-3, 32))
    beamformer = planned(scan, waves, kernel="general")
    # 2.4 million voxels, 32 waves: held tables would take 0.9 GiB.
    assert beamformer.n_bytes < 3 * 2**20
    assert beamformer._plan.n_tiles == 96 * 96 * 256 // POINTS_PER_TILE


class Spiral(Scan):
    """Points on no lines."""

    shape = (50,)

    def points_m(self) -> Any:
        turn = np.linspace(0, 9, 50)
        return np.stack((np.cos(turn), np.sin(turn), 10 + turn), axis=1) * 1e-3


@pytest.mark.parametrize(
    ("scan", "waves", "weighting"),
    [
        (Spiral(), WAVES, "compound"),
        (SCANS["volume"], (*WAVES, FocusedWave(focus_m=(0.0, 0.0, 0.02))), "compound"),
        (SCANS["volume"], (FocusedWave(focus_m=(0.0, 0.0, 0.02)),) * 2, "lines"),
    ],
)
def test_what_is_not_known_by_lines_and_terms_is_held(
    scan: Scan, waves: tuple[Transmit, ...], weighting: str
) -> None:
    beamformer = planned(scan, waves, weighting=TransmitWeighting(weighting))
    assert not ComputedTables.applies_to(beamformer.geometry, beamformer.method)
    data = np.ones((len(waves), 30, 700), np.float32)
    assert np.isfinite(beamformer(data)).all()


def test_an_element_that_the_probe_has_not_is_refused() -> None:
    from usdk.errors import ArgumentError

    with pytest.raises(ArgumentError, match="does not exist"):
        planned(SCANS["linear"], (SingleElement(element=30),))
