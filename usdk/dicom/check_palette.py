"""Check palettes: tables that a reader would run out of show colours that nobody meant."""

from __future__ import annotations

from collections.abc import Iterator

from usdk.dicom.findings import Finding, readable
from usdk.dicom.pydicom_extra import Dataset, MultiValue

__all__ = ["check_palette", "n_palette_entries"]

_ENTRY_BITS = (8, 16)
_MOST_ENTRIES = 65536


def n_palette_entries(dataset: Dataset) -> int | None:
    """Return the first value that no entry of the palette stands for; None without a palette."""
    if str(readable(dataset, "PhotometricInterpretation")) != "PALETTE COLOR":
        return None
    try:
        n_entries, first, _ = (int(v) for v in dataset.RedPaletteColorLookupTableDescriptor)
    # Reported with the palette.
    except Exception:
        return None
    return first + (n_entries % _MOST_ENTRIES or _MOST_ENTRIES)


def check_palette(dataset: Dataset) -> Iterator[Finding]:
    """Yield what is wrong with the three tables of a PALETTE COLOR image."""
    if str(readable(dataset, "PhotometricInterpretation")) != "PALETTE COLOR":
        return
    descriptors = []
    for colour in ("Red", "Green", "Blue"):
        name = f"{colour}PaletteColorLookupTable"
        value = readable(dataset, f"{name}Descriptor")
        if value is None:
            yield Finding("error", f"{name}Descriptor", "is absent")
            continue
        if not isinstance(value, MultiValue | list) or len(value) != 3:
            yield Finding("error", f"{name}Descriptor", "has not three values")
            continue
        if not all(isinstance(part, int) for part in value):
            yield Finding("error", f"{name}Descriptor", "does not hold whole numbers")
            continue
        n_entries, first, n_bits = (int(part) for part in value)
        n_entries = n_entries % _MOST_ENTRIES or _MOST_ENTRIES
        descriptors.append((n_entries, first, n_bits))
        if n_bits not in _ENTRY_BITS:
            yield Finding(
                "error", f"{name}Descriptor", f"has entries of {n_bits} bits, not 8 or 16"
            )
            continue
        if f"Segmented{name}Data" in dataset:
            continue
        data = readable(dataset, f"{name}Data")
        # Makers write entries of 8 bits both one to a byte and one to a word.
        n_bytes = {n_entries * 2} if n_bits == 16 else {n_entries, n_entries + 1, n_entries * 2}
        if not isinstance(data, bytes):
            yield Finding("error", f"{name}Data", "is absent")
        elif len(data) not in n_bytes:
            yield Finding(
                "error",
                f"{name}Data",
                f"has {len(data)} bytes for {n_entries} entries of {n_bits} bits",
            )
    if len(set(descriptors)) > 1:
        yield Finding(
            "error", "RedPaletteColorLookupTableDescriptor", "differs from those of green and blue"
        )
