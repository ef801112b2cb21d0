"""What the colours of saved frames mean, as plain values and arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.errors import DataDamagedError
from usdk.flow_overlay import FlowKind, FlowOverlay

__all__ = [
    "OVERLAY_ARRAYS",
    "overlay_arrays",
    "overlay_from_plain",
    "overlays_to_plain",
    "tables_from_plain",
]

OVERLAY_ARRAYS = ("velocity_m_s", "power_db")
"""Fields of an overlay that are saved as arrays, float32 (n_overlays, n_rows, n_columns)."""
_NUMBERS = ("nyquist_m_s", "prf_hz", "frequency_hz", "angle_rad")


def overlay_arrays(overlays: Sequence[FlowOverlay]) -> dict[str, NDArray[np.float32]]:
    """Return the values of overlays, at least one, by name."""
    return {
        name: np.stack([np.asarray(getattr(overlay, name), np.float32) for overlay in overlays])
        for name in OVERLAY_ARRAYS
    }


def overlays_to_plain(overlays: Sequence[FlowOverlay | None]) -> dict[str, Any]:
    """Return what JSON can hold of overlays; their colours are kept once for all that share them.

    Returns
    -------
    dict
        ``colours``, tables with their shape; ``overlays``, one for each frame, None without one.
    """
    tables: dict[tuple[tuple[int, ...], bytes], int] = {}
    rows: list[dict[str, Any] | None] = []
    for overlay in overlays:
        if overlay is None:
            rows.append(None)
            continue
        key = (overlay.colours.shape, overlay.colours.tobytes())
        row: dict[str, Any] = {name: float(getattr(overlay, name)) for name in _NUMBERS}
        steering_rad = overlay.steering_rad
        row |= {
            "kind": str(overlay.kind),
            "scale": [float(end) for end in overlay.scale],
            "box": [int(edge) for edge in overlay.box],
            "steering_rad": None if math.isnan(steering_rad) else float(steering_rad),
            "colours": tables.setdefault(key, len(tables)),
        }
        rows.append(row)
    colours = [{"shape": list(shape), "rgb": data.hex()} for shape, data in tables]
    return {"colours": colours, "overlays": rows}


def tables_from_plain(about: dict[str, Any]) -> list[NDArray[np.uint8]]:
    """Return the tables of colours that `overlays_to_plain` kept."""
    return [
        np.frombuffer(bytes.fromhex(table["rgb"]), np.uint8).reshape(table["shape"])
        for table in about["colours"]
    ]


def overlay_from_plain(
    row: dict[str, Any],
    tables: list[NDArray[np.uint8]],
    *,
    velocity_m_s: NDArray[np.float32],
    power_db: NDArray[np.float32],
) -> FlowOverlay:
    """Return one overlay of `overlays_to_plain`, with its values.

    Raises
    ------
    DataDamagedError
        If it names no table of colours.
    """
    low, high = (float(end) for end in row["scale"])
    first_row, first_column, end_row, end_column = (int(edge) for edge in row["box"])
    steering_rad = row["steering_rad"]
    table = row["colours"]
    if not isinstance(table, int) or table < 0:
        raise DataDamagedError("an overlay has no table of colours")
    return FlowOverlay(
        kind=FlowKind(row["kind"]),
        velocity_m_s=velocity_m_s,
        power_db=power_db,
        scale=(low, high),
        colours=tables[table],
        box=(first_row, first_column, end_row, end_column),
        steering_rad=math.nan if steering_rad is None else float(steering_rad),
        **{name: float(row[name]) for name in _NUMBERS},
    )
