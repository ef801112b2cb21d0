"""What the benchmarks share: recordings of tests/data and a made workload."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.io import load_recording
from usdk.probe import Probe
from usdk.scan import LinearScan
from usdk.sequences import plane_waves

DATA = Path(__file__).parent.parent / "tests" / "data"


@pytest.fixture(scope="session")
def recording() -> Callable[[str], Acquisition]:
    """Load the first frame of a recording of tests/data."""

    @cache
    def load(name: str) -> Acquisition:
        if not (DATA / name).is_file():
            pytest.skip(f"tests/data/{name} is not in this checkout")
        return load_recording(DATA / name)[:1]

    return load


@pytest.fixture(scope="session")
def eleven_waves() -> Acquisition:
    """W1: 128 elements, 2,112 samples, 11 plane waves; noise, since times do not depend on it."""
    probe = Probe.linear(
        "W1",
        n_elements=128,
        pitch_m=0.3e-3,
        centre_frequency_hz=7.6e6,
        fractional_bandwidth=0.77,
    )
    rng = np.random.default_rng(0)
    return Acquisition(
        data=rng.integers(-2000, 2000, (1, 11, 128, 2112), dtype=np.int16),
        probe=probe,
        sequence=plane_waves(np.linspace(-10, 10, 11)),
        receive=ReceiveSettings(
            sampling_frequency_hz=30.4e6, n_samples=2112, time_zero_s=(0.0,) * 11
        ),
    )


@pytest.fixture(scope="session")
def w1_scan(eleven_waves: Acquisition) -> LinearScan:
    """128 lines on the elements, 512 samples from 5 to 45 mm."""
    x_m = eleven_waves.probe.element_positions_m[:, 0]
    return LinearScan(x_m=x_m, z_m=np.linspace(5e-3, 45e-3, 512))
