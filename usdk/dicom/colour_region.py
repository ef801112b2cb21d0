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
from usdk.dicom.regions import CM_PER_M, FLAGS_LOW_PRIORITY, Region
from usdk.errors import ArgumentError
from usdk.flow_overlay import FlowKind, FlowOverlay
from usdk.frame import Frame

__all__ = ["add_colour_region", "common_overlay"]

DATA_TYPE_COLOUR_FLOW = 2
_TABLE_LOOK_UP = 2
_UNITS_DB = 2
_UNITS_CM_PER_S = 7
_COLOUR_FLOW_VELOCITY = 3
_COLOUR_FLOW_INTENSITY = 5
# A value of explicit VR UL or FL has a length of 16 bits.
_MAX_ENTRIES = 65534 // 4


def common_overlay(frames: Sequence[Frame]) -> FlowOverlay | None:
    """Return what the colours of all frames mean, None of grey frames or where it is not known.

    Raises
    ------
    ArgumentError
        If some frames are grey and some in colour, or their colours do not mean the same.
    """
    first = frames[0]
    for number, frame in enumerate(frames, start=1):
        if frame.is_colour != first.is_colour:
            raise ArgumentError(f"frame {number} is grey or frame 1 is: export them apart")
        if not _mean_the_same(frame.overlay, first.overlay):
            raise ArgumentError(
                f"the colours of frame {number} have another scale, box or PRF than those of "
                "frame 1: export it on its own"
            )
    return first.overlay


def add_colour_region(dataset: Dataset, frame: Frame) -> None:
    """Add the region of the colour box to an object that has the region of its picture."""
    overlay = frame.overlay
    if overlay is None:
        return
    picture = dataset.SequenceOfUltrasoundRegions[0]
    # The colours overwrite the tissue below them, whose greys are not calibrated there.
    picture.RegionFlags |= FLAGS_LOW_PRIORITY
    whole = Region.of_raster(
        frame.raster, transmit_frequency_hz=overlay.frequency_hz, prf_hz=overlay.prf_hz
    )
    first_row, first_column, end_row, end_column = overlay.box
    x0, y0 = whole.reference_x0, whole.reference_y0
    region = replace(
        whole,
        data_type=DATA_TYPE_COLOUR_FLOW,
        min_x0=first_column,
        min_y0=first_row,
        max_x1=end_column - 1,
        max_y1=end_row - 1,
        # Reference pixels count from the region's own corner.
        reference_x0=None if x0 is None else x0 - first_column,
        reference_y0=None if y0 is None else y0 - first_row,
    )
    item = region.to_item()
    if math.isfinite(overlay.steering_rad):
        item.SteeringAngle = math.degrees(overlay.steering_rad)
    if overlay.angle_rad:
        item.DopplerCorrectionAngle = math.degrees(overlay.angle_rad)
    _add_values(item, overlay)
    dataset.SequenceOfUltrasoundRegions.append(item)


def _add_values(item: Dataset, overlay: FlowOverlay) -> None:
    """Write the look-up table from colours to values."""
    is_power = overlay.kind in (FlowKind.POWER, FlowKind.DIRECTIONAL_POWER)
    codes, values = _table(overlay)
    if not 1 <= codes.size <= _MAX_ENTRIES:
        return
    item.PixelComponentOrganization = _TABLE_LOOK_UP
    item.PixelComponentPhysicalUnits = _UNITS_DB if is_power else _UNITS_CM_PER_S
    item.PixelComponentDataType = _COLOUR_FLOW_INTENSITY if is_power else _COLOUR_FLOW_VELOCITY
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
