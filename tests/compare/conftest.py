"""What the comparisons share: recordings, the place of a peak, and how far two pictures differ."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.io import load_recording
from usdk.scan import LinearScan
from usdk.transmit import TransmitSequence


class Locate(Protocol):
    def __call__(
        self,
        iq: Acquisition,
        about_m: tuple[float, float],
        *,
        half_x_m: float = ...,
        half_z_m: float = ...,
        **options: Any,
    ) -> tuple[float, float]: ...


@pytest.fixture(scope="session")
def recording(data_file: Callable[[str], Path]) -> Callable[[str], Acquisition]:
    """Load a recording of tests/data once."""
    return functools.cache(lambda name: load_recording(data_file(name)))


@pytest.fixture(scope="session")
def locate() -> Locate:
    """Return where the envelope peaks about a point, (x, z) in m, to a fraction of a sample."""

    def find(
        iq: Acquisition,
        about_m: tuple[float, float],
        *,
        half_x_m: float = 2e-3,
        half_z_m: float = 1e-3,
        **options: Any,
    ) -> tuple[float, float]:
        x_m = about_m[0] + np.linspace(-half_x_m, half_x_m, 81)
        z_m = about_m[1] + np.linspace(-half_z_m, half_z_m, 161)
        plan = Beamformer.for_acquisition(iq, LinearScan(x_m=x_m, z_m=z_m), **options)
        image = np.abs(plan(iq.data[0])).astype(np.float64)
        i, j = np.unravel_index(np.argmax(image), image.shape)
        assert 0 < i < 80, "the peak lies at the side of the window"
        assert 0 < j < 160, "the peak lies at the end of the window"
        return (
            float(x_m[i] + _vertex(image[i - 1 : i + 2, j]) * (x_m[1] - x_m[0])),
            float(z_m[j] + _vertex(image[i, j - 1 : j + 2]) * (z_m[1] - z_m[0])),
        )

    return find


@pytest.fixture(scope="session")
def nrmse() -> Callable[[NDArray[Any], NDArray[Any]], float]:
    """Return |a − s b| / |s b| with the complex scale s that fits best."""

    def difference(a: NDArray[Any], b: NDArray[Any]) -> float:
        a, b = a.astype(np.complex128), b.astype(np.complex128)
        scaled = b * (np.vdot(b, a) / np.vdot(b, b))
        return float(np.linalg.norm(a - scaled) / np.linalg.norm(scaled))

    return difference


@pytest.fixture(scope="session")
def with_transmits() -> Callable[[Acquisition, list[int]], Acquisition]:
    """Return an acquisition of some of the transmits."""

    def take(whole: Acquisition, chosen: list[int]) -> Acquisition:
        transmits = tuple(whole.sequence.transmits[t] for t in chosen)
        times_s = tuple(whole.receive.time_zero_s[t] for t in chosen)
        return replace(
            whole,
            data=whole.data[:, chosen],
            sequence=TransmitSequence(
                transmits=transmits,
                frequency_hz=whole.sequence.frequency_hz,
                n_cycles=whole.sequence.n_cycles,
            ),
            receive=replace(whole.receive, time_zero_s=times_s),
        )

    return take


def _vertex(three: NDArray[np.float64]) -> float:
    """Place of the vertex of the parabola through three samples, in samples from the middle."""
    before, at, after = three
    return float((before - after) / (2 * (before - 2 * at + after)))
