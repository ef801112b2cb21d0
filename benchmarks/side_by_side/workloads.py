"""The work: geometry and data of every workload, in plain arrays that any participant can take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from usdk.demodulation import demodulate
from usdk.io import load_recording
from usdk.probe import Probe

__all__ = ["WORKLOADS"]

DISK = Path(__file__).parents[2] / "tests" / "data" / "pymust" / "PWI_disk.mat"
C_M_S = 1540.0


def plane_waves(x_m: np.ndarray | None = None) -> SimpleNamespace:
    """11 plane waves over 128 elements to 128 × 512 points on the elements, or to other columns."""
    w = SimpleNamespace(fs=31.25e6, fc=7.8e6, c=C_M_S, pitch=0.3e-3, ne=128, ns=2112, na=11, nf=1)
    w.fnumber, w.t0, w.iq = 1.0, 0.0, False
    w.angles = np.deg2rad(np.linspace(-16, 16, w.na))
    w.xe = (np.arange(w.ne) - (w.ne - 1) / 2) * w.pitch
    w.x = w.xe.copy() if x_m is None else x_m
    # No point lies exactly on an aperture's edge.
    w.z = np.linspace(5.013e-3, 40.013e-3, 512)
    w.rf = np.random.default_rng(1).standard_normal((w.na, w.ne, w.ns)).astype(np.float32)
    w.data = w.rf
    w.tx_delays = w.xe * np.sin(w.angles)[:, None] / w.c
    w.shape = (w.x.size, w.z.size)
    return w


def plane_waves_between() -> SimpleNamespace:
    """The same to 256 × 512 points whose columns do not stand on the elements."""
    xe = plane_waves().xe
    return plane_waves(np.linspace(xe[0], xe[-1], 256))


def disk() -> SimpleNamespace:
    """32 frames of one plane wave over a rotating disk, IQ, to 251 × 251 points."""
    iq = demodulate(load_recording(DISK))
    w = SimpleNamespace(probe=iq.probe, receive=iq.receive, sequence=iq.sequence, nf=iq.n_frames)
    w.fs, w.fc = iq.receive.sampling_frequency_hz, iq.receive.demodulation_frequency_hz
    w.c, w.t0, w.ns = iq.receive.sound_speed_m_s, iq.receive.time_zero_s[0], iq.receive.n_samples
    w.fnumber, w.iq, w.na, w.ne = 1.0, True, 1, iq.probe.n_elements
    w.xe, w.pitch = iq.probe.element_positions_m[:, 0], iq.probe.pitch_m
    w.iqd = np.ascontiguousarray(np.moveaxis(iq.data[:, 0], 0, -1))
    w.x, w.z = np.linspace(-12.5e-3, 12.5e-3, 251), np.linspace(10e-3, 35e-3, 251)
    w.tx_delays, w.shape = np.zeros((1, w.ne)), (251, 251, w.nf)
    return w


def volume() -> SimpleNamespace:
    """One diverging wave over 32 × 32 elements to 64 × 64 × 128 voxels, every element open."""
    w = SimpleNamespace(fs=15.625e6, fc=3.5e6, c=C_M_S, pitch=0.3e-3, ne=1024, ns=1280, na=1, nf=1)
    w.fnumber, w.t0, w.iq = 0.0, 0.0, False
    side = (np.arange(32) - 15.5) * w.pitch
    w.pos = np.stack((np.repeat(side, 32), np.tile(side, 32), np.zeros(1024)), axis=1)
    w.source = np.array((0.0, 0.0, -15e-3))
    w.x = w.y = np.linspace(-12e-3, 12e-3, 64)
    w.z = np.linspace(10e-3, 45e-3, 128)
    w.rf = np.random.default_rng(5).standard_normal((1, w.ne, w.ns)).astype(np.float32)
    w.data = w.rf
    x, y, z = np.meshgrid(w.x, w.y, w.z, indexing="ij")
    w.txd = (np.sqrt(x**2 + y**2 + (z - w.source[2]) ** 2) + w.source[2]) / w.c
    w.tx_delays = ((np.linalg.norm(w.pos - w.source, axis=1) + w.source[2]) / w.c)[None]
    w.shape = x.shape
    return w


def convex(is_iq: bool = True) -> SimpleNamespace:
    """7 diverging waves over a convex array of 128 elements to 192 × 512 polar points."""
    w = SimpleNamespace(fs=7.5e6 if is_iq else 20e6, fc=3.5e6, c=C_M_S, ne=128, na=7, iq=is_iq)
    w.fnumber, w.t0, w.ns = 1.0, 0.0, 1300 if is_iq else 3400
    w.probe = Probe.curved(
        "convex", n_elements=128, pitch_m=0.48e-3, radius_m=60e-3,
        centre_frequency_hz=w.fc, fractional_bandwidth=0.7,
    )  # fmt: skip
    w.half_angle_rad = 127 * 0.48e-3 / 60e-3 / 2
    # Lines on two thirds of the elements' pitch reach just past the outer ones.
    pitch_rad = 2 * np.arcsin(0.48e-3 / 60e-3 / 2)
    w.line_angles_rad = (np.arange(192) - 95.5) * pitch_rad * 2 / 3
    shape = (w.na, w.ne, w.ns)
    rng = np.random.default_rng(7)
    w.data = rng.standard_normal(shape).astype(np.float32)
    if is_iq:
        w.data = (w.data + 1j * rng.standard_normal(shape)).astype(np.complex64)
    w.shape = (192, 512)
    return w


def convex_rf() -> SimpleNamespace:
    """The same as RF."""
    return convex(is_iq=False)


WORKLOADS: dict[str, Callable[[], SimpleNamespace]] = {
    "plane-waves": plane_waves,
    "plane-waves-between": plane_waves_between,
    "disk": disk,
    "volume": volume,
    "convex-iq": convex,
    "convex-rf": convex_rf,
}
