"""FrameSpool: the encoded frames of an object wait on the disk until its header can be written.

What stands before Pixel Data in a file, such as the number of frames, their times and digests, is
known only after the last frame. Memory therefore holds a few frames and a short record of each,
whatever their number.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from usdk.dicom.codecs.catalogue import Codec, find_codec
from usdk.dicom.codecs.encoded_frame import EncodedFrame, encode_frame
from usdk.dicom.codecs.offset_table import (
    SEQUENCE_DELIMITER,
    add_offset_table,
    fragment_header,
)
from usdk.dicom.codecs.pixel_data import describe_coding, require_room
from usdk.dicom.colour_region import mean_the_same
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.shown import Displayed, Shown, shown_of
from usdk.errors import ArgumentError, DataDamagedError
from usdk.files import storage_errors
from usdk.frame import Provenance
from usdk.tiles import map_in_order

__all__ = ["FrameSpool", "SpooledFrame"]

_COPY_BYTES = 1 << 24


class SpooledFrame(Shown):
    """A frame whose pixels lie encoded in a spool, and are decoded whenever they are asked for."""

    def __init__(self, shown: Shown, spool: FrameSpool, index: int, pixels_sha256: bytes) -> None:
        for field in fields(Shown):
            if field.name != "pixels":
                object.__setattr__(self, field.name, getattr(shown, field.name))
        object.__setattr__(self, "spool", spool)
        object.__setattr__(self, "pixels_sha256", pixels_sha256)
        object.__setattr__(self, "_index", index)

    spool: FrameSpool
    pixels_sha256: bytes
    _index: int

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The frame, decoded."""
        return self.spool.decode(self._index)

    @property
    def is_colour(self) -> bool:
        """Whether the pixels are red, green and blue."""
        return self.spool.is_colour

    @property
    def shape(self) -> tuple[int, int]:
        """(n_rows, n_columns)."""
        return self.spool.frame_shape[:2]  # type: ignore[return-value]


