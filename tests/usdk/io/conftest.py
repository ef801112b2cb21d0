"""Fixtures of the recordings' tests: small acquisitions of every kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usdk.acquisition import Acquisition, DeviceInfo, ReceiveSettings
from usdk.errors import UsdkError
from usdk.io import load_recording
from usdk.probe import Probe
from usdk.sequences import plane_waves


def _acquisition(
    n_frames: int = 3,
    n_transmits: int = 2,
    n_elements: int = 3,
    n_samples: int = 5,
    dtype: Any = np.int16,
    seed: int = 0,
    **rest: Any,
) -> Acquisition:
    dtype = np.dtype(dtype)
    shape = (n_frames, n_transmits, n_elements, n_samples)
    # Every bit pattern, NaN and infinity among them: a recording keeps bits, not values.
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    bits = np.random.default_rng(seed).integers(0, 256, n_bytes, np.uint8)
    probe = Probe.linear(
        "L3",
        n_elements=n_elements,
        pitch_m=0.3e-3,
        centre_frequency_hz=5e6,
        fractional_bandwidth=0.7,
    )
    return Acquisition(
        data=bits.view(dtype).reshape(shape),
        probe=probe,
        sequence=plane_waves(np.linspace(-5, 5, n_transmits), prf_hz=4e3),
        receive=ReceiveSettings(
            sampling_frequency_hz=20e6,
            n_samples=n_samples,
            time_zero_s=tuple(1e-7 * i for i in range(n_transmits)),
            demodulation_frequency_hz=5e6 if dtype.kind == "c" else 0.0,
        ),
        device=DeviceInfo(manufacturer="usdk", model="test", serial_number="Ü-1"),
        **rest,
    )


def _same(one: Acquisition, other: Acquisition) -> bool:
    return (
        one.data.dtype == other.data.dtype
        and one.data.shape == other.data.shape
        and one.data.tobytes() == other.data.tobytes()
        and one.probe.to_dict() == other.probe.to_dict()
        and one.sequence == other.sequence
        and one.receive == other.receive
        and one.device == other.device
        and one.gaps == other.gaps
        and np.array_equal(one.sequence_numbers, other.sequence_numbers)
        and np.array_equal(one.device_timestamps_s, other.device_timestamps_s, equal_nan=True)
        and np.array_equal(one.host_timestamps_s, other.host_timestamps_s, equal_nan=True)
    )


@pytest.fixture(scope="session")
def make_acquisition() -> Callable[..., Acquisition]:
    """Return an acquisition of random bits."""
    return _acquisition


@pytest.fixture(scope="session")
def same() -> Callable[[Acquisition, Acquisition], bool]:
    """Return whether two acquisitions are equal to the bit."""
    return _same


@pytest.fixture(scope="session")
def load_outcome() -> Callable[[Path, bytes], Acquisition | UsdkError]:
    """Write bytes to a path and load them; a typed error is an outcome, any other fails."""

    def load(path: Path, content: bytes) -> Acquisition | UsdkError:
        path.write_bytes(content)
        try:
            return load_recording(path)
        except UsdkError as error:
            return error

    return load
