"""The image chain: from beamformed samples to the pixels of a picture."""

from __future__ import annotations

from usdk.image.grey_map import GreyMap, grey_curve
from usdk.image.scan_conversion import ScanConverter
from usdk.image.slice_conversion import SliceConverter
from usdk.image.volume_conversion import VolumeConverter

__all__ = ["GreyMap", "ScanConverter", "SliceConverter", "VolumeConverter", "grey_curve"]
