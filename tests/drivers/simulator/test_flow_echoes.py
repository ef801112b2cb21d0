"""What flows, seen through the entire chain: echoes, beamformer, and lag-one autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import usdk
from usdk.doppler.slow_time import SlowTime
from usdk_drivers.simulator import Vessel, flow_truth
from usdk_drivers.simulator.scenes import Truth

PRF_HZ = 5000.0
N_PULSES = 6
C_M_S = 1540.0
# A small vessel near the probe keeps the records short; its blood drowns the tissue's echoes.
VESSEL = (
    "sim:linear-l11-5v?scene=vessel&waveform=steady&depth_m=9e-3&radius_m=2e-3&psv_m_s=0.4"
    "&blood_db=20"
)


@dataclass(frozen=True)
class Packet:
    """Beamformed pulses, (n_lines, n_samples, n_pulses), where they are, and the truth."""

    iq: NDArray[np.complex64]
    points_m: NDArray[np.float64]
    frequency_hz: float
    truth: Truth

    def lag_one(self, where: NDArray[np.bool_]) -> complex:
        packet = self.iq[where]
        return complex((packet[:, 1:] * packet[:, :-1].conj()).sum())

    def received_hz(self, where: NDArray[np.bool_]) -> float:
        """Return the mean frequency received, from the phase along depth."""
        step_m = self.points_m[0, 1, 2] - self.points_m[0, 0, 2]
        along = (self.iq[:, 1:] * self.iq[:, :-1].conj())[where[:, 1:]].sum()
        return float(np.angle(along) / (2 * np.pi) * C_M_S / (2 * step_m)) % self.frequency_hz

    def velocity_m_s(self, where: NDArray[np.bool_], frequency_hz: float) -> float:
        slow_time = SlowTime(prf_hz=PRF_HZ, frequency_hz=frequency_hz)
        return float(slow_time.velocity_m_s(np.angle(self.lag_one(where))))


def packet_of(address: str, depth_m: float, start_m: float) -> Packet:
    with usdk.open_front_end(address) as front_end:
        front_end.configure(usdk.plane_waves(n_cycles=2, prf_hz=PRF_HZ), depth_m=depth_m)
        acquisition = front_end.read(N_PULSES, timeout_s=60)
    iq = usdk.demodulate(acquisition)
    scan = usdk.scan_for(iq.probe, depth_m=depth_m, start_m=start_m, n_lines=64)
    beamformed = usdk.Beamformer.for_acquisition(iq, scan).ensemble(N_PULSES)(iq.data)
    frequency_hz = iq.receive.demodulation_frequency_hz
    assert frequency_hz is not None
    return Packet(beamformed, scan.points_m(), frequency_hz, flow_truth(address))


@pytest.fixture(scope="module", params=[60, 120])
def vessel(request: pytest.FixtureRequest) -> tuple[Packet, float]:
    address = f"{VESSEL}&angle_deg={request.param}"
    return packet_of(address, 15e-3, 4e-3), 0.4 * float(np.cos(np.radians(request.param)))


def rings(packet: Packet) -> list[NDArray[Any]]:
    """Return the points of fifths of the relative radius, away from the ends."""
    assert isinstance(packet.truth, Vessel)
    relative = np.abs(packet.truth.offset_m(packet.points_m)) / packet.truth.radius_m
    middle = np.abs(packet.points_m[..., 0]) < 6e-3
    return [middle & (relative >= low) & (relative < low + 0.2) for low in np.arange(4) / 5]


def test_lag_one_gives_the_profile_towards_the_probe(vessel: tuple[Packet, float]) -> None:
    """Measured at the mean frequency received; see the assertion for how close."""
    packet, peak_m_s = vessel
    for ring in rings(packet):
        true_m_s = float(packet.truth.beam_velocity_m_s(packet.points_m[ring], 0.0).mean())
        found_m_s = packet.velocity_m_s(ring, packet.received_hz(ring))
        assert found_m_s == pytest.approx(true_m_s, abs=0.05 * abs(peak_m_s))
        assert np.sign(found_m_s) == np.sign(peak_m_s)


def test_blood_makes_fully_developed_speckle(vessel: tuple[Packet, float]) -> None:
    """Mean over standard deviation of the envelope: 1.91 for Rayleigh's, 1.7 to 1.9 measured."""
    packet, _ = vessel
    lumen = np.any(rings(packet), axis=0)
    envelope = np.abs(packet.iq[lumen])
    assert envelope.mean() / envelope.std() == pytest.approx(1.91, abs=0.3)


def test_speckle_decorrelates_as_blood_passes(vessel: tuple[Packet, float]) -> None:
    packet, _ = vessel
    centre = packet.iq[rings(packet)[0]]
    power = np.mean(np.abs(centre) ** 2)
    coherence = [
        abs((centre[:, lag:] * centre[:, : N_PULSES - lag].conj()).mean()) / power
        for lag in range(1, 5)
    ]
    assert np.all(np.diff(coherence) < 0)
    assert coherence[0] > 0.75
    assert coherence[-1] < 0.3


def test_a_disk_shows_its_rate_of_turning() -> None:
    packet = packet_of("sim:linear-l11-5v?scene=disk&depth_m=9e-3&radius_m=4e-3", 14e-3, 4e-3)
    x_m, z_m = packet.points_m[..., 0], packet.points_m[..., 2] - 9e-3
    inside = np.hypot(x_m, z_m) < 3.5e-3
    frequency_hz = packet.received_hz(inside)
    columns = [inside & (np.abs(x_m - at_m) < 0.5e-3) for at_m in np.linspace(-3e-3, 3e-3, 7)]
    towards_m_s = [packet.velocity_m_s(column, frequency_hz) for column in columns]
    slope, offset = np.polyfit([x_m[column].mean() for column in columns], towards_m_s, 1)
    assert slope == pytest.approx(-50.0, rel=0.05)
    assert abs(offset) < 0.01
