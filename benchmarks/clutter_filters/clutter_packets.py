"""Packets of a vessel whose truth is known: blood alone, under tissue, and under a moving wall."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from usdk.doppler import ColourFlow, SlowTime
from usdk.io import load_recording
from usdk.scan import LinearScan

DATA = Path(__file__).parents[2] / "tests/data/simus"
SCAN = LinearScan(x_m=np.arange(-40, 41) * 0.15e-3, z_m=np.arange(11e-3, 23e-3, 50e-6))
N_PULSES = 12
PRF_HZ = 6000.0
# The spectrum of the echoes, behind the bandwidth of probe and pulse, is centred below 7.6 MHz.
SLOW_TIME = SlowTime(prf_hz=PRF_HZ, frequency_hz=6.84e6)
PEAK_M_S, RADIUS_M, DEPTH_M, ANGLE_RAD = 0.35, 3.5e-3, 17e-3, math.radians(30)

# The wall: its level over blood, its velocity along the beam from the left edge to the right, and
# its acceleration, which broadens its spectrum.
WALL_DB, WALL_M_S, WALL_M_S2 = 40.0, (4e-3, 12e-3), 2.0
NOISE_DB = -20.0

Packet = NDArray[np.complex64]


class Vessel(NamedTuple):
    """A packet and, where they are known apart, what it is made of."""

    packet: Packet
    tissue: Packet | None
    blood: Packet | None


def across_m() -> NDArray[np.float64]:
    """Distance of each point from the vessel's axis, m."""
    x_m, _, z_m = np.moveaxis(SCAN.points_m(), -1, 0)
    return np.asarray(-x_m * math.sin(ANGLE_RAD) + (z_m - DEPTH_M) * math.cos(ANGLE_RAD))


def truth_m_s() -> NDArray[np.float64]:
    """Velocity along the beam of each point in the vessel, m/s, positive towards the probe."""
    return -PEAK_M_S * math.sin(ANGLE_RAD) * (1 - (across_m() / RADIUS_M) ** 2)


def inside() -> NDArray[np.bool_]:
    """Points that are measured: in the vessel, away from its wall and the sides of the image."""
    x_m = SCAN.points_m()[..., 0]
    return (np.abs(across_m()) < 2.5e-3) & (np.abs(x_m) < 4e-3)


def outside() -> NDArray[np.bool_]:
    """Points of tissue."""
    return np.abs(across_m()) > 4.5e-3


@cache
def beamformed(name: str) -> Packet:
    """Return the packet of a recording."""
    acquisition = load_recording(DATA / f"{name}.npz")
    plan = ColourFlow(acquisition, packet_size=N_PULSES, scan=SCAN, f_number=2.0)
    return plan.packets(acquisition)[0]


@cache
def blood_alone() -> Vessel:
    """The recording without tissue."""
    blood = beamformed("l11_5v_flow_noclutter_pw12")
    return Vessel(blood, None, blood)


@cache
def standing() -> Vessel:
    """The recording whose tissue stands still, 20 dB above blood."""
    return Vessel(beamformed("l11_5v_flow_pw12"), None, None)


@cache
def moving() -> Vessel:
    """Blood of one recording under the tissue of the other, which moves, and noise.

    Tissue is what stands still in its recording; motion turns its phase. Its power is set against
    that of blood in the vessel: outside, where it is scattered, it is stronger still.
    """
    blood = beamformed("l11_5v_flow_noclutter_pw12")
    still = beamformed("l11_5v_flow_pw12").mean(axis=-1, keepdims=True)
    times_s = np.arange(N_PULSES) / PRF_HZ
    velocity_m_s = np.linspace(*WALL_M_S, SCAN.shape[0])[:, None, None]
    path_m = velocity_m_s * times_s + WALL_M_S2 / 2 * times_s**2
    phase = 4 * np.pi * SLOW_TIME.frequency_hz / SLOW_TIME.sound_speed_m_s * path_m
    tissue = still * np.exp(1j * phase)
    region = inside()
    power = np.mean(np.abs(blood[region]) ** 2)
    scale = np.sqrt(power * 10 ** (WALL_DB / 10) / np.mean(np.abs(tissue[region]) ** 2))
    rng = np.random.default_rng(20260925)
    noise = rng.standard_normal((*blood.shape, 2)) @ (1, 1j)
    noise *= np.sqrt(power * 10 ** (NOISE_DB / 10) / 2)
    tissue = (scale * tissue).astype(np.complex64)
    return Vessel((tissue + blood + noise).astype(np.complex64), tissue, blood)
