"""Regions of pictures over time: spectral Doppler and M-mode (PS3.3 C.8.5.5.1.16).

Time 0 is the moment of capture, the right edge of the newest column, so that times in the picture
are negative; the reference pixel lies in the last column.
"""

from __future__ import annotations

import math
from typing import Any

from usdk.dicom.region_codes import RegionDataType, SpatialFormat, Unit
from usdk.dicom.regions import CM_PER_M, FLAGS_PROTECTED, Region, frequency_code
from usdk.doppler.spectral import SpectralFrame
from usdk.errors import ArgumentError
from usdk.m_mode import MModeFrame

__all__ = ["m_mode_region", "spectral_region"]

_INT32_MAX = 2**31 - 1


def spectral_region(frame: SpectralFrame, *, is_continuous_wave: bool = False) -> Region:
    """Return the region of a spectral picture that fills the image: seconds across, cm/s down.

    The reference pixel lies on the row nearest to the baseline; its physical value is the rest of
    the way to velocity 0. Velocities towards the probe are positive, so that PhysicalDeltaY is
    negative unless the picture is inverted (PS3.3 C.8.5.5.1.17).
    """
    n_rows, n_columns = frame.pixels.shape
    row_m_s = _step(frame.row_m_s)
    baseline = frame.baseline_row
    if not (math.isfinite(baseline) and abs(baseline) < _INT32_MAX):
        raise ArgumentError("the velocities of a spectral picture must be finite, rows apart")
    y0 = round(baseline)
    kind = RegionDataType.CW_SPECTRAL if is_continuous_wave else RegionDataType.PW_SPECTRAL
    return Region(
        spatial_format=SpatialFormat.SPECTRAL,
        data_type=kind,
        units_y=Unit.CM_PER_S,
        delta_y=row_m_s * CM_PER_M,
        reference_y0=y0,
        reference_value_y=frame.velocity_m_s(y0) * CM_PER_M,
        transducer_frequency_khz=frequency_code(frame.slow_time.frequency_hz, 1e-3),
        pulse_repetition_frequency_hz=None
        if is_continuous_wave
        else frequency_code(frame.slow_time.prf_hz, 1.0),
        doppler_correction_angle_deg=math.degrees(frame.angle_rad),
        **_across(n_rows, n_columns, frame.column_s),
    )


def m_mode_region(frame: MModeFrame) -> Region:
    """Return the region of an M-mode picture that fills the image: seconds across, cm down."""
    n_rows, n_columns = frame.pixels.shape[:2]
    row_m, depth_m = _step(frame.row_m), frame.depth_m(0)
    y0 = round(-depth_m / row_m)
    if abs(y0) >= _INT32_MAX:
        raise ArgumentError("the line lies too far from the array for the distance of its rows")
    return Region(
        spatial_format=SpatialFormat.M_MODE,
        data_type=RegionDataType.TISSUE,
        units_y=Unit.CM,
        delta_y=row_m * CM_PER_M,
        reference_y0=y0,
        reference_value_y=frame.depth_m(y0) * CM_PER_M,
        transducer_frequency_khz=frequency_code(frame.provenance.transmit_frequency_hz, 1e-3),
        pulse_repetition_frequency_hz=frequency_code(frame.provenance.prf_hz, 1.0),
        **_across(n_rows, n_columns, frame.column_s),
    )


def _across(n_rows: int, n_columns: int, column_s: float) -> dict[str, Any]:
    """Return bounds and the axis of time."""
    return {
        "flags": FLAGS_PROTECTED,
        "min_x0": 0,
        "min_y0": 0,
        "max_x1": n_columns - 1,
        "max_y1": n_rows - 1,
        "units_x": Unit.SECONDS,
        "delta_x": _step(column_s),
        "reference_x0": n_columns - 1,
        "reference_value_x": -column_s / 2,
    }


def _step(value: float) -> float:
    if not (math.isfinite(value) and value != 0):
        raise ArgumentError("the steps of a picture over time must be finite, and not 0")
    return float(value)
