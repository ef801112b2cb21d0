from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest

from usdk.doppler import SlowTime
from usdk_drivers.simulator.vessel import Vessel

CLOCK = SlowTime(prf_hz=5000.0, frequency_hz=5e6, sound_speed_m_s=1540.0)


class Pulsatile(NamedTuple):
    """A gate that a vessel's lumen fills, and the truth about its flow, along the beam."""

    signal: Any
    slow_time: SlowTime
    vessel: Vessel


def filled_gate(vessel: Vessel, duration_s: float, *, snr_db: float = 20.0, seed: int = 1) -> Any:
    """Blood of a parabolic profile: all velocities up to the greatest are as frequent."""
    random = np.random.default_rng(seed)
    time_s = np.arange(int(duration_s * CLOCK.prf_hz)) / CLOCK.prf_hz
    turns = 2 * CLOCK.frequency_hz / CLOCK.sound_speed_m_s * vessel.axis_displacement_m(time_s)
    n_live = 256  # pulses for which a scatterer stays in the gate
    signal = np.zeros(time_s.size, complex)
    for share in random.random(300):
        place = time_s * CLOCK.prf_hz / n_live + random.random()
        begun = place.astype(int)
        past = (place - begun) * np.pi / 2
        shape = (2, begun[-1] + 2)
        amplitude = random.standard_normal(shape).T @ np.array([1, 1j])
        # One scatterer comes as the other leaves, at a constant power.
        live = amplitude[begun] * np.cos(past) + amplitude[begun + 1] * np.sin(past)
        signal += live * np.exp(2j * np.pi * share * turns)
    signal /= np.sqrt(np.mean(np.abs(signal) ** 2))
    noise = random.standard_normal((signal.size, 2)) @ np.array([1, 1j]) / np.sqrt(2)
    return (signal + noise * 10 ** (-snr_db / 20)).astype(np.complex64)


@pytest.fixture(scope="session")
def pulsatile() -> Pulsatile:
    vessel = Vessel(psv_m_s=0.3, edv_m_s=0.08, heart_rate_hz=1.2)
    return Pulsatile(filled_gate(vessel, 6.0), CLOCK, vessel)
