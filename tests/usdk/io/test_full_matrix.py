"""A full-matrix capture of steel pins in water, whose licence keeps it out of the repository.

The file says neither pitch nor frequency, so that no loader can be general: it lives here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.signal import hilbert

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.io import load_recording, save_recording
from usdk.probe import Probe
from usdk.sequences import single_elements

SOUND_SPEED_M_S = 1480.0
# The window opens at 40 µs; the pulse's middle lies 0.7 µs after the trigger.
FIRST_SAMPLE_S = 40e-6 - 0.7e-6
PINS_M = ((-9.4e-3, 42.6e-3), (10.6e-3, 37.6e-3))


@pytest.fixture(scope="module")
def pins(synaptus_file: Path) -> Acquisition:
    cells = loadmat(synaptus_file, squeeze_me=True, variable_names=["data"])["data"]
    data = np.stack([cell.T for cell in cells])[None]
    return Acquisition(
        data=np.ascontiguousarray(data),
        probe=Probe.linear(
            "pins",
            n_elements=32,
            pitch_m=1e-3,
            centre_frequency_hz=3.5e6,
            fractional_bandwidth=0.6,
        ),
        sequence=single_elements(range(32)),
        receive=ReceiveSettings(
            sampling_frequency_hz=50e6,
            n_samples=data.shape[-1],
            time_zero_s=(FIRST_SAMPLE_S,) * 32,
            sound_speed_m_s=SOUND_SPEED_M_S,
        ),
    )


def test_a_real_full_matrix_survives_our_recording(pins: Acquisition, tmp_path: Path) -> None:
    found = load_recording(save_recording(tmp_path / "a", pins))
    assert found.data.shape == (1, 32, 32, 1750)
    assert found.data.tobytes() == pins.data.tobytes()


@pytest.mark.parametrize("pin_m", PINS_M)
def test_the_pins_stand_where_the_clock_says(pins: Acquisition, pin_m: tuple[float, float]) -> None:
    """Summed along arrival times over all pairs, the echo peaks within 0.6 mm of the pin."""
    echoes = hilbert(pins.data[0].astype(float))
    x_m, z_m = (np.linspace(p - 2e-3, p + 2e-3, 21) for p in pin_m)
    points_m = np.stack([*np.meshgrid(x_m, [0.0], z_m, indexing="ij")], axis=-1)[:, 0]
    fired, heard = np.ogrid[:32, :32]
    arrival_s = [
        wave.arrival_time_s(points_m, pins.probe, SOUND_SPEED_M_S)
        for wave in pins.sequence.transmits
    ]
    back_s = [
        np.linalg.norm(points_m - element_m, axis=-1) / SOUND_SPEED_M_S
        for element_m in pins.probe.element_positions_m
    ]
    power = np.zeros(points_m.shape[:2])
    for place in np.ndindex(power.shape):
        out_s = np.array([t[place] for t in arrival_s])[:, None]
        total_s = out_s + np.array([t[place] for t in back_s])[None]
        sample = np.rint((total_s - pins.receive.time_zero_s[0]) * 50e6).astype(int)
        inside = (sample >= 0) & (sample < 1750)
        power[place] = abs(np.sum(np.where(inside, echoes[fired, heard, sample % 1750], 0)))
    best = np.unravel_index(np.argmax(power), power.shape)
    found_m = (x_m[best[0]], z_m[best[1]])
    assert np.hypot(*np.subtract(found_m, pin_m)) < 0.6e-3
