"""Decode every frame, one at a time, and see that it is one, and the one that was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.check_palette import n_palette_entries
from usdk.dicom.findings import Finding, readable, whole
from usdk.dicom.fragments import open_value
from usdk.dicom.image_size import MAX_FRAME_SAMPLES
from usdk.dicom.pictures import decoder_name
from usdk.dicom.provenance import read_frame_digests
from usdk.dicom.pydicom_extra import UID, Dataset, iter_pixels
from usdk.dicom.stream_size import require_stream_sizes
from usdk.errors import DataDamagedError, MissingExtraError

__all__ = ["check_decoded"]

MAX_DECODED_SAMPLES = 2**34
"""Most samples that are decoded: a few bytes can claim any number."""


def check_decoded(dataset: Dataset, syntax: UID, n_frames: int) -> Iterator[Finding]:
    """Yield what is wrong with what the pixels decode to."""
    try:
        plugin = decoder_name(dataset)
    except (DataDamagedError, MissingExtraError, NotImplementedError):
        yield Finding(
            "warning", "PixelData", f"was not decoded: no decoder for {syntax.name} is installed"
        )
        return
    try:
        n_samples = (
            (whole(dataset, "Rows") or 0)
            * (whole(dataset, "Columns") or 0)
            * (whole(dataset, "SamplesPerPixel") or 0)
        )
    except ValueError:
        return  # Reported with the attributes.
    if n_samples > MAX_FRAME_SAMPLES or n_samples * n_frames > MAX_DECODED_SAMPLES:
        yield Finding("error", "PixelData", "was not decoded: it claims an absurd number of pixels")
        return
    yield from _check_frames(dataset, n_frames, plugin)


def _check_frames(dataset: Dataset, n_frames: int, plugin: str) -> Iterator[Finding]:
    digests = _digests(dataset)
    n_entries = n_palette_entries(dataset)
    options: dict[str, Any] = {}
    if readable(dataset, "SamplesPerPixel") == 3 and "PlanarConfiguration" not in dataset:
        options["planar_configuration"] = 0  # Reported with the attributes.
    number = 0
    try:
        if plugin:
            with open_value(dataset) as value:
                require_stream_sizes(dataset, value)
        decoded = iter_pixels(_source(dataset), decoding_plugin=plugin, **options)
        for number, pixels in enumerate(decoded, start=1):
            if number > n_frames:
                break
            # What was written is what RGB gives, or the places in a palette.
            if digests is not None and n_entries is None:
                digest = hashlib.sha256(np.ascontiguousarray(pixels).data).digest()
                if digest != digests[number - 1]:
                    yield Finding(
                        "error", "PixelData", f"has a frame {number} that is not the one written"
                    )
            if n_entries is not None and _beyond(pixels, n_entries):
                yield Finding(
                    "warning",
                    "PixelData",
                    f"has pixels in frame {number} beyond the last of {n_entries} colours",
                )
                n_entries = None  # Once is enough.
    # Decoders and their plug-ins raise what they like for damaged bytes.
    except Exception:
        yield Finding("error", "PixelData", f"does not decode from frame {number + 1} on")
        return
    if number != n_frames:
        yield Finding("error", "PixelData", f"decodes to {number} of {n_frames} frames")


def _source(dataset: Dataset) -> Any:
    """Return the file, of which one frame at a time is read, or what is in memory."""
    path = getattr(dataset, "filename", None)
    element: Any = dataset.get_item("PixelData", keep_deferred=True)
    return path if path and element is not None and element.value is None else dataset


def _digests(dataset: Dataset) -> list[bytes] | None:
    try:
        digests = read_frame_digests(dataset)
    # A stranger's private block may be anything.
    except (DataDamagedError, AttributeError, LookupError, TypeError, ValueError):
        return None
    try:
        n_frames = whole(dataset, "NumberOfFrames") or 1
    except ValueError:
        return None
    return digests if digests is not None and len(digests) == n_frames else None


def _beyond(pixels: NDArray[Any], n_entries: int) -> bool:
    return pixels.size > 0 and int(pixels.max()) >= n_entries
