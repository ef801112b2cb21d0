"""The image chain: from beamformed samples to the pixels of a picture."""

from __future__ import annotations

from usdk.image.grey_map import GreyMap, grey_curve
from usdk.image.scan_conversion import ScanConverter

__all__ = ["GreyMap", "ScanConverter", "grey_curve"]
