"""A calf muscle in vivo: the deep aponeurosis is a bright band between 21 and 23 mm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.bmode import log_compression
from usdk.demodulation import demodulate
from usdk.scan import LinearScan


@pytest.mark.parametrize("frame", [0, 1])
def test_the_deep_aponeurosis(recording: Callable[[str], Acquisition], frame: int) -> None:
    """Measured: median over columns 22.55 and 22.60 mm, nine of ten columns 21.9 to 23.5 mm.

    The band slopes down by 1.5 mm over 36 mm from left to right and stands 22 dB above the muscle.
    """
    iq = demodulate(recording("soleym/rf_dataset.hdf5"))
    scan = LinearScan(x_m=np.linspace(-18e-3, 18e-3, 121), z_m=np.linspace(12e-3, 32e-3, 401))
    image = np.abs(Beamformer.for_acquisition(iq, scan)(iq.data[frame]))
    smooth_db = log_compression(gaussian_filter(image, (2.0, 6.0)).astype(np.float32))
    deepest_m = scan.z_m[smooth_db.argmax(axis=1)]
    assert 21e-3 < np.median(deepest_m) < 23e-3
    in_band = (deepest_m > 21e-3) & (deepest_m < 24e-3)
    assert in_band.mean() > 0.9
    slope = np.polyfit(scan.x_m[in_band], deepest_m[in_band], 1)[0]
    assert 0.03 < slope < 0.08
    level_db = np.median(smooth_db.max(axis=1)) - np.median(smooth_db)
    assert level_db > 15
