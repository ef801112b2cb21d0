"""Everybody else on the same work: the usual numba loop, PyMUST, and hand-written C if it is there.

PyMUST's matrices take 20 s to build and up to 2 GB; of the volume a thirty-second part is built and
multiplied at a time, and its time scaled, because the whole matrix would take 8.6 GB.

The C ceilings are not part of this project: ``USDK_CEILING`` names a folder with a module `ceiling`
whose classes `Gather`, `Shift`, `Ensemble` and `Das3` take a workload and are called.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

__all__ = ["others_for"]

Run = Callable[[], Any]


@numba.njit(parallel=True, fastmath=True)
def _loop(data, points_m, elements_m, arrival_s, time_zero_s, fs, fd, c, f_number, out):  # type: ignore[no-untyped-def]
    n_transmits, n_elements, n_samples = data.shape
    for p in numba.prange(points_m.shape[0]):
        x, y, z = points_m[p, 0], points_m[p, 1], points_m[p, 2]
        total = out[p] * 0
        for t in range(n_transmits):
            for e in range(n_elements):
                dx, dy = x - elements_m[e, 0], y - elements_m[e, 1]
                if f_number > 0 and abs(dx) * 2 * f_number > z:
                    continue
                time_s = arrival_s[t, p] + math.sqrt(dx * dx + dy * dy + z * z) / c
                s = (time_s - time_zero_s) * fs
                i = int(s)
                if i < 0 or i >= n_samples - 1:
                    continue
                w = s - i
                value = (1 - w) * data[t, e, i] + w * data[t, e, i + 1]
                if fd > 0:
                    angle = 2 * math.pi * fd * time_s
                    value *= complex(math.cos(angle), math.sin(angle))
                total += value
        out[p] = total


def usual_numba(w: SimpleNamespace) -> Run:
    """The loop of most notebooks: point after point, on all cores; frame after frame."""
    is_volume = hasattr(w, "pos")
    axes = (w.x, w.y, w.z) if is_volume else (w.x, np.zeros(1), w.z)
    points_m = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    elements_m = w.pos if is_volume else np.column_stack((w.xe, 0 * w.xe, 0 * w.xe))
    if is_volume:
        arrival_s = w.txd.reshape(1, -1)
    else:
        angles = getattr(w, "angles", np.zeros(1))
        direction = np.column_stack((np.sin(angles), 0 * angles, np.cos(angles)))
        arrival_s = direction @ points_m.T / w.c
    frames = np.moveaxis(w.iqd, -1, 0)[:, None] if w.iq else w.rf[None]
    frames = np.ascontiguousarray(frames, np.complex64 if w.iq else np.float32)
    out = np.zeros((len(frames), len(points_m)), frames.dtype)
    fd = w.fc if w.iq else 0.0

    def run() -> Any:
        for data, image in zip(frames, out, strict=True):
            _loop(data, points_m, elements_m, arrival_s, w.t0, w.fs, fd, w.c, w.fnumber, image)
        return np.moveaxis(out, 0, -1).reshape(w.shape) if w.iq else out[0].reshape(w.shape)

    return run


def pymust_matrix(w: SimpleNamespace) -> Run:
    """`pymust.dasmtx` as shipped: one sparse matrix per transmit, times the data."""
    import pymust

    parameters = _pymust_parameters(w)
    x, z = np.meshgrid(w.x, w.z, indexing="ij")
    size = np.array([w.ns, w.ne]) * (1j if w.iq else 1)
    matrices = [
        pymust.dasmtx(size, x, z, w.tx_delays[t : t + 1], parameters).astype(
            np.complex64 if w.iq else np.float32
        )
        for t in range(w.na)
    ]
    if w.iq:
        records = np.ascontiguousarray(w.iqd.reshape(w.ne * w.ns, w.nf))

        def frames() -> Any:
            image = matrices[0] @ records
            return image.reshape(*w.shape[1::-1], w.nf).transpose(1, 0, 2)

        return frames
    signals = np.ascontiguousarray(w.rf.reshape(w.na, -1))

    def run() -> Any:
        total = sum(matrix @ signal for matrix, signal in zip(matrices, signals, strict=True))
        return total.reshape(w.shape, order="F")

    return run


def pymust_volume(w: SimpleNamespace) -> Run:
    """`pymust.dasmtx3` on a thirty-second part of the volume, ready matrix, times 32."""
    import pymust

    parameters = _pymust_parameters(w)
    parameters.width = parameters.height = 0.25e-3
    parameters.fnumber = np.zeros(2)
    parameters.elements = w.pos[:, :2].T.copy()
    grid = np.meshgrid(w.x, w.y, w.z[64:68], indexing="ij")
    size = np.array([w.ns, w.ne])
    matrix = pymust.dasmtx3(size, *grid, w.tx_delays, parameters).astype(np.float32).tocsr()
    signal = np.ascontiguousarray(w.rf[0].reshape(-1))

    def run() -> None:
        for _ in range(32):
            matrix @ signal

    return run


def _pymust_parameters(w: SimpleNamespace) -> Any:
    from pymust.utils import Param

    parameters = Param()
    parameters.fs, parameters.fc, parameters.c, parameters.pitch = w.fs, w.fc, w.c, w.pitch
    parameters.Nelements, parameters.radius = w.ne, np.inf
    parameters.t0, parameters.fnumber = np.array([float(w.t0)]), float(w.fnumber)
    return parameters


def others_for(workload: str) -> dict[str, Callable[[SimpleNamespace], Run]]:
    """Return who else does a workload."""
    if workload.startswith("convex"):
        return {}
    found: dict[str, Callable[[SimpleNamespace], Run]] = {"usual numba": usual_numba}
    found["PyMUST"] = pymust_volume if workload == "volume" else pymust_matrix
    folder = os.environ.get("USDK_CEILING")
    if folder is None:
        return found
    sys.path.insert(0, folder)
    ceiling = importlib.import_module("ceiling")
    in_c: dict[str, dict[str, Callable[[SimpleNamespace], Run]]] = {
        "plane-waves": {
            "C, 8-tap skew": lambda w: ceiling.Shift(w, "8", 16, "das_shift_cut"),
            "C, exact": lambda w: ceiling.Shift(w, "exact", 16),
        },
        "plane-waves-between": {"C, pairs": lambda w: ceiling.Gather(w, "das_pairs", 8)},
        "disk": {"C, ensemble": lambda w: ceiling.Ensemble(w, "das_ensemble2", 8, 32)},
        "volume": {"C, pairs": lambda w: ceiling.Das3(w, "das_3d_pairs")},
    }
    return found | in_c[workload]
