"""Colour end to end: int16 channel data in, RGB frames out; rate, latency, stages and memory.

``python benchmarks/colour [n_frames]``; two threads unless USDK_N_THREADS says otherwise.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.doppler import Averaging, ColourMode, Interleaved
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

PROBE = Probe.linear(
    "L11-5v", n_elements=128, pitch_m=0.3e-3, centre_frequency_hz=7.6e6, fractional_bandwidth=0.77
)
PLAN = Interleaved(
    b_mode=plane_waves([-6, 0, 6]), colour=plane_waves([0]), packet_size=12, prf_hz=6e3
)
N_SAMPLES = 1800  # 40 mm and the slanting echoes of that depth
X_M = PROBE.element_positions_m[:, 0]
VIEW = LinearScan(x_m=X_M, z_m=np.linspace(2e-3, 40e-3, 512))
BOX = LinearScan(x_m=X_M[32:96], z_m=VIEW.z_m[128:384])


def channel_data(n_frames: int) -> Acquisition:
    """Noise, since times do not depend on it: (n_frames, 15, 128, 1800) int16."""
    rng = np.random.default_rng(0)
    n = PLAN.n_transmits
    return Acquisition(
        data=rng.integers(-2000, 2000, (n_frames, n, 128, N_SAMPLES), dtype=np.int16),
        probe=PROBE,
        sequence=PLAN.sequence,
        receive=ReceiveSettings(
            sampling_frequency_hz=30.4e6, n_samples=N_SAMPLES, time_zero_s=(0.0,) * n
        ),
        device_timestamps_s=np.arange(n_frames) * PLAN.frame_period_s,
    )


def mode_for(acquisition: Acquisition) -> ColourMode:
    """Polynomial filter, 2-D autocorrelator, averaging and persistence."""
    averaging = Averaging(n_lines=3, n_samples=5, window="hann", persistence=0.3)
    return ColourMode(
        acquisition,
        PLAN,
        box=BOX,
        averaging=averaging,
        estimator="2-D autocorrelation",
        grey={"scan": VIEW},
    )


def times_ms(work: Callable[[], Any], n: int) -> np.ndarray[Any, Any]:
    """Return how long each call takes, after two that do not count."""
    work(), work()
    times = np.empty(n)
    for k in range(n):
        begun = time.perf_counter()
        work()
        times[k] = time.perf_counter() - begun
    return times * 1e3


def main() -> None:
    n_frames = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    os.environ.setdefault("USDK_N_THREADS", "2")
    acquisition = channel_data(4)
    mode = mode_for(acquisition)
    frames = iter(range(10**9))
    ms = times_ms(lambda: mode(acquisition[(k := next(frames) % 4) : k + 1]), n_frames)
    b_mode, packets = PLAN.split(acquisition[:1])
    grey, flow_map = mode.b_mode(b_mode)[0], mode.flow(packets)[0]
    stages: list[tuple[str, Callable[[], Any]]] = [
        ("B-mode, 3 × 128 × 1800 to 512 rows of grey", lambda: mode.b_mode(b_mode)),
        ("packets, 12 × 128 × 1800 to 64 × 256 × 12", lambda: mode.flow.packets(packets)),
        ("packets to the flow map", lambda: mode.flow(packets)),
        ("composition to RGB", lambda: mode.composer(grey, flow_map)),
    ]
    print(f"{platform.machine()}, {os.environ['USDK_N_THREADS']} threads, {n_frames} frames")
    print("| stage | p50 | p99 |\n|---|---|---|")
    p50, p99 = np.percentile(ms, (50, 99))
    print(f"| **a frame, channel data to RGB** | **{p50:.1f} ms** | **{p99:.1f} ms** |")
    for name, work in stages:
        p50_stage, p99_stage = np.percentile(times_ms(work, max(10, n_frames // 4)), (50, 99))
        print(f"| {name} | {p50_stage:.2f} ms | {p99_stage:.2f} ms |")
    print(
        f"{1e3 / ms.mean():.0f} frames/s sustained; the plan holds {mode.n_bytes / 2**20:.1f} MiB"
    )


if __name__ == "__main__":
    main()
