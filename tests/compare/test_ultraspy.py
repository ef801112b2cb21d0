"""RF beamformed by ultraspy 1.2.7 (delay-and-sum, boxcar, linear interpolation) and by us.

The peer times a transmit by the first heard of the elements that receive, where we time it by its
ideal wavefront. For a plane wave before the array the two are a wave front and its Huygens
envelope. Beyond a diverging wave's cone, and where the element through which the wave comes does
not receive, they part. Timed as the peer does, both agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.transmit import Transmit, TransmitSequence


@dataclass(frozen=True, kw_only=True)
class PeersWave(Transmit):
    """A wave timed as the peer times it."""

    wave: Transmit
    f_number: float

    def _delays_s(self, probe: Probe, sound_speed_m_s: float) -> NDArray[np.float64]:
        return self.wave.element_delays_s(probe, sound_speed_m_s)

    def arrival_time_s(
        self, points_m: NDArray[np.float64], probe: Probe, sound_speed_m_s: float
    ) -> NDArray[np.float64]:
        offset_m = points_m[:, None] - probe.element_positions_m
        flight_s = np.linalg.norm(offset_m, axis=-1) / sound_speed_m_s
        heard_s = self._delays_s(probe, sound_speed_m_s) + flight_s
        receives = np.abs(offset_m[..., 0]) * 2 * self.f_number <= offset_m[..., 2]
        return np.asarray(np.where(receives, heard_s, np.inf).min(axis=1))


def timed_as_the_peer(rf: Acquisition, f_number: float) -> Acquisition:
    waves = tuple(PeersWave(wave=wave, f_number=f_number) for wave in rf.sequence.transmits)
    return replace(rf, sequence=TransmitSequence(transmits=waves))


def off_the_rim(probe: Probe, scan: LinearScan, f_number: float) -> NDArray[np.bool_]:
    """Points for which no element lies on the very rim of the aperture, where rounding decides."""
    across_m = np.abs(scan.x_m[:, None] - probe.element_positions_m[:, 0])
    rim_m = across_m[:, None, :] * 2 * f_number - scan.z_m[:, None]
    return np.asarray(np.abs(rim_m).min(axis=2) > 1e-7)


CASES = {
    "three plane waves": ("pybf/rf_dataset.hdf5", "pybf_ultraspy127.npz", 1.5),
    "seven diverging waves": (
        "simus/p4_2v_diverging7.npz",
        "p4_2v_diverging7_ultraspy127.npz",
        1.0,
    ),
}


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "-"))
def case(
    request: pytest.FixtureRequest,
    recording: Callable[[str], Acquisition],
    data_file: Callable[[str], Path],
) -> tuple[str, Acquisition, NDArray[Any], LinearScan, float]:
    ours, theirs, f_number = CASES[request.param]
    with np.load(data_file(f"refs/{theirs}")) as file:
        scan = LinearScan(x_m=file["x"], z_m=file["z"])
        return request.param, recording(ours), file["rf_bf"].T, scan, f_number


def test_timed_as_the_peer_does(case: Any, nrmse: Any) -> None:
    """Measured: NRMSE 1.8e-5 for the plane waves and 1.3e-5 for the diverging ones.

    On every fourth column, without the points on the rim of an aperture.
    """
    _, rf, theirs, scan, f_number = case
    part = LinearScan(x_m=scan.x_m[::4], z_m=scan.z_m)
    plan = Beamformer.for_acquisition(
        timed_as_the_peer(rf, f_number), part, f_number=f_number, window="boxcar", normalize=False
    )
    sure = off_the_rim(rf.probe, part, f_number)
    assert sure.mean() > 0.9
    assert nrmse(plan(rf.data[0])[sure], theirs[::4][sure]) < 4e-5


def test_timed_by_the_ideal_wavefront(case: Any, nrmse: Any) -> None:
    """Measured: NRMSE 0.0017 for the plane waves.

    Diverging waves: 0.066 over the picture, 0.0041 before the array.
    """
    name, rf, theirs, scan, f_number = case
    plan = Beamformer.for_acquisition(rf, scan, f_number=f_number, window="boxcar", normalize=False)
    ours = plan(rf.data[0])
    whole, bound = (0.0025, 0.0025) if "plane" in name else (0.08, 0.006)
    assert nrmse(ours, theirs) < whole
    before = np.abs(scan.x_m) < rf.probe.element_positions_m[-1, 0]
    assert nrmse(ours[before], theirs[before]) < bound
