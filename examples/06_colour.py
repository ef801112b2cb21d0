"""Colour: B-mode and colour packets in one sequence, velocities in m/s beside the picture."""

import numpy as np

import usdk
from usdk.doppler import Averaging, ColourMode, Interleaved, colour_box
from usdk.doppler.clutter import PolynomialFilter
from usdk.doppler.colours import FlowThresholds

plan = Interleaved(
    b_mode=usdk.plane_waves(angles_deg=(-8, 0, 8), frequency_hz=6e6),
    colour=usdk.plane_waves(angles_deg=(0,), frequency_hz=6e6),
    packet_size=10,
    prf_hz=8000,
)
address = "sim:linear-l11-5v?scene=vessel&waveform=steady&psv_m_s=0.5&depth_m=0.012"
with usdk.open_front_end(address) as probe:
    plan.require(probe.capabilities, depth_m=20e-3)
    plan = plan.as_set(probe.configure(plan.sequence, depth_m=20e-3))
    print(f"{plan.describe()}: {plan.frame_rate_hz:.0f} frames/s")
    acquisition = probe.read(2, timeout_s=60)

view = usdk.scan_for(acquisition.probe, depth_m=20e-3)
box = colour_box(view, x_m=(-9e-3, 9e-3), z_m=(6e-3, 18e-3), every=2, n_samples=192)
mode = ColourMode(
    acquisition,
    plan,
    box=box,
    clutter=PolynomialFilter(2),
    averaging=Averaging(n_lines=3, n_samples=7, window="hann"),
    estimator="2-D autocorrelation",
    thresholds=FlowThresholds(below_reference_db=14),
    f_number=2,
    grey={"scan": view},
)
frames = mode(acquisition)
frames[-1].show()

flow = mode.flow_map
print(f"Nyquist velocity {flow.nyquist_m_s:.2f} m/s")
shown_m_s = frames[-1].overlay.velocity_m_s  # NaN where the picture is grey
print(f"median along the beam {np.nanmedian(shown_m_s):+.2f} m/s, positive towards the probe")
print(f"made at {mode.frame_rate.made_hz:.0f} frames/s by the device's clock")
