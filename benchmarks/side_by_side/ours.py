"""usdk on every workload, by each of its ways."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan, VolumeScan
from usdk.sequences import plane_waves
from usdk.transmit import DivergingWave, TransmitSequence

__all__ = ["OURS"]

Run = Callable[[], Any]


def beamformer(w: SimpleNamespace, **options: Any) -> Beamformer:
    """Return the plan of a workload, boxcar and not normalized, as the others are."""
    options = {"f_number": w.fnumber, "window": "boxcar", "normalize": False, **options}
    if hasattr(w, "receive"):
        scan = LinearScan(x_m=w.x, z_m=w.z)
        return Beamformer(w.probe, w.sequence, w.receive, scan, **options)
    receive = ReceiveSettings(
        sampling_frequency_hz=w.fs,
        n_samples=w.ns,
        time_zero_s=(w.t0,) * w.na,
        sound_speed_m_s=w.c,
        demodulation_frequency_hz=w.fc if w.iq else 0.0,
    )
    if hasattr(w, "probe"):
        angles_rad = np.linspace(-w.half_angle_rad, w.half_angle_rad, 7)
        sources = [(0.03 * np.sin(a), 0.0, 0.03 * np.cos(a) - 0.06) for a in angles_rad]
        waves = TransmitSequence(transmits=tuple(DivergingWave(source_m=s) for s in sources))
        fan = SectorScan(
            angles_rad=w.line_angles_rad,
            ranges_m=np.linspace(65e-3, 150e-3, 512),
            apex_m=(0.0, -60e-3),
        )
        return Beamformer(w.probe, waves, receive, fan, **options)
    band = {"centre_frequency_hz": w.fc, "fractional_bandwidth": 0.6}
    if hasattr(w, "pos"):
        probe = Probe.matrix("matrix", n_elements_x=32, n_elements_y=32, pitch_m=w.pitch, **band)
        wave = TransmitSequence(transmits=(DivergingWave(source_m=tuple(w.source)),))
        voxels = VolumeScan(x_m=w.x, y_m=w.y, z_m=w.z)
        return Beamformer(probe, wave, receive, voxels, **options)
    probe = Probe.linear("linear", n_elements=w.ne, pitch_m=w.pitch, **band)
    scan = LinearScan(x_m=w.x, z_m=w.z)
    return Beamformer(probe, plane_waves(np.rad2deg(w.angles)), receive, scan, **options)


def frame(**options: Any) -> Callable[[SimpleNamespace], Run]:
    """Beamform one frame."""

    def make(w: SimpleNamespace) -> Run:
        plan = beamformer(w, **options)
        data, out = w.data, np.empty(plan.shape, plan.dtype)
        return lambda: plan(data, out=out)

    return make


def ensemble(frames_fastest: bool) -> Callable[[SimpleNamespace], Run]:
    """Beamform all frames at once."""

    def make(w: SimpleNamespace) -> Run:
        plan = beamformer(w).ensemble(w.nf)
        out = np.empty(plan.shape, np.complex64)
        if frames_fastest:
            data = w.iqd[None]
            return lambda: plan.from_frames_fastest(data, out=out)
        first = np.ascontiguousarray(np.moveaxis(w.iqd, -1, 0))[:, None]
        return lambda: plan(first, out=out)

    return make


def frame_by_frame(w: SimpleNamespace) -> Run:
    """Beamform the frames of an ensemble one after the other, with the general kernel."""
    plan = beamformer(w, kernel="general")
    frames = np.ascontiguousarray(np.moveaxis(w.iqd, -1, 0))[:, None]
    out = np.empty((w.nf, *plan.shape), np.complex64)

    def run() -> Any:
        for data, image in zip(frames, out, strict=True):
            plan(data, out=image)
        return np.moveaxis(out, 0, -1)

    return run


_FINE: dict[str, Any] = {"interpolation": "band-limited"}
OURS: dict[str, dict[str, Callable[[SimpleNamespace], Run]]] = {
    "plane-waves": {
        "usdk, linear": frame(),
        "usdk, linear, lattice": frame(kernel="lattice"),
        "usdk, band-limited, 1": frame(**_FINE, upsampling=1),
        "usdk, band-limited, 2": frame(**_FINE, upsampling=2),
        "usdk, band-limited, 4": frame(**_FINE),
        "usdk, general": frame(kernel="general"),
    },
    "plane-waves-between": {
        "usdk": frame(),
        "usdk, resampled": frame(alignment="resample"),
        "usdk, general": frame(kernel="general"),
    },
    "disk": {
        "usdk, frames fastest": ensemble(frames_fastest=True),
        "usdk, frames first": ensemble(frames_fastest=False),
        "usdk, general, one by one": frame_by_frame,
    },
    "volume": {"usdk": frame(), "usdk, general": frame(kernel="general")},
    "convex-iq": {
        "usdk": frame(),
        "usdk, range": frame(kernel="range"),
        "usdk, general": frame(kernel="general"),
    },
    "convex-rf": {
        "usdk": frame(),
        "usdk, range": frame(kernel="range"),
        "usdk, general": frame(kernel="general"),
    },
}
