"""A volume from a simulated matrix array: three bright points and a cyst, as three slices."""

import numpy as np
from PIL import Image

import usdk
from usdk.image import SliceConverter
from usdk_drivers.simulator import EchoEngine, SimulatedFrontEnd
from usdk_drivers.simulator.scenes import Scatterers, Scene

probe = usdk.Probe.matrix(
    "16 × 16",
    n_elements_x=16,
    n_elements_y=16,
    pitch_m=0.3e-3,
    centre_frequency_hz=3e6,
    fractional_bandwidth=0.6,
)

# Tissue without echoes in a ball of 5 mm radius, 18 mm deep, and three bright points.
random = np.random.default_rng(1)
tissue_m = random.uniform((-9e-3, -9e-3, 8e-3), (9e-3, 9e-3, 26e-3), (12_000, 3))
tissue_m = tissue_m[np.linalg.norm(tissue_m - (0, 0, 18e-3), axis=1) > 5e-3]
points_m = np.array([(-4e-3, 0, 11e-3), (0, 4e-3, 11e-3), (5e-3, 0, 23e-3)])
amplitudes = np.append(random.standard_normal(len(tissue_m)), np.full(len(points_m), 40.0))
scatterers = Scatterers(
    np.vstack((tissue_m, points_m)).astype(np.float32), amplitudes.astype(np.float32)
)
nothing = Scatterers(np.empty((0, 3), np.float32), np.empty(0, np.float32))
scene = Scene(still=scatterers, moving=lambda phase: nothing, moves=False, peak_amplitude=40.0)

# Five diverging waves from behind the array, one straight ahead and four aside.
sources_m = [(0, 0, -5e-3)] + [
    (2e-3 * x, 2e-3 * y, -5e-3) for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1))
]
sequence = usdk.TransmitSequence(
    transmits=tuple(usdk.DivergingWave(source_m=source_m) for source_m in sources_m)
)
with SimulatedFrontEnd(EchoEngine(probe, scene)) as front_end:
    front_end.configure(sequence, depth_m=27e-3)
    iq = usdk.demodulate(front_end.read())

scan = usdk.scan_for(probe, depth_m=26e-3, start_m=8e-3, n_lines=48, half_angle_rad=0.45)
beamformer = usdk.Beamformer.for_acquisition(iq, scan)
print(beamformer.explain())
volume = np.abs(beamformer(iq.data[0]))
level_db = 20 * np.log10(volume / volume.max() + 1e-6)

pictures = []
for plane in (usdk.Plane.at_y(0.0), usdk.Plane.at_x(0.0), usdk.Plane.at_z(18e-3)):
    raster = plane.raster(scan.bounds_m, pixel_size_m=0.1e-3)
    shown_db = SliceConverter(scan, plane, raster)(level_db, fill=-50)
    pictures.append((np.clip(1 + shown_db / 50, 0, 1) * 255).astype(np.uint8))
height = max(picture.shape[0] for picture in pictures)
pictures = [np.pad(picture, ((0, height - len(picture)), (0, 8))) for picture in pictures]
Image.fromarray(np.hstack(pictures)).save("slices.png")

voxel = np.unravel_index(volume.argmax(), volume.shape)
print("brightest at", np.round(scan.points_m()[voxel] * 1e3, 1), "mm")
