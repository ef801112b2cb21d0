"""MMode: channel data to a line over time, planned once."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, Gap, require_acquisition, require_finite, require_like
from usdk.arguments import count, finite, positive
from usdk.beamform import Beamformer
from usdk.choice import choice
from usdk.demodulation import Demodulator
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.image import GreyMap, TimeGain, envelope, grey_curve, log_compression
from usdk.m_mode.frame import MModeFrame
from usdk.m_mode.sweep import Sweep
from usdk.scan import LineScan

__all__ = ["MAX_COLUMN", "MAX_COLUMNS", "MMode"]

MAX_COLUMNS = 65_536
MAX_COLUMN = 2**53
"""Columns from time 0 beyond which a double no longer tells one from the next."""


class MMode:
    """Demodulation, beamforming of one line, and its envelope over time, in one plan.

    The columns are equal times of the device's clock. A column that several frames fall into shows
    the mean of their envelopes; one between two frames that follow each other shows the earlier;
    and one of which frames were lost stays black.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    line : LineScan
        Where to look: any two points, or a line of a scan (`LineScan.of`).
    sweep_s : float
        Time that the picture covers, s.
    n_columns : int
        Columns of the picture, 2 to `MAX_COLUMNS`.
    frame_period_s : float, optional
        Time from one frame to the next, for devices that tell no times: then sequence numbers
        count, s.
    dynamic_range_db, gain_db, reference, grey_map, time_gain
        As for `usdk.bmode.BMode`; the reference absent is the greatest envelope of the first
        picture that has echoes.
    **beamformer
        Options of `Beamformer`.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. How well a fast
    motion is seen depends on the frame rate: with few columns for each frame nothing is lost, with
    few frames for each column nothing is gained.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        line: LineScan,
        *,
        sweep_s: float = 4.0,
        n_columns: int = 512,
        frame_period_s: float | None = None,
        dynamic_range_db: float = 60.0,
        gain_db: float = 0.0,
        reference: float | None = None,
        grey_map: GreyMap | str = GreyMap.LINEAR_DB,
        time_gain: TimeGain | None = None,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if not isinstance(line, LineScan):
            raise ArgumentError(
                f"M-mode looks along a LineScan, got {type(line).__name__}: "
                "LineScan.of(scan, x_m=...) takes one line of a scan"
            )
        if not isinstance(time_gain, TimeGain | None):
            raise ArgumentError(f"time_gain must be a usdk.image.TimeGain, got {time_gain!r}")
        n_columns = count(n_columns, "n_columns", least=2, most=MAX_COLUMNS)
        if frame_period_s is not None:
            frame_period_s = positive(frame_period_s, "frame_period_s")
        self._sweep_s = positive(sweep_s, "sweep_s")
        self.line, self.column_s = line, self._sweep_s / n_columns
        self.dynamic_range_db = positive(dynamic_range_db, "dynamic_range_db")
        self.gain_db = finite(gain_db, "gain_db")
        self.reference = None if reference is None else positive(reference, "reference")
        self.grey_map = choice(GreyMap, grey_map)
        self.time_gain = time_gain
        self._curve = grey_curve(self.grey_map, self.dynamic_range_db)
        self._gains = (
            None
            if time_gain is None
            else (10 ** (time_gain.gain_db(line.depths_m) / 20)).astype(np.float32)
        )
        self._frame_period_s = frame_period_s
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self._demodulator = None if acquisition.is_iq else Demodulator(acquisition)
        receive = self._demodulator.receive if self._demodulator else acquisition.receive
        self.beamformer = Beamformer(
            acquisition.probe, acquisition.sequence, receive, line, **beamformer
        )
        if self.beamformer.shape != line.shape:
            raise ArgumentError("M-mode shows one image of the line: leave compounding='none' out")
        shape = (*acquisition.data.shape[1:3], receive.n_samples)
        self._iq = np.empty(shape if self._demodulator else 0, np.complex64)
        self._image = np.empty(self.beamformer.shape, self.beamformer.dtype)
        self._sweep = Sweep(n_columns, line.n_samples, self.column_s)
        self._provenance = Provenance.of(acquisition, processing=self._processing())
        # With the time of the frame that each one stands before; a sweep's at most.
        self._gaps: deque[tuple[float, Gap]] = deque()

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, however long it runs."""
        demodulator = 0 if self._demodulator is None else self._demodulator.n_bytes
        buffers = self._iq.nbytes + self._image.nbytes + self._sweep.n_bytes
        return self.beamformer.n_bytes + demodulator + buffers

    def reset(self) -> None:
        """Forget all echoes: the next one begins a new picture."""
        self._sweep.reset()
        self._gaps.clear()

    def add(self, acquisition: Acquisition) -> None:
        """Take the frames of an acquisition.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, its samples are not finite, or its
            frames tell no times and no ``frame_period_s`` was given.
        """
        require_like(acquisition, self._kind, "MMode")
        require_finite(acquisition)
        times_s = self._times_s(acquisition)
        for index in range(acquisition.n_frames):
            data = acquisition.data[index]
            if self._demodulator is not None:
                data = self._demodulator.frame(data, out=self._iq)
            number = int(acquisition.sequence_numbers[index])
            self._keep_gaps(times_s[index], acquisition.gaps_before(index))
            self.add_line(
                self.beamformer(data, out=self._image),
                time_s=times_s[index],
                sequence_number=number,
                is_after_gap=acquisition.is_after_gap(index),
            )

    def add_line(
        self,
        samples: NDArray[Any],
        *,
        time_s: float,
        sequence_number: int = 0,
        is_after_gap: bool = False,
    ) -> None:
        """Take one frame that was beamformed elsewhere.

        Parameters
        ----------
        samples : ndarray, (n_samples,)
            complex64 IQ, or float32 envelope, along the line.
        time_s : float
            Start of the frame, s. One that goes back begins a new picture.
        sequence_number : int
            The device's count of the frame; one that does not change means that nobody counts.
        is_after_gap : bool
            Whether frames are known to be lost before this one.
        """
        if samples.shape != self.line.shape:
            raise ArgumentError(f"samples must have the line's shape {self.line.shape}")
        if samples.dtype.kind not in "fc" or not np.all(np.isfinite(samples)):
            raise ArgumentError(
                f"samples must be finite, complex64 IQ or a float32 envelope: {samples.dtype}"
            )
        if not abs(finite(time_s, "time_s")) < MAX_COLUMN * self.column_s:
            raise ArgumentError(
                f"time_s {time_s:g} is too many columns of {self.column_s:g} s from 0: take times "
                "near 0, or a longer sweep_s"
            )
        if samples.dtype.kind == "c":
            level = envelope(samples.astype(np.complex64)[None])[0]
        else:
            level = samples.astype(np.float32)
        if self._gains is not None:
            level *= self._gains
        self._sweep.add(
            level, time_s=time_s, sequence_number=sequence_number, is_after_gap=is_after_gap
        )

    def __call__(self, acquisition: Acquisition) -> MModeFrame:
        """Take the frames of an acquisition, and return the picture that ends with them."""
        self.add(acquisition)
        return self.frame()

    def frame(self) -> MModeFrame:
        """Return the picture of the last ``sweep_s``; the newest column is its last."""
        if self._sweep.is_empty:
            raise ArgumentError("no frame was added yet")
        image, has_echoes, start_s = self._sweep.columns()
        if self.reference is None:
            self.reference = float(image.max()) or None
        level_db = log_compression(image, reference=self.reference or 1.0)
        share = (level_db + self.gain_db) / self.dynamic_range_db + 1
        entry = np.rint(np.clip(share, 0, 1) * (self._curve.size - 1)).astype(np.intp)
        pixels = self._curve[entry].T.copy()
        pixels[:, ~has_echoes] = 0
        return MModeFrame(
            pixels=pixels,
            has_echoes=has_echoes,
            line=self.line,
            start_s=start_s,
            column_s=self.column_s,
            dynamic_range_db=self.dynamic_range_db,
            provenance=replace(self._provenance, gaps=self._gaps_since(start_s)),
        )

    def _keep_gaps(self, time_s: float, gaps: tuple[Gap, ...]) -> None:
        """Remember the gaps before a frame as long as it is in the picture."""
        if self._gaps and time_s < self._gaps[-1][0]:
            self._gaps.clear()  # Time went back: a new picture begins.
        while self._gaps and self._gaps[0][0] < time_s - self._sweep_s:
            self._gaps.popleft()
        self._gaps.extend((time_s, gap) for gap in gaps)

    def _gaps_since(self, start_s: float) -> tuple[Gap, ...]:
        return tuple(gap for time_s, gap in self._gaps if time_s >= start_s)

    def _times_s(self, acquisition: Acquisition) -> list[float]:
        times_s = acquisition.device_timestamps_s
        if np.all(np.isfinite(times_s)):
            return [float(time_s) for time_s in times_s]
        if self._frame_period_s is None:
            raise ArgumentError("the frames tell no times: give frame_period_s")
        return [float(n) * self._frame_period_s for n in acquisition.sequence_numbers]

    def _processing(self) -> tuple[tuple[str, str], ...]:
        ends_mm = [
            "(" + ", ".join(f"{value * 1e3:.4g}" for value in place) + ") mm"
            for place in (self.line.start_m, self.line.end_m)
        ]
        processing = [
            ("beamforming", self.beamformer.explain()),
            ("line", " to ".join(ends_mm)),
            ("dynamic range", f"{self.dynamic_range_db:g} dB"),
            ("gain", f"{self.gain_db:g} dB"),
            ("grey map", str(self.grey_map)),
        ]
        if self._demodulator is not None:
            text = f"{self._demodulator.frequency_hz:g} Hz, band {self._demodulator.bandwidth_hz:g}"
            processing.insert(0, ("demodulation", f"{text} Hz"))
        if self.time_gain is not None:
            processing.insert(-3, ("time gain", self.time_gain.describe()))
        return tuple(processing)
