"""Everybody else on the same work: the usual numba loop, PyMUST, and hand-written C if it is there.

PyMUST's matrices take 20 s to build and up to 2 GB; of the volume a thirty-second part is built and
multiplied at a time, and its time scaled, because the whole matrix would take 8.6 GB.

The C ceilings are not part of this project: ``USDK_BENCH_CEILING`` names a folder with a module
`ceiling` whose classes `Gather`, `Shift`, `Ensemble` and `Das3` take a workload and are called.
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
from ours import beamformer

__all__ = ["others_for"]

Run = Callable[[], Any]


def loop(is_iq: bool) -> Any:
    """Compile the loop of most notebooks."""

    @numba.njit(parallel=True, fastmath=True)
    def das(data, points_m, elements_m, normals, arrival_s, time_zero_s, fs, fd, c, f_number, out):  # type: ignore[no-untyped-def]
        n_transmits, n_elements, n_samples = data.shape
        for p in numba.prange(points_m.shape[0]):
            total = out[p] * 0
            for t in range(n_transmits):
                for e in range(n_elements):
                    dx = points_m[p, 0] - elements_m[e, 0]
                    dy = points_m[p, 1] - elements_m[e, 1]
                    dz = points_m[p, 2] - elements_m[e, 2]
                    away2 = dx * dx + dy * dy + dz * dz
                    axial = dx * normals[e, 0] + dz * normals[e, 2]
                    if 4 * f_number * f_number * (away2 - axial * axial) > axial * axial:
                        continue
                    time_s = arrival_s[t, p] + math.sqrt(away2) / c
                    s = (time_s - time_zero_s) * fs
                    i = int(s)
                    if i < 0 or i >= n_samples - 1:
                        continue
                    w = s - i
                    value = (1 - w) * data[t, e, i] + w * data[t, e, i + 1]
                    if is_iq:
                        angle = 2 * math.pi * fd * time_s
                        total += value * complex(math.cos(angle), math.sin(angle))
                    else:
                        total += value
            out[p] = total

    return das


def usual_numba(w: SimpleNamespace) -> Run:
    """The loop of most notebooks: point after point, on all cores; frame after frame."""
    plan = beamformer(w)
    probe, points_m = plan.geometry.probe, plan.geometry.scan.points_m().reshape(-1, 3)
    elements_m, normals = probe.element_positions_m.copy(), probe.element_normals.copy()
    arrival_s = np.stack(
        [wave.arrival_time_s(points_m, probe, w.c) for wave in plan.geometry.sequence.transmits]
    )
    is_ensemble = hasattr(w, "iqd")
    frames = np.moveaxis(w.iqd, -1, 0)[:, None] if is_ensemble else w.data[None]
    frames = np.ascontiguousarray(frames, np.complex64 if w.iq else np.float32)
    out = np.zeros((len(frames), len(points_m)), frames.dtype)
    fd, das = w.fc if w.iq else 0.0, loop(w.iq)

    def run() -> Any:
        for data, image in zip(frames, out, strict=True):
            das(
                data,
                points_m,
                elements_m,
                normals,
                arrival_s,
                w.t0,
                w.fs,
                fd,
                w.c,
                w.fnumber,
                image,
            )
        return np.moveaxis(out, 0, -1).reshape(w.shape) if is_ensemble else out[0].reshape(w.shape)

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
    found: dict[str, Callable[[SimpleNamespace], Run]] = {"usual numba": usual_numba}
    if workload.startswith("convex"):
        return found
    found["PyMUST"] = pymust_volume if workload == "volume" else pymust_matrix
    folder = os.environ.get("USDK_BENCH_CEILING")
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
