"""The one place that may miss ``imagecodecs``, and the border of its errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from usdk.dicom.codecs.codec import Samples
from usdk.errors import ArgumentError, DataDamagedError, MissingExtraError

__all__ = ["decoded_by", "encoded_by", "has_imagecodecs"]


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


def _function(name: str, what: str) -> Callable[..., Any]:
    try:
        import imagecodecs

        function: Callable[..., Any] = getattr(imagecodecs, name)
    except ImportError as error:
        # Also what a build of imagecodecs without this codec raises, when asked for it.
        raise MissingExtraError.for_extra("codecs", f"{what} compression") from error
    return function
