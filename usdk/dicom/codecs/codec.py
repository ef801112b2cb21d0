"""Codec: what one way of laying down pixels must do; each is a file of its own beside this one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["PixelCodec", "Samples"]

Samples: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
"""One frame: (n_rows, n_columns), or (n_rows, n_columns, 3) of red, green and blue."""


class PixelCodec(ABC):
    """One lossless way from a frame to bytes and back.

    Both verbs are called from several threads at once, and let other threads work as far as the
    library below does.
    """

    name: str
    """What the user says."""

    transfer_syntax_uid: str

    is_encapsulated: bool = True
    """Whether each frame becomes a fragment (PS3.5 A.4), rather than a part of one long value."""

    def photometric_interpretation(self, of_pixels: str) -> str:
        """Return the Photometric Interpretation that the object must state.

        Parameters
        ----------
        of_pixels : str
            That of the frames: ``MONOCHROME2``, ``RGB`` or ``PALETTE COLOR``.
        """
        return of_pixels

    @abstractmethod
    def encode(self, frame: Samples) -> bytes | memoryview:
        """Return the bytes of a frame.

        Raises
        ------
        ArgumentError
            The codec cannot encode such a frame.
        MissingExtraError
            What it needs is not installed.
        """

    @abstractmethod
    def decode(
        self, data: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> Samples:
        """Return the frame of these bytes.

        Raises
        ------
        DataDamagedError
            They do not decode to a frame of this shape and type.
        """
