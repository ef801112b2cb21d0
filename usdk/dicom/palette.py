"""Palettes: colours as places in a table (Palette Color Lookup Table module, PS3.3 C.7.9).

Nothing is lost: a palette holds every colour of the frames. Up to 256 take 8 bits a pixel, up to
65536 take 16. Entries are 16 bits wide, as PS3.3 C.7.6.3.1.5 asks, with both bytes alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.colour_region import TABLE_LOOK_UP
from usdk.dicom.pydicom_extra import Dataset
from usdk.errors import ArgumentError

__all__ = ["MAX_ENTRIES", "Palette", "add_palette"]

# A descriptor counts 65536 entries as 0, and the length of their data does not fit 16 bits.
MAX_ENTRIES = 32767
"""Most colours of a palette: a value of OW with a length of 16 bits or of any, in all readers."""

_ENTRY_BITS = 16
_BOTH_BYTES = 257
_WHITE = 0xFFFFFF


@dataclass(frozen=True, eq=False)
class Palette:
    """A table of colours, sorted by their codes.

    Attributes
    ----------
    codes : ndarray of int64, (n_colours,)
        Red, green and blue, red in the most significant byte.
    """

    codes: NDArray[np.int64]

    @classmethod
    def of(cls, pictures: Iterable[NDArray[np.uint8]], regions: Sequence[Dataset]) -> Palette:
        """Return the colours of RGB pictures, and those that stand for values in their regions."""
        # White is always there: a table whose greatest entry would fit fewer bits is an error to
        # the standard's tools.
        codes = np.array([_WHITE], np.int64)
        for item in regions:
            if item.get("PixelComponentOrganization") == TABLE_LOOK_UP:
                codes = np.union1d(codes, np.asarray(item.TableOfPixelValues, np.int64))
        for picture in pictures:
            codes = np.union1d(codes, _codes(picture))
        if codes.size > MAX_ENTRIES:
            raise ArgumentError(
                f"the frames have {codes.size} colours, and a palette holds {MAX_ENTRIES}: "
                "write them with colour='rgb'"
            )
        return cls(codes)

    @property
    def n_bits(self) -> int:
        """Bits of a pixel."""
        return 8 if self.codes.size <= 256 else 16

    @property
    def colours(self) -> NDArray[np.uint8]:
        """(n_colours, 3)."""
        parts = [self.codes >> shift & 0xFF for shift in (16, 8, 0)]
        return np.stack(parts, axis=-1).astype(np.uint8)

    def indices(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return the place of each pixel's colour, (n_rows, n_columns)."""
        places = np.searchsorted(self.codes, _codes(picture))
        return places.astype(np.uint8) if self.n_bits == 8 else places.astype(np.uint16)


def add_palette(dataset: Dataset, palette: Palette) -> None:
    """Write the tables, and let the tables of regions name pixels by their places."""
    for channel, name in enumerate(("Red", "Green", "Blue")):
        keyword = f"{name}PaletteColorLookupTable"
        entries = palette.colours[:, channel].astype("<u2") * _BOTH_BYTES
        setattr(dataset, f"{keyword}Descriptor", [palette.codes.size, 0, _ENTRY_BITS])
        dataset[f"{keyword}Descriptor"].VR = "US"
        setattr(dataset, f"{keyword}Data", entries.astype("<u2").tobytes())
        dataset[f"{keyword}Data"].VR = "OW"
    for item in dataset.get("SequenceOfUltrasoundRegions", ()):
        if item.get("PixelComponentOrganization") == TABLE_LOOK_UP:
            values = np.asarray(item.TableOfPixelValues, np.int64)
            item.TableOfPixelValues = np.searchsorted(palette.codes, values).tolist()


def _codes(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    rgb = picture.astype(np.int64)
    return np.asarray(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2])
