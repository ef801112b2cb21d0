"""Delay-and-sum, planned once per geometry and executed per frame."""

from __future__ import annotations

from usdk.beamform.beamformer import Beamformer
from usdk.beamform.directivity import f_number_from_directivity
from usdk.beamform.options import (
    Alignment,
    Compounding,
    Interpolation,
    Kernel,
    TransmitWeighting,
    Window,
)

__all__ = [
    "Alignment",
    "Beamformer",
    "Compounding",
    "Interpolation",
    "Kernel",
    "TransmitWeighting",
    "Window",
    "f_number_from_directivity",
]
