"""From a simulated USB device to a B-mode frame in memory: rate, latency, loss and stages.

``python benchmarks/end_to_end [--seconds 10] [--bus pyusb|usbip]``. Channel data of 128 elements,
2,112 samples and 11 plane waves, int16, sent as packets with their CRC, taken apart by the driver,
handed through `usdk.Stream` to `usdk.BMode` of 128 × 512 points. First as fast as it goes, then at
shares of that rate by a device that drops what it cannot send. Sound itself needs 2 × depth / c for
each transmit. On the bus ``usbip`` the device is a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import usdk
from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.io import save_recording
from usdk.probe import Probe
from usdk.stream import StreamStatistics

N_ELEMENTS, N_SAMPLES, N_TRANSMITS = 128, 2112, 11
N_RECORDED = 8
SAMPLING_FREQUENCY_HZ = 31.25e6
SOUND_SPEED_M_S = 1540.0
SHARES = (0.5, 0.8)
WARM_UP_S = 1.0  # compiles or loads the kernels


PROBE = Probe.linear(
    "L11-5v",
    n_elements=N_ELEMENTS,
    pitch_m=0.3e-3,
    centre_frequency_hz=7.6e6,
    fractional_bandwidth=0.77,
)
DEPTH_M = N_SAMPLES / SAMPLING_FREQUENCY_HZ * SOUND_SPEED_M_S / 2
VIEW = usdk.LinearScan(
    x_m=PROBE.element_positions_m[:, 0], z_m=np.linspace(2e-3, 0.95 * DEPTH_M, 512)
)


def recording(folder: Path, frame_rate_hz: float) -> Path:
    """Noise, since times do not depend on it."""
    shape = (N_RECORDED, N_TRANSMITS, N_ELEMENTS, N_SAMPLES)
    data = np.random.default_rng(0).integers(-2000, 2000, shape, dtype=np.int16)
    acquisition = Acquisition(
        data=data,
        probe=PROBE,
        sequence=usdk.plane_waves(np.linspace(-10, 10, N_TRANSMITS)),
        receive=ReceiveSettings(
            sampling_frequency_hz=SAMPLING_FREQUENCY_HZ,
            n_samples=N_SAMPLES,
            time_zero_s=(0.0,) * N_TRANSMITS,
            sound_speed_m_s=SOUND_SPEED_M_S,
        ),
        device_timestamps_s=np.arange(N_RECORDED) / frame_rate_hz,
    )
    return Path(save_recording(folder / f"{frame_rate_hz:.0f}.usrec", acquisition))


@contextmanager
def address_on(bus: str, target: str) -> Iterator[str]:
    """Yield the address of the device on a bus."""
    if bus == "pyusb":
        yield f"sim:{target}"
        return
    # A process of its own, as a device has a processor of its own.
    command = [
        sys.executable,
        "-m",
        "usdk.cli",
        "simulate",
        f"sim:{target}",
        "--usbip",
        "0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            text = ""
            while not text.endswith("\n}\n"):
                text += server.stdout.readline()
            yield json.loads(text)["shared"][0]["address"]
        finally:
            server.terminate()


def run(address: str, seconds: float, *, when_full: str) -> tuple[float, StreamStatistics]:
    """Stream for a time; return frames per second and what was counted."""
    stream = usdk.Stream(address)
    pictures = stream.to(
        usdk.Planned(usdk.BMode, scan=VIEW), name="b-mode", capacity=2, when_full=when_full
    )
    outlet = pictures.outlet(name="display", capacity=2, when_full=when_full)
    n_frames, begun_s = 0, 0.0
    with stream:
        for _ in outlet:
            # The first frame makes the plan.
            if n_frames == 0:
                begun_s = time.monotonic()
            n_frames += 1
            if time.monotonic() - begun_s > seconds:
                stream.stop(discard=True)
                break
        rate_hz = (n_frames - 1) / (time.monotonic() - begun_s)
    return rate_hz, stream.statistics()


def row(name: str, rate_hz: float, statistics: StreamStatistics) -> None:
    source, b_mode = statistics.source, statistics["b-mode"]
    latency = b_mode.latency
    latency_ms = [f"{1e3 * s:.1f} ms" for s in (latency.median_s, latency.p99_s)]
    print(
        f"| {name} | {rate_hz:.1f} | {latency_ms[0]} | {latency_ms[1]} "
        f"| {source.n_frames_sent} | {source.n_frames_lost + source.n_frames_damaged} "
        f"| {b_mode.n_dropped} | {source.reading.median_s * 1e3:.1f} ms "
        f"| {b_mode.working.median_s * 1e3:.1f} ms |"
    )
    assert source.adds_up
    assert b_mode.adds_up


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--bus", choices=("pyusb", "usbip"), default="pyusb")
    arguments = parser.parse_args()
    sound_hz = SOUND_SPEED_M_S / (2 * DEPTH_M) / N_TRANSMITS
    print(
        f"{N_ELEMENTS} elements, {N_SAMPLES} samples, {N_TRANSMITS} plane waves, "
        f"{DEPTH_M * 1e3:.0f} mm: sound allows {sound_hz:.0f} frames/s, "
        f"{1e3 / sound_hz:.2f} ms a frame\n"
    )
    print("| device | frames/s | p50 | p99 | sent | lost | dropped | reading | B-mode |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        free = recording(folder, sound_hz)
        with address_on(arguments.bus, f"{free}?loop=1&speed=0") as address:
            run(address, WARM_UP_S, when_full="block")
            best_hz, statistics = run(address, arguments.seconds, when_full="block")
        row("as fast as it goes", best_hz, statistics)
        for share in SHARES:
            paced = recording(folder, share * best_hz)
            with address_on(arguments.bus, f"{paced}?loop=1&speed=1") as address:
                rate_hz, statistics = run(address, arguments.seconds, when_full="drop oldest")
            row(f"paced at {share * best_hz:.0f} frames/s", rate_hz, statistics)


if __name__ == "__main__":
    main()
