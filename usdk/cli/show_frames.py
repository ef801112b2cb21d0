"""What a frames file holds, for ``usdk show``."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from usdk.flow_overlay import FlowOverlay
from usdk.io import load_frames

__all__ = ["describe_frames"]


def describe_frames(path: Path) -> dict[str, Any]:
    """Return what frames say of themselves, in types that JSON knows."""
    frames = load_frames(path)
    first = frames[0]
    made = first.provenance
    # Grey frames have no colours to tell of.
    coloured = {} if first.overlay is None else {"colours": _colours(first.overlay)}
    return {
        "kind": "frames",
        "n_frames": len(frames),
        "n_frames_lost": sum(gap.n_frames for frame in frames for gap in frame.provenance.gaps),
        "n_rows": first.raster.n_rows,
        "n_columns": first.raster.n_columns,
        "pixel_size_m": first.raster.pixel_size_m,
        "x_m": first.raster.x_m,
        "z_m": first.raster.z_m,
        "dynamic_range_db": first.dynamic_range_db,
        **coloured,
        "device": None if made.device is None else asdict(made.device),
        "probe": made.probe,
        "sequence": made.sequence,
        "transmit_frequency_hz": made.transmit_frequency_hz,
        "sound_speed_m_s": made.sound_speed_m_s,
        "processing": dict(made.processing),
    }


def _colours(overlay: FlowOverlay) -> dict[str, Any]:
    low, high = overlay.scale
    steering_rad = overlay.steering_rad
    return {
        "kind": str(overlay.kind),
        "scale": f"{low:g} to {high:g} {overlay.unit}",
        "nyquist_m_s": overlay.nyquist_m_s,
        "prf_hz": overlay.prf_hz,
        "frequency_hz": overlay.frequency_hz,
        "steering_rad": None if math.isnan(steering_rad) else steering_rad,
        "angle_rad": overlay.angle_rad,
    }
