"""The image chain: from beamformed samples to the pixels of a picture."""

from __future__ import annotations

from usdk.image.anti_alias import AntiAlias
from usdk.image.chain import ImageChain
from usdk.image.frequency_bands import Band, frequency_bands
from usdk.image.grey_map import GreyMap, grey_curve
from usdk.image.levels import envelope, log_compression
from usdk.image.look_compounding import LookCompounding
from usdk.image.persistence import FrameAverage, Persistence
from usdk.image.scan_conversion import ScanConverter
from usdk.image.slice_conversion import SliceConverter
from usdk.image.time_gain import TimeGain
from usdk.image.volume_conversion import VolumeConverter

__all__ = [
    "AntiAlias",
    "Band",
    "FrameAverage",
    "GreyMap",
    "ImageChain",
    "LookCompounding",
    "Persistence",
    "ScanConverter",
    "SliceConverter",
    "TimeGain",
    "VolumeConverter",
    "envelope",
    "frequency_bands",
    "grey_curve",
    "log_compression",
]
