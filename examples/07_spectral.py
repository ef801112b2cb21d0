"""Spectral Doppler: a pulsating vessel, one pulse a frame; its picture, indices and sound."""

import math

import numpy as np

import usdk
from usdk import view
from usdk.doppler.spectral import (
    DopplerAudio,
    PulsedWaveDoppler,
    SampleVolume,
    flow_indices,
    write_wav,
)
from usdk_drivers.simulator import EchoEngine, SimulatedFrontEnd, Vessel
from usdk_drivers.simulator.scene import Scene, nothing, scatterers

probe = usdk.Probe.linear(
    "16 elements",
    n_elements=16,
    pitch_m=0.3e-3,
    centre_frequency_hz=5e6,
    fractional_bandwidth=0.6,
)
# A vessel at 60° to the beam: 0.5 m/s in systole, 90 beats a minute, and blood in it alone.
vessel = Vessel(
    angle_deg=60, depth_m=15e-3, radius_m=2e-3, psv_m_s=0.5, edv_m_s=0.15, heart_rate_hz=1.5
)
random = np.random.default_rng(2)
start_m, radius = random.uniform(0, 16e-3, 350), random.uniform(-1, 1, 350)
amplitudes = random.standard_normal(350)


def flowing(time_s, repeat_s=math.inf):
    come_m = start_m + vessel.profile(radius) * vessel.axis_displacement_m(time_s)
    offset_m = radius * vessel.radius_at_m(time_s)
    blood_m = vessel.point_m(np.mod(come_m, 16e-3) - 8e-3, offset_m)
    return scatterers(blood_m, amplitudes)


scene = Scene(still=nothing(0), moving=nothing, moves=True, peak_amplitude=20.0, flowing=flowing)

volume = SampleVolume(centre_m=(0, 15e-3), length_m=5e-3, angle_rad=math.radians(60))
doppler = sound = None
heard = []
with SimulatedFrontEnd(EchoEngine(probe, scene, n_cine_frames=None)) as front_end:
    front_end.configure(usdk.plane_waves(prf_hz=4000), depth_m=20e-3)
    for _ in range(100):
        acquisition = front_end.read(80, timeout_s=60)
        if doppler is None:
            doppler = PulsedWaveDoppler(
                acquisition, volume, wall_m_s=0.008, sweep_s=2, baseline=-0.25, trace=True
            )
            sound = DopplerAudio(doppler.slow_time)
            print(doppler.gate.explain())
        signals = doppler.gate(acquisition)
        doppler.add_signals(signals)
        heard += [sound.add(signal) for signal in signals]

frame = doppler.frame()
view.write_png(frame, "spectrum.png")
write_wav("flow.wav", np.concatenate(heard, axis=1))

found = flow_indices(frame.trace)
print(f"PSV {found.psv_m_s:.2f} m/s, EDV {found.edv_m_s:.2f} m/s")
print(f"RI {found.resistance_index:.2f}, PI {found.pulsatility_index:.2f}")
print(f"{found.heart_rate_bpm:.0f} beats a minute")
