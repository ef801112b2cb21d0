"""ComposedFrame: several pictures in one image, each with a region of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, require_instance
from usdk.dicom.regions import MAX_SIDE
from usdk.doppler.spectral import SampleVolume, SpectralFrame
from usdk.errors import ArgumentError
from usdk.frame import Frame
from usdk.m_mode import MModeFrame

__all__ = ["ComposedFrame", "Part", "stack"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Part:
    """A picture, and where in the image it stands.

    Parameters
    ----------
    frame : Frame, MModeFrame or SpectralFrame
        What is shown.
    row, column : int
        Where its first pixel stands.
    """

    frame: Frame | MModeFrame | SpectralFrame
    row: int = 0
    column: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.frame, Frame | MModeFrame | SpectralFrame):
            raise ArgumentError(
                f"a part shows a Frame, MModeFrame or SpectralFrame, not "
                f"{type(self.frame).__name__}"
            )
        for name in ("row", "column"):
            place = count(getattr(self, name), name, least=0, most=MAX_SIDE)
            object.__setattr__(self, name, place)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """First row and column, and one past the last row and column."""
        n_rows, n_columns = self.frame.pixels.shape[:2]
        return (self.row, self.column, self.row + n_rows, self.column + n_columns)


@dataclass(frozen=True, eq=False, kw_only=True)
class ComposedFrame:
    """One image of several pictures, such as B-mode above its spectral strip.

    Parameters
    ----------
    parts : sequence of Part
        At least one; none may cover another.
    sample_volume : SampleVolume, optional
        Where the spectral strip listens: its place is told in the regions of the two-dimensional
        pictures.

    Attributes
    ----------
    pixels : ndarray of uint8, (n_rows, n_columns) or (n_rows, n_columns, 3)
        The parts on black; in colour if one of them is.

    Raises
    ------
    ArgumentError
        If there are no parts, or they cover each other.
    """

    parts: Sequence[Part]
    sample_volume: SampleVolume | None = None

    def __post_init__(self) -> None:
        parts = tuple(self.parts)
        for part in parts:
            require_instance(part, Part, "every part")
        if not parts:
            raise ArgumentError("a composed frame has at least one part")
        if self.sample_volume is not None:
            require_instance(self.sample_volume, SampleVolume, "sample_volume")
        for index, part in enumerate(parts):
            for other in parts[:index]:
                if _overlap(part.box, other.box):
                    raise ArgumentError("two parts of a composed frame cover each other")
        n_rows, n_columns = (max(part.box[edge] for part in parts) for edge in (2, 3))
        if max(n_rows, n_columns) > MAX_SIDE:
            raise ArgumentError(f"a DICOM image has at most {MAX_SIDE} rows and columns")
        object.__setattr__(self, "parts", parts)
        object.__setattr__(self, "_shape", (n_rows, n_columns))

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        shape: tuple[int, int] = self._shape  # type: ignore[attr-defined]
        return shape

    @property
    def is_colour(self) -> bool:
        """Whether the pixels are red, green and blue."""
        return any(part.frame.pixels.ndim == 3 for part in self.parts)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The parts on black."""
        image = np.zeros((*self.shape, 3) if self.is_colour else self.shape, np.uint8)
        for part in self.parts:
            row, column, end_row, end_column = part.box
            pixels = part.frame.pixels
            if image.ndim == 3 and pixels.ndim == 2:
                pixels = pixels[..., None]
            image[row:end_row, column:end_column] = pixels
        return image


def stack(
    *frames: Frame | MModeFrame | SpectralFrame,
    gap_rows: int = 8,
    sample_volume: SampleVolume | None = None,
) -> ComposedFrame:
    """Return pictures one below the other, centred, as a scanner shows B-mode above its strip.

    Parameters
    ----------
    *frames : Frame, MModeFrame or SpectralFrame
        From top to bottom.
    gap_rows : int
        Black rows between them.
    sample_volume : SampleVolume, optional
        Where the spectral strip listens.
    """
    gap_rows = count(gap_rows, "gap_rows", least=0, most=MAX_SIDE)
    parts = [Part(frame=frame) for frame in frames]
    width = max((part.box[3] for part in parts), default=0)
    placed, row = [], 0
    for part in parts:
        placed.append(Part(frame=part.frame, row=row, column=(width - part.box[3]) // 2))
        row += part.box[2] + gap_rows
    return ComposedFrame(parts=placed, sample_volume=sample_volume)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
