"""TissueTracking: channel data to tissue motion, planned once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite, require_like
from usdk.beamform import Beamformer
from usdk.demodulation import Demodulator
from usdk.errors import ArgumentError
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan, planar_scan_for
from usdk.tissue_motion.estimator import MotionEstimator
from usdk.tissue_motion.motion import TissueMotion
from usdk.tissue_motion.tracker import MotionTracker

__all__ = ["TissueTracking"]


class TissueTracking:
    """Demodulation, beamforming and motion from frame to frame, in one plan.

    The last frame is kept, so that the stream goes on from one acquisition to the next.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    scan : LinearScan or SectorScan, optional
        Where to look; the probe's natural scan over the recorded depth when absent.
    window_m, n_lines, estimator, search_m
        As for `MotionTracker`.
    **beamformer
        Options of `Beamformer`.

    Notes
    -----
    Of every acquisition all frames are beamformed before the first pair is compared. A plan works
    for one thread at a time.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        scan: LinearScan | SectorScan | None = None,
        window_m: float | None = None,
        n_lines: int = 1,
        estimator: MotionEstimator | str = MotionEstimator.AUTOCORRELATION_2D,
        search_m: float = 0.0,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if scan is None:
            scan = planar_scan_for(acquisition.probe, depth_m=acquisition.receive.depth_m)
        require_planar(scan)
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self._demodulator = None if acquisition.is_iq else Demodulator(acquisition)
        receive = acquisition.receive if self._demodulator is None else self._demodulator.receive
        self.beamformer = Beamformer(
            acquisition.probe, acquisition.sequence, receive, scan, **beamformer
        )
        if self.beamformer.shape != scan.shape or self.beamformer.dtype.kind != "c":
            raise ArgumentError("motion needs the IQ of one image: use compounding 'coherent'")
        self.tracker = MotionTracker(
            scan,
            frequency_hz=receive.demodulation_frequency_hz,
            sound_speed_m_s=receive.sound_speed_m_s,
            window_m=window_m,
            n_lines=n_lines,
            estimator=estimator,
            search_m=search_m,
        )
        self._last: tuple[NDArray[np.complex64], float] | None = None

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds between calls, the frame kept included."""
        demodulator = 0 if self._demodulator is None else self._demodulator.n_bytes
        kept = 0 if self._last is None else self._last[0].nbytes
        return self.beamformer.n_bytes + demodulator + kept

    def reset(self) -> None:
        """Forget the last frame: the next one is the first of a new run."""
        self._last = None

    def __call__(
        self, acquisition: Acquisition, *, threads: int | None = None
    ) -> TissueMotion | None:
        """Return the motion from each frame to the next, the frame kept from before included.

        None for the first frame of all, where it comes alone. The displacement between frames of
        which others are missing is that of the longer time: ``is_after_gap`` tells.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        require_like(acquisition, self._kind, "TissueTracking")
        require_finite(acquisition)
        frames = [self._beamformed(data, threads) for data in acquisition.data]
        times_s = acquisition.device_timestamps_s.tolist()
        gaps = [acquisition.is_after_gap(n) for n in range(acquisition.n_frames)]
        if self._last is not None:
            frames.insert(0, self._last[0])
            times_s.insert(0, self._last[1])
            gaps.insert(0, False)
        self._last = (frames[-1], times_s[-1])
        if len(frames) < 2:
            return None
        return self.tracker.follow(
            frames,
            times_s=np.array(times_s),
            is_after_gap=np.array(gaps),
            threads=threads,
        )

    def _beamformed(self, data: NDArray[Any], threads: int | None) -> NDArray[np.complex64]:
        if self._demodulator is not None:
            data = self._demodulator.frame(data, threads=threads)
        return self.beamformer(data, threads=threads)
