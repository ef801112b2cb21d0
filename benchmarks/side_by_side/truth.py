"""How close each interpolation comes to band-limited interpolation of the channel data.

    python benchmarks/side_by_side/truth.py

Eleven plane waves over 128 elements, four samples to the period; the channel data are noise in the
probe's band. The truth is the general kernel on sixteen times as many samples, made by FFT. The
error is the normalized RMS difference at the best common scale, since straight lines damp.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.signal
from ours import beamformer
from workloads import plane_waves, plane_waves_between

FINE = 16
WAYS: dict[str, dict[str, Any]] = {
    "nearest, general": {"interpolation": "nearest"},
    "linear, shift": {},
    "linear, general": {"kernel": "general"},
    "cubic, general": {"interpolation": "cubic"},
    **{
        f"band-limited, {n}, {kernel}": {
            "interpolation": "band-limited", "upsampling": n, "kernel": kernel,
        }
        for n in (1, 2, 4)
        for kernel in ("shift", "general")
    },
}  # fmt: skip
BETWEEN: dict[str, dict[str, Any]] = {"linear, range": {}, "resampled": {"alignment": "resample"}}


def in_band(w: SimpleNamespace) -> np.ndarray:
    """Return noise in the band of the probe, silent at both ends of the record."""
    edges_hz = w.fc * np.array((0.7, 1.3))
    sections = scipy.signal.butter(4, edges_hz, "bandpass", fs=w.fs, output="sos")
    rf = scipy.signal.sosfiltfilt(sections, w.rf) * scipy.signal.windows.tukey(w.ns, 0.05)
    return np.asarray(rf, np.float32)


def error(image: np.ndarray, truth: np.ndarray) -> float:
    """Return the normalized RMS difference at the best common scale."""
    scale = np.vdot(image, truth) / np.vdot(image, image)
    return float(np.linalg.norm(scale * image - truth) / np.linalg.norm(truth))


def report(w: SimpleNamespace, ways: dict[str, dict[str, Any]]) -> None:
    """Print the error of every way."""
    rf = in_band(w)
    fine = SimpleNamespace(**{**vars(w), "fs": w.fs * FINE, "ns": w.ns * FINE})
    more = scipy.signal.resample(rf, fine.ns, axis=-1).astype(np.float32)
    truth = beamformer(fine, kernel="general")(more)
    for way, options in ways.items():
        print(f"| {way} | {error(beamformer(w, **options)(rf), truth):.3f} |")


if __name__ == "__main__":
    print("| interpolation | error |\n|---|---|")
    report(plane_waves(), WAYS)
    print("| *columns between the elements* | |")
    report(plane_waves_between(), BETWEEN)
