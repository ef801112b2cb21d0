"""Delay-and-sum, planned once per geometry and executed per frame."""

from __future__ import annotations

from usdk.beamform.aligned_data import AlignedData
from usdk.beamform.beamformer import Beamformer
from usdk.beamform.coherence_factor import CoherenceFactor
from usdk.beamform.combination import Combination
from usdk.beamform.directivity import f_number_from_directivity
from usdk.beamform.ensemble import EnsembleBeamformer
from usdk.beamform.options import (
    Alignment,
    Compounding,
    Interpolation,
    Kernel,
    TransmitWeighting,
    Window,
)

__all__ = [
    "AlignedData",
    "Alignment",
    "Beamformer",
    "CoherenceFactor",
    "Combination",
    "Compounding",
    "EnsembleBeamformer",
    "Interpolation",
    "Kernel",
    "TransmitWeighting",
    "Window",
    "f_number_from_directivity",
]
