"""Scans: where one looks, and the raster that it becomes."""

from __future__ import annotations

from usdk.scan.base import PlanarScan, Scan
from usdk.scan.linear import LinearScan
from usdk.scan.natural import scan_for
from usdk.scan.raster import Raster
from usdk.scan.sector import SectorScan

__all__ = ["LinearScan", "PlanarScan", "Raster", "Scan", "SectorScan", "scan_for"]
