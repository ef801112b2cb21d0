"""Coherence factor on simulated points by others: narrower, cleaner, and in the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer, CoherenceFactor
from usdk.demodulation import demodulate
from usdk.scan import LinearScan

X_M = np.linspace(-6e-3, 6e-3, 241)


def width_m(across: NDArray[Any]) -> float:
    """Full width at half maximum, m, to a fraction of a step."""
    level = across / across.max() - 0.5
    inside = np.flatnonzero(level > 0)
    first, last = inside[0], inside[-1]
    before = level[first] / (level[first] - level[first - 1])
    after = level[last] / (level[last] - level[last + 1])
    return float((last - first + before + after) * (X_M[1] - X_M[0]))


@pytest.mark.parametrize("z_m", [10.35e-3, 22.18e-3, 34.0e-3, 45.83e-3])
@pytest.mark.parametrize(
    ("across", "narrowed", "cleaned_db"),
    [("elements", 0.685, 44), ("transmits", 0.768, 4.4), ("both", 0.593, 55)],
)
def test_field_ii_points_of_pybf(
    recording: Callable[[str], Acquisition],
    z_m: float,
    across: str,
    narrowed: float,
    cleaned_db: float,
) -> None:
    """Measured: 0.41 mm wide become 0.28, 0.31 and 0.24; −38 to −46 dB beside them at most −83,
    −45 and −94.
    """
    iq = demodulate(recording("pybf/rf_dataset.hdf5"))
    scan = LinearScan(x_m=X_M, z_m=z_m + np.linspace(-0.3e-3, 0.5e-3, 33))
    images = [
        np.abs(Beamformer.for_acquisition(iq, scan, combination=combination)(iq.data[0]))
        for combination in ("sum", CoherenceFactor(across))
    ]
    (i, j), (peak_i, peak_j) = (np.unravel_index(im.argmax(), im.shape) for im in images)
    assert abs(i - peak_i) <= 1
    assert abs(j - peak_j) <= 1
    plain, factored = (image[:, j] for image in images)
    assert width_m(factored) / width_m(plain) == pytest.approx(narrowed, abs=0.02)
    beside = np.abs(X_M - X_M[i]) > 1.5e-3
    levels_db = [
        10 * np.log10((im[beside] ** 2).mean() / im.max() ** 2) for im in (images[0], images[1])
    ]
    assert levels_db[0] - levels_db[1] > 0.95 * cleaned_db
