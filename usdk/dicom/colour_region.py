"""The region of a colour box: where it lies, and which colour means which value (PS3.3 C.8.5.5).

The values of the colours are a table look-up (Pixel Component Organization 2): each entry of Table
of Pixel Values is a composite pixel code, red in its most significant byte, and stands for the
entry of Table of Parameter Values in the same place. Greys are in no table: a pixel of the box that
is not coloured has no value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.region_codes import RegionDataType, Unit
from usdk.dicom.regions import CM_PER_M, FLAGS_PROTECTED, Region
from usdk.flow_overlay import FlowKind, FlowOverlay

__all__ = ["TABLE_LOOK_UP", "colour_item", "is_power", "mean_the_same"]

TABLE_LOOK_UP = 2
_COLOUR_FLOW_VELOCITY = 3
_COLOUR_FLOW_INTENSITY = 5
# A value of explicit VR UL or FL has a length of 16 bits.
_MAX_ENTRIES = 65534 // 4


def colour_item(whole: Region, overlay: FlowOverlay) -> Dataset:
    """Return the region of a colour box.

    Parameters
    ----------
    whole : Region
        The region of the picture that the colours lie on, with the colours' frequencies.
    overlay : FlowOverlay
        What the colours mean.
    """
    first_row, first_column, end_row, end_column = overlay.box
    x0, y0 = whole.reference_x0, whole.reference_y0
    is_steered = math.isfinite(overlay.steering_rad)
    region = replace(
        whole,
        data_type=RegionDataType.COLOUR_FLOW,
        flags=FLAGS_PROTECTED,
        min_x0=first_column,
        min_y0=first_row,
        max_x1=end_column - 1,
        max_y1=end_row - 1,
        # Reference pixels count from the region's own corner.
        reference_x0=None if x0 is None else x0 - first_column,
        reference_y0=None if y0 is None else y0 - first_row,
        steering_angle_deg=math.degrees(overlay.steering_rad) if is_steered else None,
        doppler_correction_angle_deg=math.degrees(overlay.angle_rad) or None,
    )
    item = region.to_item()
    _add_values(item, overlay)
    return item


def mean_the_same(some: Sequence[FlowOverlay], others: Sequence[FlowOverlay]) -> bool:
    """Whether the colours of two pictures stand for the same values in the same places."""
    return len(some) == len(others) and all(map(_mean_the_same, some, others))


def is_power(overlay: FlowOverlay) -> bool:
    """Whether the colours show power."""
    return overlay.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)


def _add_values(item: Dataset, overlay: FlowOverlay) -> None:
    """Write the look-up table from colours to values."""
    codes, values = _table(overlay)
    if not 1 <= codes.size <= _MAX_ENTRIES:
        return
    item.PixelComponentOrganization = TABLE_LOOK_UP
    item.PixelComponentPhysicalUnits = Unit.DB if is_power(overlay) else Unit.CM_PER_S
    item.PixelComponentDataType = (
        _COLOUR_FLOW_INTENSITY if is_power(overlay) else _COLOUR_FLOW_VELOCITY
    )
    item.NumberOfTableEntries = int(codes.size)
    item.TableOfPixelValues = codes.tolist()
    item.TableOfParameterValues = values.tolist()


def _table(overlay: FlowOverlay) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return each colour once, as a composite pixel code, and the middle of its values."""
    low, high = overlay.scale
    n_colours = overlay.colours.shape[-2]
    values = low + (high - low) * (np.arange(n_colours) + 0.5) / n_colours
    if overlay.kind is FlowKind.DIRECTIONAL_POWER:
        values = np.abs(values) - high  # dB below the most power, of either direction
    elif overlay.kind is not FlowKind.POWER:
        values = values * CM_PER_M
    colours = overlay.colours.reshape(-1, 3).astype(np.int64)
    values = np.tile(values, len(colours) // n_colours)
    is_grey = np.ptp(colours, axis=1) == 0
    codes = (colours[:, 0] << 16 | colours[:, 1] << 8 | colours[:, 2])[~is_grey]
    unique, place, n = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=values[~is_grey]) / n
    return unique, means.astype(np.float32)


def _mean_the_same(one: FlowOverlay | None, other: FlowOverlay | None) -> bool:
    if one is None or other is None:
        return one is other
    plain = ("kind", "scale", "prf_hz", "frequency_hz", "box", "angle_rad")
    both_rad = (one.steering_rad, other.steering_rad)
    return (
        all(getattr(one, name) == getattr(other, name) for name in plain)
        and np.array_equal(one.colours, other.colours)
        and (both_rad[0] == both_rad[1] or all(map(math.isnan, both_rad)))
    )
