"""Packets with intervals that take turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usdk.doppler.dealiasing import StaggeredPacket
from usdk.errors import ArgumentError

PACKET = StaggeredPacket((3e-4, 4e-4), frequency_hz=5e6)


def echoes(velocity_m_s, n_pulses=13):
    """Return the pulses of scatterers that come nearer at a speed."""
    times_s = PACKET.pulse_times_s(n_pulses)
    phase = 4 * np.pi * 5e6 / 1540 * np.multiply.outer(velocity_m_s, times_s)
    return np.exp(1j * phase).astype(np.complex64)


def test_the_pulses_take_turns():
    np.testing.assert_allclose(PACKET.pulse_times_s(5), np.array([0, 3, 7, 10, 14]) * 1e-4)
    assert PACKET.nyquist_m_s == pytest.approx(1540 / 5e6 / 4 / 1e-4)


def test_velocities_up_to_the_extended_nyquist_velocity_are_right_and_towards_the_probe():
    truth = np.linspace(-0.99, 0.99, 60).reshape(6, 10) * PACKET.nyquist_m_s
    lags = PACKET.lags(echoes(truth))
    assert lags.shape == (2, 6, 10)
    found = PACKET(lags)
    np.testing.assert_allclose(found.velocity_m_s, truth, atol=1e-5)
    assert found.residual_m_s.max() < 1e-5


def test_three_intervals_are_told_apart():
    packet = StaggeredPacket((3e-4, 4e-4, 5e-4), frequency_hz=5e6)
    times_s = packet.pulse_times_s(10)
    truth = 0.9 * packet.nyquist_m_s
    pulses = np.exp(4j * np.pi * 5e6 / 1540 * truth * times_s).astype(np.complex64)
    assert float(packet(packet.lags(pulses)).velocity_m_s) == pytest.approx(truth, rel=1e-4)


def test_what_is_no_packet_is_refused():
    with pytest.raises(ArgumentError):
        PACKET.lags(np.zeros((4, 2), np.complex64))
    with pytest.raises(ArgumentError):
        PACKET.lags(np.zeros((4, 8)))
    with pytest.raises(ArgumentError):
        PACKET(np.zeros((3, 4), np.complex64))


@pytest.mark.parametrize("n_pulses", [2**40, -1, 1.5, None])
def test_a_packet_that_cannot_be_has_no_times(n_pulses: Any) -> None:
    packet = StaggeredPacket((2e-4, 3e-4), frequency_hz=5e6)
    with pytest.raises(ArgumentError, match="n_pulses"):
        packet.pulse_times_s(n_pulses)
