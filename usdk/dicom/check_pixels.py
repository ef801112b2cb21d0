"""Check the Image Pixel module against Pixel Data, and colour against the claim of colour."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from usdk.dicom.check_decoded import check_decoded
from usdk.dicom.check_fragments import check_fragments
from usdk.dicom.check_palette import check_palette
from usdk.dicom.findings import Finding, readable, whole
from usdk.dicom.fragments import open_value
from usdk.dicom.pictures import decoder_name
from usdk.dicom.pydicom_extra import UID, Dataset, iter_pixels
from usdk.dicom.stream_size import require_stream_sizes

__all__ = ["check_pixels"]

_LOSSY = {
    "1.2.840.10008.1.2.4.50": "JPEG Baseline",
    "1.2.840.10008.1.2.4.51": "JPEG Extended",
    "1.2.840.10008.1.2.4.81": "JPEG-LS Near-lossless",
}
_SAMPLES = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_PARTIAL_420": 3,
    "YBR_PARTIAL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}
"""Photometric Interpretations that ultrasound images have or had, and their samples per pixel."""

_COUNTS = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit")
_COLOUR_TOLERANCE = 16
"""Difference of red, green and blue above which a pixel is a colour; YBR rounds."""
_MAX_COLOURED_FRACTION = 0.01
_MAX_FRAMES_DECODED = 16
_MAX_FRAME_PIXELS = 2**26


def check_pixels(dataset: Dataset, *, decode: bool = False) -> Iterator[Finding]:
    """Yield what is wrong with the pixels.

    Parameters
    ----------
    decode : bool
        Decode every frame; else a few are, where a claim of colour needs it.
    """
    values: dict[str, int] = {}
    for keyword in _COUNTS:
        try:
            value = whole(dataset, keyword)
        except ValueError as error:
            yield Finding("error", keyword, str(error))
            continue
        if value is None:
            yield Finding("error", keyword, "is absent")
        elif value < 1:
            yield Finding("error", keyword, "is less than 1")
        else:
            values[keyword] = value
    if len(values) < len(_COUNTS):
        return
    if values["BitsStored"] > values["BitsAllocated"]:
        yield Finding("error", "BitsStored", "is more than BitsAllocated")
    if values["HighBit"] != values["BitsStored"] - 1:
        yield Finding("error", "HighBit", "is not BitsStored less one")
    yield from _check_samples(dataset, values)
    yield from check_palette(dataset)
    yield from _check_length(dataset, values)
    if values["Rows"] * values["Columns"] <= _MAX_FRAME_PIXELS:
        yield from _check_colour(dataset, values["SamplesPerPixel"])
    syntax = _transfer_syntax(dataset)
    if syntax in _LOSSY and readable(dataset, "LossyImageCompression") == "00":
        yield Finding("error", "LossyImageCompression", f"is 00 in {_LOSSY[syntax]}")
    if syntax is None or "PixelData" not in dataset or _value_length(dataset) == 0:
        return
    try:
        n_frames = whole(dataset, "NumberOfFrames") or 1
    except ValueError:
        return  # Reported with the cine.
    if syntax.is_compressed and not syntax.is_deflated:
        yield from check_fragments(dataset, syntax, n_frames)
    if decode:
        yield from check_decoded(dataset, syntax, n_frames)


def _check_samples(dataset: Dataset, values: dict[str, int]) -> Iterator[Finding]:
    """Check Photometric Interpretation, Planar Configuration and Pixel Representation."""
    photometric = readable(dataset, "PhotometricInterpretation")
    n_samples = values["SamplesPerPixel"]
    if not photometric:
        yield Finding("error", "PhotometricInterpretation", "is absent")
    elif photometric not in _SAMPLES:
        yield Finding("error", "PhotometricInterpretation", "is no term of the standard")
    elif _SAMPLES[photometric] != n_samples:
        yield Finding(
            "error",
            "SamplesPerPixel",
            f"is {n_samples}, and {photometric} has {_SAMPLES[photometric]}",
        )
    for keyword, is_needed, allowed in (
        ("PlanarConfiguration", n_samples > 1, (0, 1)),
        ("PixelRepresentation", True, (0,)),
    ):
        try:
            value = whole(dataset, keyword)
        except ValueError as error:
            yield Finding("error", keyword, str(error))
            continue
        if value is None and is_needed:
            guess = " (readers take colours to be by pixel)" if n_samples > 1 else ""
            yield Finding("error", keyword, f"is absent{guess}")
        elif value is not None and value not in allowed:
            yield Finding("error", keyword, f"is not {' or '.join(map(str, allowed))}")


def _check_length(dataset: Dataset, values: dict[str, int]) -> Iterator[Finding]:
    syntax = _transfer_syntax(dataset)
    if "PixelData" not in dataset:
        yield Finding("error", "PixelData", "is absent")
        return
    try:
        n_frames = whole(dataset, "NumberOfFrames") or 1
    except ValueError:
        return  # Reported with the cine.
    n_bytes = _value_length(dataset)
    if n_bytes == 0:
        yield Finding("error", "PixelData", "is empty")
    elif syntax is not None and not syntax.is_compressed:
        samples = float(values["SamplesPerPixel"])
        if str(readable(dataset, "PhotometricInterpretation")) == "YBR_FULL_422":
            samples = 2.0  # Two pixels share their colour (PS3.3 C.7.6.3.1.2).
        n_bits = values["Rows"] * values["Columns"] * samples * values["BitsAllocated"]
        expected = -(-int(n_bits * n_frames) // 8)
        if n_bytes not in (expected, expected + expected % 2):
            yield Finding("error", "PixelData", f"has {n_bytes} bytes, and needs {expected}")


def _value_length(dataset: Dataset) -> int:
    """Return the length without reading a value that still lies in its file."""
    element = dataset.get_item("PixelData", keep_deferred=True)
    value = element.value
    return (
        int(element.length) if value is None and hasattr(element, "length") else len(value or b"")
    )


def _check_colour(dataset: Dataset, n_samples: int) -> Iterator[Finding]:
    attribute = "UltrasoundColorDataPresent"
    try:
        present = whole(dataset, attribute)
    except ValueError as error:
        yield Finding("error", attribute, str(error))
        return
    if present is None:
        return
    if present not in (0, 1):
        yield Finding("error", attribute, "is neither 0 nor 1")
    monochrome = str(readable(dataset, "PhotometricInterpretation")).startswith("MONOCHROME")
    if present == 1 and monochrome:
        yield Finding("error", attribute, "is 1, and the pixels have no colour")
    if present == 0 and n_samples == 3 and _has_colour(dataset):
        # A warning: a marked or tinted grey picture has no colour data either.
        yield Finding("warning", attribute, "is 0, and the pixels have colours")


def _has_colour(dataset: Dataset) -> bool:
    try:
        plugin = decoder_name(dataset)
        if plugin:
            with open_value(dataset) as value:
                require_stream_sizes(dataset, value)
        for pixels in islice(iter_pixels(dataset, decoding_plugin=plugin), _MAX_FRAMES_DECODED):
            spread = np.ptp(np.asarray(pixels, dtype=np.int32), axis=-1)
            if np.mean(spread > _COLOUR_TOLERANCE) > _MAX_COLOURED_FRACTION:
                return True
    # Without a decoder for the transfer syntax nothing can be said about colour.
    except Exception:
        return False
    return False


def _transfer_syntax(dataset: Dataset) -> UID | None:
    meta = getattr(dataset, "file_meta", None)
    uid = None if meta is None else readable(meta, "TransferSyntaxUID")
    return uid if isinstance(uid, UID) and uid.is_transfer_syntax else None
