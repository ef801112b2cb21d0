"""The picture of docs/how-to/spectral-doppler.md: two velocities, windows of 24 pulses.

python benchmarks/spectral/pictures.py docs/images/spectral-estimators.png
"""

import sys

import numpy as np
from PIL import Image

from usdk import view
from usdk.doppler import SlowTime
from usdk.doppler.spectral import SpectralSweep, Spectrogram
from usdk_drivers.simulator import Vessel

PRF_HZ, N_WINDOW, N_COLUMNS, GAP = 5000.0, 24, 200, 8
ROWS = slice(20, 140)


def main():
    clock = SlowTime(prf_hz=PRF_HZ, frequency_hz=5e6)
    vessel = Vessel(psv_m_s=0.3, edv_m_s=0.08, heart_rate_hz=2.0)
    come_m = vessel.axis_displacement_m(np.arange(3000) / PRF_HZ)
    turns = 2 * clock.frequency_hz / clock.sound_speed_m_s * come_m
    random = np.random.default_rng(0)
    noise = random.standard_normal((come_m.size, 2)) @ np.array([1, 1j])
    signal = np.exp(2j * np.pi * turns) + np.exp(1.5j * np.pi * turns) + 0.1 * noise
    parts = []
    for estimator in ("periodogram", "capon", "blood APES"):
        sweep = SpectralSweep(sweep_s=0.6, n_columns=N_COLUMNS, dynamic_range_db=30)
        sweep.add(Spectrogram(clock, estimator=estimator, n_window=N_WINDOW)(signal))
        part = np.asarray(view.picture(sweep.frame(), ruler=False))[ROWS]
        parts += [part, np.full((part.shape[0], GAP), 90, np.uint8)]
    image = Image.fromarray(np.hstack(parts[:-1]))
    image.resize((image.width, 2 * image.height), Image.Resampling.NEAREST).save(sys.argv[1])


if __name__ == "__main__":
    main()
