"""Image quality: point spread, contrast and speckle, measured on envelopes.

Every measure takes amplitudes (an envelope, or magnitudes of beamformed IQ) as they are before log
compression: greys have lost what is measured here.
"""

from __future__ import annotations

from usdk.quality.contrast import (
    Contrast,
    cnr,
    contrast_db,
    gcnr,
    measure_contrast,
    rayleigh_cnr,
    rayleigh_gcnr,
)
from usdk.quality.point_spread import PointSpread, measure_point_spread
from usdk.quality.regions import Circle, Rectangle, Region, Ring
from usdk.quality.speckle import RAYLEIGH_SNR, speckle_snr

__all__ = [
    "RAYLEIGH_SNR",
    "Circle",
    "Contrast",
    "PointSpread",
    "Rectangle",
    "Region",
    "Ring",
    "cnr",
    "contrast_db",
    "gcnr",
    "measure_contrast",
    "measure_point_spread",
    "rayleigh_cnr",
    "rayleigh_gcnr",
    "speckle_snr",
]
