"""Spectral Doppler in real time: share of a core, and latency, from channel data to the picture.

    python benchmarks/spectral [seconds]

A linear probe of 128 elements sends a plane wave 5,000 times a second; each record has 2,048
samples of int16 RF at 40 MHz. The gate is 2 mm long. All that a display needs is counted: gate,
wall filter, spectra of 128 pulses every 32, and the picture of 4 s with its trace 20 times a
second. Time is that of the process's processors, all its threads together.
"""

import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import usdk
from usdk.doppler.spectral import DopplerAudio, PulsedWaveDoppler, SampleVolume

PRF_HZ, PICTURES_PER_S = 5000.0, 20
BLOCKS = (1, 10, 50, 250)


def recording(n_frames):
    probe = usdk.Probe.linear(
        "128 elements",
        n_elements=128,
        pitch_m=0.3e-3,
        centre_frequency_hz=5e6,
        fractional_bandwidth=0.7,
    )
    random = np.random.default_rng(1)
    return usdk.Acquisition(
        data=random.integers(-2000, 2000, (n_frames, 1, 128, 2048)).astype(np.int16),
        probe=probe,
        sequence=usdk.plane_waves(prf_hz=PRF_HZ),
        receive=usdk.ReceiveSettings(
            sampling_frequency_hz=40e6, n_samples=2048, time_zero_s=(0.0,)
        ),
    )


def blocks_of(acquisition, size, n_pulses):
    """Yield blocks that go on for ever from data of a second's tenth."""
    n_frames = acquisition.n_frames
    parts = [acquisition[n : n + size] for n in range(0, n_frames - size + 1, size)]
    for n in range(n_pulses // size):
        part = parts[n % len(parts)]
        # As a driver gives them: an acquisition of its own, with its numbers.
        yield usdk.Acquisition(
            data=part.data,
            probe=part.probe,
            sequence=part.sequence,
            receive=part.receive,
            sequence_numbers=np.arange(n * size, (n + 1) * size),
        )


def measure(acquisition, size, duration_s, is_heard=False, **options):
    """Return share of a core, and latencies of blocks, ms."""
    volume = SampleVolume(centre_m=(0, 20e-3), length_m=2e-3)
    doppler = PulsedWaveDoppler(acquisition, volume, trace=True, **options)
    audio = DopplerAudio(doppler.slow_time, reference=1.0)
    warm = list(blocks_of(acquisition, size, 500))
    for block in warm:
        doppler.add(block)
    doppler.frame()
    audio.add(doppler.gate(warm[0])[0])
    doppler.reset()
    blocks = list(blocks_of(acquisition, size, int(duration_s * PRF_HZ)))
    latency_s, picture_s = [], []
    busy_s = 0.0
    next_picture = 500
    for block in blocks:
        begun_s, begun_busy_s = time.perf_counter(), time.process_time()
        signals = doppler.gate(block)
        doppler.add_signals(signals)
        if is_heard:
            audio.add(signals[0])
        latency_s.append(time.perf_counter() - begun_s)
        if doppler.spectrogram.next_pulse >= next_picture:
            begun_picture_s = time.perf_counter()
            doppler.frame()
            picture_s.append(time.perf_counter() - begun_picture_s)
            next_picture += PRF_HZ / PICTURES_PER_S
        busy_s += time.process_time() - begun_busy_s
    return busy_s / duration_s, np.array(latency_s) * 1e3, np.array(picture_s) * 1e3


def chain_ms(acquisition):
    """Return the time of the usual way for a pulse: demodulate all, beamform the gate's points."""
    volume = SampleVolume(centre_m=(0, 20e-3), length_m=2e-3)
    demodulator = usdk.demodulation.Demodulator(acquisition)
    beamformer = usdk.Beamformer(
        acquisition.probe, acquisition.sequence, demodulator.receive, volume.line(48)
    )
    times_ms = []
    for frame in acquisition.data[:50]:
        begun_s = time.process_time()
        beamformer(demodulator.frame(frame, threads=1), threads=1)
        times_ms.append((time.process_time() - begun_s) * 1e3)
    return float(np.median(times_ms[10:]))


def main():
    duration_s = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    acquisition = recording(500)
    print("| estimator | pulses a block | share of a core | p50 | p99 | picture p50 | p99 |")
    print("|---|---|---|---|---|---|---|")
    cases = [("periodogram", size, {}) for size in BLOCKS]
    cases += [
        ("welch", 50, {"estimator": "welch", "n_window": 256, "overlap": 0.875}),
        ("capon", 50, {"estimator": "capon", "n_window": 32, "overlap": 0.0}),
        ("periodogram, with sound", 50, {"is_heard": True}),
    ]
    for name, size, options in cases:
        share, block_ms, picture_ms = measure(acquisition, size, duration_s, **options)
        p50, p99 = np.percentile(block_ms, (50, 99))
        picture_50, picture_99 = np.percentile(picture_ms, (50, 99))
        print(
            f"| {name} | {size} | {share:.1%} | {p50:.3f} ms | {p99:.3f} ms | "
            f"{picture_50:.1f} ms | {picture_99:.1f} ms |"
        )
    one_ms = chain_ms(acquisition)
    print(f"\nthe usual way takes {one_ms:.2f} ms a pulse: {one_ms * PRF_HZ / 10:.0f} % of a core")


if __name__ == "__main__":
    main()
