"""Compounding is coherent when the clock is right, and only then.

The coherence factor of the angle images y at a point is |Σ y|² / (n Σ |y|²): Mallart and Fink,
J. Acoust. Soc. Am. 96(6), 1994. It is 1 for images that agree, and about 1 / n where the images do
not show the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import demodulate
from usdk.scan import LinearScan

Z_M = (10.35e-3, 22.18e-3, 34.0e-3, 45.83e-3)


@pytest.fixture(scope="module")
def acquisition(recording: Callable[[str], Acquisition]) -> Acquisition:
    return recording("pybf/rf_dataset.hdf5")


@pytest.fixture(scope="module")
def coherence(with_transmits: Any) -> Callable[[Acquisition], NDArray[np.float64]]:
    """Coherence factors at the four points, where the right clock puts them."""

    def factors(rf: Acquisition) -> NDArray[np.float64]:
        iq = demodulate(rf)
        # The peaks lie 0.09 mm deeper than the points; see test_points.
        scan = LinearScan(x_m=np.array([0.0, 1e-6]), z_m=np.linspace(5e-3, 50e-3, 9001))
        images = []
        for t in range(3):
            one = with_transmits(iq, [t])
            images.append(Beamformer.for_acquisition(one, scan)(one.data[0])[0])
        at = np.searchsorted(scan.z_m, np.array(Z_M) + 0.09e-3)
        y = np.array(images)[:, at].astype(np.complex128)
        return np.asarray(np.abs(y.sum(axis=0)) ** 2 / (3 * (np.abs(y) ** 2).sum(axis=0)))

    return factors


def on_clock(acquisition: Acquisition, shift_s: NDArray[np.float64]) -> Acquisition:
    times_s = tuple((np.array(acquisition.receive.time_zero_s) + shift_s).tolist())
    return replace(acquisition, receive=replace(acquisition.receive, time_zero_s=times_s))


def test_the_right_clock_is_coherent(acquisition: Acquisition, coherence: Any) -> None:
    """Measured: 0.991 to 0.994."""
    assert np.all(coherence(acquisition) > 0.985)


def test_half_a_period_between_the_angles_is_not(acquisition: Acquisition, coherence: Any) -> None:
    """Measured: 0.10 to 0.11; three images of which one is upside down give 1/9."""
    half_s = 0.5 / acquisition.transmit_frequency_hz
    assert np.all(coherence(on_clock(acquisition, np.array([0, half_s, 0]))) < 0.15)


def test_counting_from_the_first_element_is_not(acquisition: Acquisition, coherence: Any) -> None:
    """Measured: 0.26 to 0.42.

    The tilted waves show what lies 2.3 mm away; where the straight one is alone it is 1/3.
    """
    angles_rad = [wave.azimuth_rad for wave in acquisition.sequence.transmits]  # type: ignore[attr-defined]
    first_s = np.abs(np.sin(angles_rad)) * 191 / 2 * acquisition.probe.pitch_m / 1540
    assert np.all(coherence(on_clock(acquisition, first_s)) < 0.45)
    assert np.all(coherence(on_clock(acquisition, -first_s)) < 0.45)
