"""Devices that send at their own pace and drop what the host does not fetch: is all of it there?

The whole front-end reads: transport, packets with their CRC-32, frames. The simulated device makes
its packets, copies and checks included, on the same two cores.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.front_end import FrontEnd
from usdk.probe import Probe
from usdk.sequences import plane_waves
from usdk_drivers.simulator import Pace, RecordingEngine, SimulatedFrontEnd
from usdk_drivers.simulator.simulated_device import SimulatedDevice
from usdk_drivers.usbip import UsbIpFrontEnd, UsbIpServer

N_ELEMENTS, N_SAMPLES, N_TRANSMITS = 128, 2112, 11
FRAME_BYTES = N_TRANSMITS * N_ELEMENTS * N_SAMPLES * 2
FIRST_S = 0.5


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    n_received: int
    n_lost: int
    n_overruns: int
    rate_bytes_s: float
    longest_read_s: float


def recording(rate_bytes_s: float) -> Acquisition:
    probe = Probe.linear(
        "L11-5v",
        n_elements=N_ELEMENTS,
        pitch_m=0.3e-3,
        centre_frequency_hz=7.6e6,
        fractional_bandwidth=0.77,
    )
    prf_hz = rate_bytes_s / FRAME_BYTES * N_TRANSMITS
    rng = np.random.default_rng(0)
    return Acquisition(
        data=rng.integers(-2000, 2000, (2, N_TRANSMITS, N_ELEMENTS, N_SAMPLES), dtype=np.int16),
        probe=probe,
        sequence=plane_waves(np.linspace(-0.2, 0.2, N_TRANSMITS), prf_hz=prf_hz),
        receive=ReceiveSettings(
            sampling_frequency_hz=30.4e6, n_samples=N_SAMPLES, time_zero_s=(0.0,) * N_TRANSMITS
        ),
    )


def run(front_end: FrontEnd, seconds: float) -> Outcome:
    front_end.configure()
    front_end.start()
    # A device is asked at once; the first pages of memory are found meanwhile.
    end_s = time.perf_counter() + FIRST_S
    while time.perf_counter() < end_s:
        front_end.read()
    before = front_end.status()
    n_received, longest_s = 0, 0.0
    began_s = last_s = time.perf_counter()
    while last_s - began_s < seconds:
        n_received += front_end.read().n_frames
        now_s = time.perf_counter()
        longest_s, last_s = max(longest_s, now_s - last_s), now_s
    after = front_end.status()
    return Outcome(
        n_received=n_received,
        n_lost=after.n_frames_lost - before.n_frames_lost,
        n_overruns=after.n_overruns - before.n_overruns,
        rate_bytes_s=n_received * FRAME_BYTES / (last_s - began_s),
        longest_read_s=longest_s,
    )


def in_process(rate_bytes_s: float, fifo_bytes: int, seconds: float) -> Outcome:
    engine = RecordingEngine(recording(rate_bytes_s), loop=True)
    pace = Pace(speed=1.0, overruns=True)
    with SimulatedFrontEnd(engine, pace=pace, fifo_bytes=fifo_bytes) as front_end:
        return run(front_end, seconds)


def by_usb_ip(rate_bytes_s: float, fifo_bytes: int, seconds: float) -> Outcome:
    simulated = SimulatedDevice(
        engine=RecordingEngine(recording(rate_bytes_s), loop=True),
        pace=Pace(speed=1.0, overruns=True),
        fifo_bytes=fifo_bytes,
    )
    device = simulated.on_usb(simulated.firmware())
    with UsbIpServer([device], port=0) as server:
        host, port = server.address
        with UsbIpFrontEnd.open(f"//{host}:{port}/1-1") as front_end:
            return run(front_end, seconds)


CASES = ((200e6, 8 * 2**20), (400e6, 32 * 2**20))


def measure(seconds: float) -> None:
    for name, read in (("pyusb backend", in_process), ("USB/IP", by_usb_ip)):
        for rate_bytes_s, fifo_bytes in CASES:
            outcome = read(rate_bytes_s, fifo_bytes, seconds)
            print(
                f"{name:14s} {rate_bytes_s / 1e6:.0f} MB/s, FIFO {fifo_bytes // 2**20} MiB, "
                f"{seconds:g} s: {outcome.n_received} frames at "
                f"{outcome.rate_bytes_s / 1e6:.0f} MB/s, {outcome.n_lost} lost, "
                f"{outcome.n_overruns} overruns, "
                f"longest read {outcome.longest_read_s * 1e3:.0f} ms",
                flush=True,
            )
            assert math.isfinite(outcome.rate_bytes_s)
