"""How the time of a frame grows with points, elements and transmits.

    python benchmarks/side_by_side/growth.py

For every kernel, the time of twice as much over that of once as much: 2 where it grows linearly.
The aperture is open, so that twice the elements are twice the pairs.
"""

from __future__ import annotations

import time

import numpy as np

from usdk.acquisition import ReceiveSettings
from usdk.beamform import Beamformer
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

ROUNDS = 9
ONCE = {"columns": 128, "depths": 256, "elements": 64, "transmits": 5}


def least_ms(kernel: str, columns: int, depths: int, elements: int, transmits: int) -> float:
    """Return the least time of a frame on one thread, ms."""
    probe = Probe.linear(
        "growth", n_elements=elements, pitch_m=0.3e-3, centre_frequency_hz=5e6,
        fractional_bandwidth=0.6,
    )  # fmt: skip
    receive = ReceiveSettings(
        sampling_frequency_hz=20e6, n_samples=1800, time_zero_s=(0.0,) * transmits
    )
    scan = LinearScan(
        x_m=(np.arange(columns) - columns / 2) * 0.3e-3 + 0.15e-3,
        z_m=np.linspace(10e-3, 40e-3, depths),
    )
    waves = plane_waves(np.linspace(-8, 8, transmits))
    plan = Beamformer(probe, waves, receive, scan, f_number=0, kernel=kernel)
    shape = (transmits, elements, 1800)
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    out, times_ms = np.empty(scan.shape, np.float32), []
    for _ in range(ROUNDS):
        begun_s = time.thread_time()
        plan(data, out=out, threads=1)
        times_ms.append((time.thread_time() - begun_s) * 1e3)
    return min(times_ms)


if __name__ == "__main__":
    print("| kernel | " + " | ".join(f"twice the {what}" for what in ONCE) + " |")
    print("|---" * (len(ONCE) + 1) + "|")
    for kernel in ("general", "range", "lattice", "shift"):
        once_ms = least_ms(kernel, **ONCE)
        grown = (least_ms(kernel, **{**ONCE, what: 2 * n}) / once_ms for what, n in ONCE.items())
        print(f"| {kernel} | " + " | ".join(f"× {ratio:.2f}" for ratio in grown) + " |")
