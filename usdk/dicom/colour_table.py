"""ColourTable: from the colours of a flow region back to the values that they stand for.

The table look-up of PS3.3 C.8.5.5.1.4 (Pixel Component Organization 2), as `colour_region` writes
it. Colours between two entries, and greys, stand for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import short
from usdk.dicom.colour_region import TABLE_LOOK_UP
from usdk.dicom.palette_colours import colours_of
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.region_codes import Unit
from usdk.errors import ArgumentError

__all__ = ["MAX_ENTRIES", "ColourTable"]

MAX_ENTRIES = 2**20
"""Longest table that is read."""

_MAX_CODE = 0xFFFFFF


@dataclass(frozen=True, eq=False, kw_only=True)
class ColourTable:
    """Colours, and what each stands for.

    Attributes
    ----------
    codes : ndarray of int64, (n_entries,)
        Red, green and blue, red in the most significant byte, in increasing order.
    values : ndarray of float32, (n_entries,)
    unit : Unit
        Of the values: cm/s of velocities, dB of power.
    """

    codes: NDArray[np.int64]
    values: NDArray[np.float32]
    unit: Unit

    @classmethod
    def of_item(cls, item: Dataset, dataset: Dataset) -> ColourTable | None:
        """Return the table of a region, or None of one without, or whose table cannot be read.

        Parameters
        ----------
        item : pydicom.Dataset
            Item of the Sequence of Ultrasound Regions.
        dataset : pydicom.Dataset
            The image; its palette, if it has one, says which colours the codes are.
        """
        try:
            if int(item.PixelComponentOrganization) != TABLE_LOOK_UP:
                return None
            codes = np.atleast_1d(np.asarray(item.TableOfPixelValues, np.int64))
            values = np.atleast_1d(np.asarray(item.TableOfParameterValues, np.float32))
            unit = Unit(int(item.PixelComponentPhysicalUnits))
            if not (codes.size == values.size <= MAX_ENTRIES and codes.size):
                return None
            if codes.min() < 0 or codes.max() > _MAX_CODE:
                return None
            if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
                codes = _codes(colours_of(codes.astype(np.uint16)[None], dataset)[0])
        # A stranger's table may be anything; the check says what is wrong with it.
        except Exception:
            return None
        order = np.argsort(codes, kind="stable")
        return cls(codes=codes[order], values=values[order], unit=unit)

    def values_of(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what each pixel stands for, NaN where it is in no entry.

        Parameters
        ----------
        pixels : ndarray of uint8, (..., 3)
            Red, green and blue.

        Returns
        -------
        ndarray of float32, (...)
        """
        if pixels.ndim < 1 or pixels.shape[-1] != 3:
            raise ArgumentError(f"pixels must be RGB, got shape {short(pixels.shape)}")
        codes = _codes(pixels)
        places = np.minimum(np.searchsorted(self.codes, codes), self.codes.size - 1)
        found: NDArray[Any] = np.where(
            self.codes[places] == codes, self.values[places], np.float32(np.nan)
        )
        return found.astype(np.float32, copy=False)


def _codes(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = rgb.astype(np.int64)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2])
