"""The rotating disk, measured, through the colour pipeline as a user calls it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.doppler import ColourFlow
from usdk.quality import Circle
from usdk.scan import LinearScan

CENTRE_M = (-0.8e-3, 23.4e-3)


@pytest.mark.parametrize(
    ("estimator", "slope"), [("autocorrelation", 61.3), ("2-D autocorrelation", 62.4)]
)
def test_the_disk_turns_as_a_rigid_body_and_as_the_peer_says(
    recording: Callable[[str], Acquisition],
    data_file: Callable[[str], Path],
    estimator: str,
    slope: float,
) -> None:
    """Measured: slope −61.3 (2-D −62.4) 1/s, along z 0.1 % (0.2 %) of it, residual 1.4 (1.3) cm/s;
    correlation with the peer's map 0.9986 (0.9985), rms 1.4 (1.7) cm/s apart of 28 cm/s."""
    with np.load(data_file("refs/PWI_disk_pymust019.npz")) as file:
        scan, theirs_m_s = LinearScan(x_m=file["x"], z_m=file["z"]), file["vd"].T
    acquisition = recording("pymust/PWI_disk.mat")
    plan = ColourFlow(acquisition, packet_size=32, scan=scan, clutter=None, estimator=estimator)
    (flow_map,) = plan(acquisition)
    assert flow_map.nyquist_m_s == pytest.approx(0.74)
    inside = Circle(*CENTRE_M, 9e-3).mask(scan)
    velocity_m_s = flow_map.velocity_m_s[inside].astype(np.float64)
    places_m = scan.points_m()[inside][:, [0, 2]]
    terms = np.column_stack((places_m, np.ones(len(places_m))))
    fitted, *_ = np.linalg.lstsq(terms, velocity_m_s, rcond=None)
    # Positive towards the probe: what turns downwards on the right has a negative slope.
    assert fitted[0] == pytest.approx(-slope, abs=0.5)
    assert 58 < -fitted[0] < 65
    assert abs(fitted[1]) < 0.03 * abs(fitted[0])
    assert np.sqrt(np.mean((terms @ fitted - velocity_m_s) ** 2)) < 0.03
    assert np.corrcoef(velocity_m_s, theirs_m_s[inside])[0, 1] > 0.997
    assert np.sqrt(np.mean((velocity_m_s - theirs_m_s[inside]) ** 2)) < 0.03
