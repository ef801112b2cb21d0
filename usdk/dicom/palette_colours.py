"""From places in a file's palette to colours, whatever the order of its bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.pydicom_extra import Dataset, ExplicitVRBigEndian, apply_color_lut

__all__ = ["colours_of"]

_TABLES = tuple(
    f"{prefix}{colour}PaletteColorLookupTableData"
    for prefix in ("", "Segmented")
    for colour in ("Red", "Green", "Blue")
)
_ATTRIBUTES = tuple(
    f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")
)


def colours_of(places: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8]:
    """Return the colours of a PALETTE COLOR frame, (n_rows, n_columns, 3).

    Parameters
    ----------
    places : ndarray of uint8 or uint16, (n_rows, n_columns)
    dataset : pydicom.Dataset
        Holds the palette; entries of 16 bits lose their lower byte.
    """
    if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian:
        dataset = _in_little_endian(dataset)
    colours: NDArray[Any] = apply_color_lut(places, dataset)
    return (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours


def _in_little_endian(dataset: Dataset) -> Dataset:
    """Return the palette alone, with the bytes of its words as the parser expects them."""
    palette = Dataset()
    for keyword in _ATTRIBUTES:
        palette[keyword] = dataset[keyword]
    for keyword in _TABLES:
        if keyword in dataset:
            words = np.frombuffer(dataset[keyword].value, ">u2")
            palette.add_new(dataset[keyword].tag, "OW", words.astype("<u2").tobytes())
    return palette
