"""A rotating disk, measured: along the beam its velocity is linear across it (PyMUST's)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from usdk.doppler.spectral import Gate, SampleVolume, Spectrogram
from usdk.io import load_recording

DISK = Path(__file__).parents[3] / "data" / "pymust" / "PWI_disk.mat"


@pytest.mark.skipif(not DISK.exists(), reason="the recording is not in tests/data")
@pytest.mark.parametrize("estimator", ["periodogram", "capon", "blood APES"])
def test_gates_across_the_disk_tell_how_fast_it_turns(estimator: str) -> None:
    recording = load_recording(DISK)
    places_m = np.linspace(-7e-3, 6e-3, 14)
    means_m_s = []
    for x_m in places_m:
        volume = SampleVolume(centre_m=(x_m, 23.4e-3), length_m=4e-3, n_looks=4)
        gate = Gate(recording, volume, prf_hz=10e3)
        (signal,) = gate(recording)
        spectra = Spectrogram(gate.slow_time, estimator=estimator, n_window=32)(signal)
        turns = np.exp(1j * np.pi * spectra.velocity_m_s / spectra.nyquist_m_s)
        means_m_s.append(np.angle(spectra.power[0] @ turns) / np.pi * spectra.nyquist_m_s)
    slope, _ = line = np.polyfit(places_m, means_m_s, 1)
    # The speckle turns with 63 ± 2 rad/s.
    assert 58 < -slope < 65
    assert np.std(means_m_s - np.polyval(line, places_m)) < 0.01
