"""Packets of noise and of single Doppler shifts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Packets = Callable[..., NDArray[np.complex64]]


@pytest.fixture(scope="session")
def noise() -> Packets:
    """Return a maker of complex white noise of a shape."""

    def make(*shape: int, seed: int = 0) -> NDArray[np.complex64]:
        parts = np.random.default_rng(seed).standard_normal((2, *shape))
        return (parts[0] + 1j * parts[1]).astype(np.complex64)

    return make


@pytest.fixture(scope="session")
def tone() -> Packets:
    """Return a maker of one packet with one Doppler shift, share of the PRF."""

    def make(share: float, n_pulses: int) -> NDArray[np.complex64]:
        return np.exp(2j * np.pi * share * np.arange(n_pulses)).astype(np.complex64)

    return make
