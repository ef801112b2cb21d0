"""The image chain: from beamformed IQ to grey pixels, in buffers that are planned once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, finite, positive
from usdk.choice import choice
from usdk.errors import ArgumentError, StateError
from usdk.image.anti_alias import AntiAlias
from usdk.image.grey_map import GreyMap, grey_curve
from usdk.image.inputs import require_planar
from usdk.image.look_compounding import LookCompounding, add_look, finish_looks
from usdk.image.persistence import FrameAverage, Persistence
from usdk.image.scan_conversion import ScanConverter
from usdk.image.time_gain import TimeGain
from usdk.scan import LinearScan, Raster, SectorScan
from usdk.tiles import run_tiles
from usdk_kernels.envelope import envelope_iq
from usdk_kernels.log_compression import log_compress

__all__ = ["MAX_LOOKS", "POINTS_PER_TILE", "ImageChain"]

POINTS_PER_TILE = 2**15
MAX_LOOKS = 2**16


class ImageChain:
    """Envelope, time gain, persistence, anti-aliasing, logarithm and scan conversion.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the samples lie.
    raster : Raster, optional
        Pixels; 512 rows that cover the scan when absent.
    dynamic_range_db, gain_db, reference, grey_map, time_gain, persistence, anti_alias
        As for `usdk.bmode.BMode`.
    n_looks : int
        Images that become one envelope.
    looks : LookCompounding or str
        How they do.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Of each frame
    only the pixels are new memory.
    """

    def __init__(
        self,
        scan: LinearScan | SectorScan,
        raster: Raster | None = None,
        *,
        dynamic_range_db: float = 60.0,
        gain_db: float = 0.0,
        reference: float | None = None,
        grey_map: GreyMap | str = GreyMap.LINEAR_DB,
        time_gain: TimeGain | None = None,
        persistence: Persistence | None = None,
        anti_alias: bool = True,
        n_looks: int = 1,
        looks: LookCompounding | str = LookCompounding.MEAN,
    ) -> None:
        require_planar(scan)
        if not isinstance(time_gain, TimeGain | None):
            raise ArgumentError(f"time_gain must be a usdk.image.TimeGain, got {time_gain!r}")
        if not isinstance(persistence, Persistence | None):
            raise ArgumentError(
                f"persistence must be a usdk.image.Persistence, got {persistence!r}"
            )
        self.dynamic_range_db = positive(dynamic_range_db, "dynamic_range_db")
        self.gain_db = finite(gain_db, "gain_db")
        self.reference = None if reference is None else positive(reference, "reference")
        self.grey_map = choice(GreyMap, grey_map)
        self.time_gain, self.persistence = time_gain, persistence
        self.converter = ScanConverter(scan, raster)
        self._curve = (
            None
            if self.grey_map is GreyMap.LINEAR_DB
            else grey_curve(self.grey_map, self.dynamic_range_db)
        )
        self._gains = None if time_gain is None else time_gain.amplitudes(scan)
        self._average = None if persistence is None else FrameAverage(persistence, scan.shape)
        self.anti_alias = AntiAlias(scan, self.converter.raster) if anti_alias else None
        self._n_looks = n_looks = count(n_looks, "n_looks", most=MAX_LOOKS)
        self._looks = choice(LookCompounding, looks)
        self._n_added = 0
        self._envelope = np.empty(scan.shape, np.float32)
        self._look = np.empty(scan.shape, np.float32) if n_looks > 1 else self._envelope
        self._level_db = np.empty(scan.shape, np.float32)
        lines = max(1, POINTS_PER_TILE // scan.shape[1])
        self._tiles = [slice(k, k + lines) for k in range(0, scan.shape[0], lines)]

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: its images and tables."""
        images = self._envelope.nbytes + self._level_db.nbytes
        if self._n_looks > 1:
            images += self._look.nbytes
        parts = [self.converter.n_bytes]
        parts += [part.n_bytes for part in (self._average, self.anti_alias) if part is not None]
        return images + sum(parts)

    def reset(self) -> None:
        """Forget the frames so far: persistence begins anew with the next."""
        if self._average is not None:
            self._average.reset()

    def add(
        self, image: NDArray[Any], *, index: int = 0, gain: float = 1.0, threads: int | None = None
    ) -> None:
        """Take one look: IQ, complex64, or an envelope, float32, of the scan's shape.

        Parameters
        ----------
        image : ndarray
            Not changed.
        index : int
            Which look of the frame; 0 begins the frame.
        gain : float
            Factor of its envelope.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If the image or the look is none of those planned for.
        """
        if image.shape != self._envelope.shape:
            raise ArgumentError(f"image must have the scan's shape {self._envelope.shape}")
        if image.dtype not in (np.complex64, np.float32):
            raise ArgumentError(f"image must be complex64 IQ or a float32 envelope: {image.dtype}")
        if not 0 <= index < self._n_looks or index > self._n_added:
            raise ArgumentError(
                f"index must be 0 to {self._n_looks - 1}, one after the other, got {index}"
            )
        gain = finite(gain, "gain")
        self._n_added = index + 1

        def work(lines: slice) -> None:
            look = self._look[lines]
            if image.dtype.kind == "c":
                envelope_iq(image[lines], look)
            else:
                np.copyto(look, image[lines])
            if gain != 1.0:
                look *= np.float32(gain)
            if self._n_looks > 1:
                add_look(self._looks, index == 0, look, self._envelope[lines])

        run_tiles(work, self._tiles, threads=threads)

    def finish(
        self,
        *,
        sequence_number: int = 0,
        time_s: float = math.nan,
        is_after_gap: bool = False,
        threads: int | None = None,
    ) -> NDArray[np.uint8]:
        """Return the frame's pixels, (n_rows, n_columns) uint8, once all looks were added.

        Parameters
        ----------
        sequence_number, time_s, is_after_gap
            As for `usdk.image.persistence.FrameAverage`.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        StateError
            If looks are missing.
        """
        if self._n_added != self._n_looks:
            raise StateError(f"add {self._n_looks} looks first, {self._n_added} are there")
        self._n_added = 0
        image = self._envelope
        if self._n_looks > 1:
            finish_looks(self._looks, self._n_looks, image)
        if self._gains is not None:
            image *= self._gains
        if self._average is not None:
            self._average(
                image, sequence_number=sequence_number, time_s=time_s, is_after_gap=is_after_gap
            )
        if self.anti_alias is not None:
            image = self.anti_alias(image, threads=threads)
        if self.reference is None:
            # A silent image has no greatest echo; any reference puts it at the floor.
            self.reference = float(image.max()) or None
        reference = self.reference or 1.0
        run_tiles(
            lambda lines: log_compress(image[lines], reference, self._level_db[lines]),
            self._tiles,
            threads=threads,
        )
        return self.converter.greys(
            self._level_db,
            dynamic_range_db=self.dynamic_range_db,
            white_db=-self.gain_db,
            curve=self._curve,
            threads=threads,
        )

    def describe(self) -> list[tuple[str, str]]:
        """Return the settings that shape the picture, name and value, in order."""
        settings = []
        if self.time_gain is not None:
            settings.append(("time gain", self.time_gain.describe()))
        if self.persistence is not None:
            settings.append(("persistence", self.persistence.describe()))
        if self.anti_alias is not None and self.anti_alias.is_active:
            settings.append(("anti-aliasing", self.anti_alias.describe()))
        settings.append(("dynamic range", f"{self.dynamic_range_db:g} dB"))
        settings.append(("gain", f"{self.gain_db:g} dB"))
        settings.append(("grey map", str(self.grey_map)))
        return settings
