"""Envelope and level of a single image; a plan for many is `usdk.image.ImageChain`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.errors import ArgumentError
from usdk_kernels.envelope import envelope_iq
from usdk_kernels.log_compression import log_compress

__all__ = ["envelope", "log_compression"]


def envelope(iq: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return the magnitude of IQ, float32 of the same shape (two dimensions)."""
    iq = _matrix(iq, np.complex64, "iq")
    out = np.empty(iq.shape, np.float32)
    envelope_iq(iq, out)
    return out


def log_compression(
    image: NDArray[np.float32], *, reference: float | None = None
) -> NDArray[np.float32]:
    """Return an envelope in dB re ``reference`` (its maximum when absent), float32."""
    image = _matrix(image, np.float32, "image")
    if reference is None:
        # A silent image has no greatest echo; any reference puts it at the floor.
        reference = float(image.max()) or 1.0
    reference = positive(reference, "reference")
    out = np.empty(image.shape, np.float32)
    log_compress(image, reference, out)
    return out


def _matrix(array: NDArray[Any], dtype: type[np.generic], name: str) -> NDArray[Any]:
    given = np.asarray(array)
    kinds = "fiuc" if np.dtype(dtype).kind == "c" else "fiu"
    if given.dtype.kind not in kinds or given.ndim != 2 or given.size == 0:
        raise ArgumentError(
            f"{name} must hold {'IQ' if 'c' in kinds else 'real samples'} in two dimensions, "
            f"got {given.dtype} {given.shape}"
        )
    return np.require(given, dtype, ("C", "W"))
