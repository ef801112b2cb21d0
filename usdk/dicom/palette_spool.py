"""PaletteSpool: frames in colour wait on the disk until all their colours are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.codecs.catalogue import Codec
from usdk.dicom.codecs.encoded_frame import EncodedFrame, encode_frame
from usdk.dicom.frame_spool import FrameSpool, SpooledFrame
from usdk.dicom.palette import Palette
from usdk.dicom.shown import Displayed, shown_of
from usdk.tiles import map_in_order

__all__ = ["PaletteSpool"]


class PaletteSpool(FrameSpool):
    """A spool whose frames, if they have colours, are places in one palette of all of them.

    They pass the disk twice: as they are, until the last colour has come, and as places.

    Parameters
    ----------
    codec, folder
        As of `FrameSpool`; the folder has room for the frames as they are, too.
    """

    def __init__(self, codec: Codec, folder: Path) -> None:
        super().__init__(codec, folder)
        self._folder = folder
        self.palette: Palette | None = None

    @property
    def is_colour(self) -> bool:
        """Whether the frames have colours."""
        return self.palette is not None or super().is_colour

    def add(
        self, frames: Iterable[Displayed], *, progress: Callable[[int], None] | None = None
    ) -> None:
        """Keep all frames, then encode them as `FrameSpool.add` does; called once.

        Raises
        ------
        ArgumentError
            Also if the frames have more colours than a palette can hold.
        """
        coming = iter(frames)
        first = next(coming, None)
        if first is None:
            return
        whole = chain([first], coming)
        if not shown_of(first).is_colour:
            super().add(whole, progress=progress)
            return
        with FrameSpool("native", self._folder) as waiting:
            waiting.add(whole)
            pictures = (frame.pixels for frame in waiting.frames)
            self.palette = Palette.of(pictures, waiting.frames[0].regions)
            self.frame_shape = waiting.frame_shape[:2]
            self._dtype = np.dtype(np.uint8 if self.palette.n_bits == 8 else np.uint16)
            for shown, encoded in map_in_order(self._encode_places, enumerate(waiting.frames, 1)):
                self._keep(shown, encoded)
                if progress is not None:
                    progress(len(self._frames))

    def decode(self, index: int) -> NDArray[np.uint8]:
        """Return a frame's pixels, RGB if it has colours."""
        places = super().decode(index)
        return places if self.palette is None else self.palette.colours[places]

    def _encode_places(self, piece: tuple[int, SpooledFrame]) -> tuple[SpooledFrame, EncodedFrame]:
        number, frame = piece
        assert self.palette is not None
        encoded = encode_frame(self._codec, self.palette.indices(frame.pixels), number)
        # The digest of a frame is over what a reader sees.
        return frame, replace(encoded, pixels_sha256=frame.pixels_sha256)
