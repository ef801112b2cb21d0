"""Flow in a vessel, simulated by another's simulator: peak and shape of the velocity profile."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition
from usdk.doppler import Averaging, ColourFlow, FlowMap
from usdk.doppler.clutter import PolynomialFilter
from usdk.scan import LinearScan

# What the simulation was told: parabolic flow, its axis through (0, 17 mm) and 30° from x.
PEAK_M_S, RADIUS_M, DEPTH_M, ANGLE_RAD = 0.35, 3.5e-3, 17e-3, math.radians(30)
SCAN = LinearScan(x_m=np.arange(-40, 41) * 0.15e-3, z_m=np.arange(11e-3, 23e-3, 50e-6))
# The spectrum of the echoes, behind the bandwidth of probe and pulse, is centred below 7.6 MHz.
RECEIVED_HZ = 6.84e6


def flow(acquisition: Acquisition, **options: Any) -> FlowMap:
    """A narrow aperture, which hears along −z, and a filter for tissue that stands still."""
    averaging = Averaging(n_lines=5, n_samples=9)
    options = {"clutter": PolynomialFilter(1), **options}
    plan = ColourFlow(
        acquisition, packet_size=12, scan=SCAN, averaging=averaging, f_number=2.0, **options
    )
    (flow_map,) = plan(acquisition)
    return flow_map


def profile(flow_map: FlowMap) -> tuple[float, float, float]:
    """Peak along the flow, m/s, radius, m, and rms of the velocity along the beam, m/s."""
    x_m, _, z_m = np.moveaxis(SCAN.points_m(), -1, 0)
    across_m = -x_m * math.sin(ANGLE_RAD) + (z_m - DEPTH_M) * math.cos(ANGLE_RAD)
    inside = (np.abs(across_m) < 2.5e-3) & (np.abs(x_m) < 4e-3)
    measured, offset_m = flow_map.velocity_m_s[inside], across_m[inside]
    terms = np.stack((np.ones_like(offset_m), offset_m, offset_m**2), axis=1)
    (level, slope, bend), *_ = np.linalg.lstsq(terms, measured, rcond=None)
    peak_m_s = level - slope**2 / (4 * bend)
    truth = -PEAK_M_S * math.sin(ANGLE_RAD) * (1 - (offset_m / RADIUS_M) ** 2)
    rms_m_s = math.sqrt(np.mean((measured - truth) ** 2))
    return -peak_m_s / math.sin(ANGLE_RAD), math.sqrt(-peak_m_s / bend), rms_m_s


@pytest.mark.parametrize("tissue", ["l11_5v_flow_pw12", "l11_5v_flow_noclutter_pw12"])
@pytest.mark.parametrize(
    "options",
    [{"estimator": "2-D autocorrelation"}, {"frequency_hz": RECEIVED_HZ}],
    ids=["2-D", "received frequency"],
)
def test_the_profile_is_the_true_one_at_the_frequency_received(
    recording: Callable[[str], Acquisition], tissue: str, options: dict[str, Any]
) -> None:
    """Measured: peak 0.997 and 0.982 (2-D), 0.988 and 0.963 of the true one with and without
    tissue, radius within 3 %, rms 0.8 to 1.1 cm/s of 17.5."""
    peak_m_s, radius_m, rms_m_s = profile(flow(recording(f"simus/{tissue}.npz"), **options))
    assert peak_m_s == pytest.approx(PEAK_M_S, rel=0.05)
    assert radius_m == pytest.approx(RADIUS_M, rel=0.05)
    assert rms_m_s < 0.014


def test_at_the_frequency_sent_it_reads_low(recording: Callable[[str], Acquisition]) -> None:
    """By the ratio of both frequencies, as it must."""
    acquisition = recording("simus/l11_5v_flow_pw12.npz")
    sent, received = flow(acquisition), flow(acquisition, frequency_hz=RECEIVED_HZ)
    np.testing.assert_allclose(
        sent.velocity_m_s, received.velocity_m_s * (RECEIVED_HZ / 7.6e6), atol=1e-5
    )
    assert profile(sent)[0] < 0.95 * PEAK_M_S


def test_unfiltered_tissue_hides_the_flow(recording: Callable[[str], Acquisition]) -> None:
    flow_map = flow(recording("simus/l11_5v_flow_pw12.npz"), clutter=None)
    assert profile(flow_map)[2] > 0.05