class FrameSpool:
    """Encoded frames on the disk; a context manager, after which nothing is left of them.

    Parameters
    ----------
    codec : Codec
        How pixels shall lie in the file.
    folder : Path
        Where the frames wait: in a file without a name, that ends with the process.

    Raises
    ------
    ArgumentError
        There is no such codec.
    StorageError
        The folder is missing or not writable.
    """

    def __init__(self, codec: Codec, folder: Path) -> None:
        self._codec = find_codec(codec)
        self._frames: list[SpooledFrame] = []
        self._sizes: list[int] = []
        self._offsets: list[int] = []
        self._data_sha256: list[bytes] = []
        self._n_bytes = 0
        self._provenances: dict[Provenance, Provenance] = {}
        self.frame_shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        with storage_errors("write beside the file"):
            self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115

    @property
    def frames(self) -> list[SpooledFrame]:
        """What has come, in its order."""
        return self._frames

    @property
    def fragment_digests(self) -> list[bytes]:
        """SHA-256 of each frame's bytes as they lie in the file, padding left out."""
        return self._data_sha256

    @property
    def sizes(self) -> list[int]:
        """Bytes of each frame as it lies in the file, padding left out."""
        return self._sizes

    @property
    def is_colour(self) -> bool:
        """Whether the frames are red, green and blue."""
        return len(self.frame_shape) == 3

    @property
    def is_encapsulated(self) -> bool:
        """Whether each frame is a fragment."""
        return self._codec.is_encapsulated

    def add(
        self, frames: Iterable[Displayed], *, progress: Callable[[int], None] | None = None
    ) -> None:
        """Encode frames in several threads, decode and compare each, and keep them in order.

        Parameters
        ----------
        frames : iterable of Frame, MModeFrame, SpectralFrame or ComposedFrame
            Taken one by one, a few ahead of what is encoded.
        progress : callable, optional
            Called with how many frames have come, after each.

        Raises
        ------
        ArgumentError
            A frame is none, differs in size or colour from the first, or cannot be encoded; or
            they are more than one object holds.
        MissingExtraError
            What the codec needs is not installed.
        DataDamagedError
            A frame does not decode to what was encoded.
        StorageError
            The disk is full.
        """
        for shown, encoded in map_in_order(self._encode, self._shown(frames)):
            self._keep(shown, encoded)
            if progress is not None:
                progress(len(self._frames))

    def decode(self, index: int) -> NDArray[np.uint8]:
        """Return a frame's pixels."""
        with storage_errors("read what was written"):
            data = os.pread(self._file.fileno(), self._sizes[index], self._offsets[index])
        return np.asarray(self._codec.decode(data, self.frame_shape, self._dtype))

    def describe(self, dataset: Dataset) -> None:
        """Write the transfer syntax and what goes with it into an object's header."""
        describe_coding(dataset, self._codec)
        if self.is_encapsulated:
            add_offset_table(dataset, self._sizes)

    def write_pixel_data(self, dataset: Dataset, file: BinaryIO) -> None:
        """Append Pixel Data to a file that ends with the header of the object."""
        with storage_errors("write the file"):
            if self.is_encapsulated:
                file.write(b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff")
                file.write(add_offset_table(dataset, self._sizes))
            else:
                n_bytes = self._n_bytes + self._n_bytes % 2
                file.write(b"\xe0\x7f\x10\x00OW\0\0" + n_bytes.to_bytes(4, "little"))
            file.flush()
            self._file.flush()
            _copy(self._file.fileno(), file.fileno(), self._n_bytes)
            file.seek(0, os.SEEK_END)
            if self.is_encapsulated:
                file.write(SEQUENCE_DELIMITER)
            elif self._n_bytes % 2:
                file.write(b"\0")
            file.flush()

    def close(self) -> None:
        """Let the disk forget the frames; may be called again."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _shown(self, frames: Iterable[Displayed]) -> Iterator[tuple[int, Shown]]:
        first: Shown | None = None
        for number, frame in enumerate(frames, start=1):
            shown = shown_of(frame)
            if first is None:
                first, self.frame_shape = shown, shown.pixels.shape
            self._require_alike(shown, first, number)
            yield number, shown

    def _require_alike(self, shown: Shown, first: Shown, number: int) -> None:
        if shown.is_colour != first.is_colour:
            raise ArgumentError(f"frame {number} is grey or frame 1 is: export them apart")
        if shown.pixels.shape != self.frame_shape:
            raise ArgumentError(
                f"frame {number} has another raster than frame 1: export it on its own"
            )
        if shown.provenance.device != first.provenance.device:
            raise ArgumentError(f"frame {number} is of another device: export it on its own")
        if shown.regions != first.regions:
            raise ArgumentError(
                f"frame {number} has another raster than frame 1: export it on its own"
            )
        if not mean_the_same(shown.overlays, first.overlays):
            raise ArgumentError(
                f"the colours of frame {number} have another scale, box or PRF than those of "
                "frame 1: export it on its own"
            )

    def _encode(self, piece: tuple[int, Shown]) -> tuple[Shown, EncodedFrame]:
        number, shown = piece
        return shown, encode_frame(self._codec, shown.pixels, number)

    def _keep(self, shown: Shown, encoded: EncodedFrame) -> None:
        size = len(encoded.data)
        padding = b"\0" * (size % 2) if self.is_encapsulated else b""
        header = fragment_header(size + len(padding)) if self.is_encapsulated else b""
        n_bytes = self._n_bytes + len(header) + size + len(padding)
        if not self.is_encapsulated:
            require_room(n_bytes)
        with storage_errors("write beside the file"):
            for piece in (header, encoded.data, padding):
                self._file.write(piece)
        self._offsets.append(self._n_bytes + len(header))
        self._sizes.append(size)
        self._data_sha256.append(encoded.data_sha256)
        self._n_bytes = n_bytes
        index = len(self._frames)
        self._frames.append(
            SpooledFrame(self._lightened(shown), weakref.proxy(self), index, encoded.pixels_sha256)
        )

    def _lightened(self, shown: Shown) -> Shown:
        """Return the record of a frame, with one copy of what it shares with others."""
        if isinstance(shown, SpooledFrame):
            return shown  # It shares it already.
        provenance = self._provenances.setdefault(shown.provenance, shown.provenance)
        shared: dict[str, Any] = {"provenance": provenance}
        if self._frames:
            first = self._frames[0]
            shared["overlays"] = first.overlays
            if shown.regions == first.regions:
                shared["regions"] = first.regions
        return replace(shown, **shared)


def _copy(source: int, target: int, n_bytes: int) -> None:
    """Append the first ``n_bytes`` of a file to another one, within the kernel where it can."""
    done = 0
    os.lseek(target, 0, os.SEEK_END)
    while done < n_bytes:
        n = min(_COPY_BYTES, n_bytes - done)
        try:
            copied = os.sendfile(target, source, done, n)
        except (AttributeError, OSError):
            copied = os.write(target, os.pread(source, n, done))
        if copied == 0:
            raise DataDamagedError("the frames that wait on the disk became shorter: write again")
        done += copied
