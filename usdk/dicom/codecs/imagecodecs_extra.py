"""The one place that may miss ``imagecodecs``, and the border of its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.codecs.codec import Samples
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError

__all__ = ["decoded_by", "encoded_by", "has_imagecodecs", "pack_rows", "unpack_rows"]


def has_imagecodecs() -> bool:
    """Return whether imagecodecs is installed."""
    try:
        import imagecodecs
    except ImportError:
        return False
    return imagecodecs is not None


def encoded_by(name: str, what: str, frame: Samples, **options: Any) -> bytes:
    """Return what the function ``name`` of imagecodecs makes of a frame."""
    encode = _function(name, what)
    try:
        return bytes(encode(np.ascontiguousarray(frame), **options))
    except (RuntimeError, ValueError, NotImplementedError) as error:
        n_rows, n_columns = frame.shape[:2]
        raise ArgumentError(
            f"{what} cannot encode a frame of {n_rows} × {n_columns} pixels: use codec 'native'"
        ) from error


def decoded_by(
    name: str,
    what: str,
    data: bytes | memoryview,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
) -> Samples:
    """Return what the function ``name`` of imagecodecs makes of a fragment."""
    decode = _function(name, what)
    try:
        frame: Samples = np.asarray(decode(bytes(data)))
    except (RuntimeError, ValueError, NotImplementedError) as error:
        raise DataDamagedError(f"a fragment does not decode as {what}") from error
    if frame.shape != shape or frame.dtype != dtype:
        raise DataDamagedError(f"a {what} fragment decodes to a frame of another size")
    return frame


def pack_rows(plane: NDArray[np.uint8]) -> bytes:
    """Return the packed bytes of a picture, no run of which goes on from one row to the next."""
    return bytes(_function("packbits_encode", "RLE")(plane))


def unpack_rows(data: bytes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the picture of these packed bytes."""
    decode = _function("packbits_decode", "RLE")
    try:
        # Room for one byte more shows what is too long.
        samples = np.frombuffer(decode(data, out=shape[0] * shape[1] + 1), np.uint8)
    except (RuntimeError, ValueError) as error:
        raise DataDamagedError("a segment does not decode as RLE") from error
    if samples.size != shape[0] * shape[1]:
        raise DataDamagedError("an RLE segment decodes to a picture of another size")
    return samples.reshape(shape)


def _function(name: str, what: str) -> Callable[..., Any]:
    try:
        import imagecodecs

        function: Callable[..., Any] = getattr(imagecodecs, name)
    except ImportError as error:
        # Also what a build of imagecodecs without this codec raises, when asked for it.
        raise MissingExtraError.for_extra("codecs", f"{what} compression") from error
    return function
