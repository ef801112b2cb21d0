"""Codes of ultrasound regions: what a region shows, and in which units (PS3.3 C.8.5.5.1)."""

from __future__ import annotations

from enum import IntEnum, IntFlag

__all__ = ["ModeBits", "RegionDataType", "SpatialFormat", "Unit"]


class SpatialFormat(IntEnum):
    """Region Spatial Format: what rows and columns are (C.8.5.5.1.1)."""

    NONE = 0
    TWO_DIMENSIONAL = 1
    M_MODE = 2
    SPECTRAL = 3
    WAVEFORM = 4
    GRAPHICS = 5


class RegionDataType(IntEnum):
    """Region Data Type: what the pixels are (C.8.5.5.1.2)."""

    NONE = 0x0
    TISSUE = 0x1
    COLOUR_FLOW = 0x2
    PW_SPECTRAL = 0x3
    CW_SPECTRAL = 0x4
    MEAN_TRACE = 0x5
    MODE_TRACE = 0x6
    MAXIMUM_TRACE = 0x7
    VOLUME_TRACE = 0x8
    VOLUME_RATE_TRACE = 0x9
    ECG = 0xA
    PULSE = 0xB
    PHONOCARDIOGRAM = 0xC
    GREY_BAR = 0xD
    COLOUR_BAR = 0xE
    INTEGRATED_BACKSCATTER = 0xF
    AREA_TRACE = 0x10
    AREA_RATE_TRACE = 0x11
    OTHER = 0x12


class Unit(IntEnum):
    """Physical Units of an axis, or of pixel values (C.8.5.5.1.15)."""

    NONE = 0x0
    PERCENT = 0x1
    DB = 0x2
    CM = 0x3
    SECONDS = 0x4
    HERTZ = 0x5
    DB_PER_S = 0x6
    CM_PER_S = 0x7
    CM2 = 0x8
    CM2_PER_S = 0x9
    CM3 = 0xA
    CM3_PER_S = 0xB
    DEGREES = 0xC


class ModeBits(IntFlag):
    """Value 4 of Image Type: which modes a picture shows (C.8.5.6.1.1)."""

    TWO_DIMENSIONAL = 0x0001
    M_MODE = 0x0002
    CW_DOPPLER = 0x0004
    PW_DOPPLER = 0x0008
    COLOUR_DOPPLER = 0x0010
    COLOUR_M_MODE = 0x0020
    COLOUR_POWER = 0x0100
