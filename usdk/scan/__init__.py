"""Scans: where one looks, and the raster that it becomes."""

from __future__ import annotations

from usdk.scan.base import PlanarScan, Scan, SpatialScan
from usdk.scan.line import LineScan
from usdk.scan.linear import LinearScan
from usdk.scan.natural import planar_scan_for, scan_for
from usdk.scan.plane import Plane
from usdk.scan.pyramid import PyramidScan
from usdk.scan.raster import Raster
from usdk.scan.sector import SectorScan
from usdk.scan.volume import VolumeScan
from usdk.scan.volume_raster import VolumeRaster

__all__ = [
    "LineScan",
    "LinearScan",
    "PlanarScan",
    "Plane",
    "PyramidScan",
    "Raster",
    "Scan",
    "SectorScan",
    "SpatialScan",
    "VolumeRaster",
    "VolumeScan",
    "planar_scan_for",
    "scan_for",
]
