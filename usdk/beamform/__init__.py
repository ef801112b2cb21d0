"""Delay-and-sum, planned once per geometry and executed per frame."""

from __future__ import annotations

from usdk.beamform.beamformer import Beamformer
from usdk.beamform.options import Interpolation, Kernel, TransmitWeighting, Window

__all__ = ["Beamformer", "Interpolation", "Kernel", "TransmitWeighting", "Window"]
