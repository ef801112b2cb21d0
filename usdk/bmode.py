"""B-mode: channel data to grey frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, Gap, require_acquisition, require_finite, require_like
from usdk.beamform import Beamformer
from usdk.choice import choice
from usdk.demodulation import Demodulator
from usdk.errors import ArgumentError
from usdk.frame import Frame, Provenance
from usdk.image.chain import ImageChain
from usdk.image.frequency_bands import Band
from usdk.image.grey_map import GreyMap
from usdk.image.inputs import require_planar
from usdk.image.levels import envelope, log_compression
from usdk.image.look_compounding import LookCompounding
from usdk.image.persistence import Persistence
from usdk.image.time_gain import TimeGain
from usdk.multiplexing import combine_apertures
from usdk.scan import LinearScan, Raster, SectorScan, planar_scan_for

__all__ = ["BMode", "bmode", "envelope", "log_compression"]


class BMode:
    """Demodulation, beamforming, envelope, log compression and scan conversion in one plan.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description. Transmits that repeat
        a wave for other receive apertures (`usdk.multiplexed`) are put together first.
    scan : LinearScan or SectorScan, optional
        Where to look; the probe's natural scan over the recorded depth when absent.
    raster : Raster, optional
        Pixels; 512 rows that cover the scan when absent.
    dynamic_range_db : float
        Echo levels between black and white, dB.
    gain_db : float
        Added to every echo level before it becomes a grey, dB.
    reference : float, optional
        Envelope that is white at 0 dB gain; the greatest of the first frame made when absent, and
        then kept, so that the frames of a cine can be compared.
    grey_map : GreyMap or str
        How greys follow the level between black and white.
    time_gain : TimeGain, optional
        Gain by depth along every line; none when absent.
    persistence : Persistence or float, optional
        Share of earlier frames in each one; a number is the coefficient. None when absent.
    anti_alias : bool
        Smooth the envelope where the raster is coarser than the data; see `usdk.image.AntiAlias`.
    bands : sequence of Band, optional
        Bands of RF that are demodulated and beamformed each by itself, and whose envelopes become
        one (frequency compounding); `usdk.image.frequency_bands` gives equal ones. One band as
        wide as the probe's when absent.
    decimation : int
        Keep one sample of the demodulated RF out of so many; see `usdk.demodulation.Demodulator`.
        Faster, and coarser for an interpolation that is linear.
    looks : LookCompounding or str
        How the envelopes of bands, and of groups of transmits that are beamformed apart
        (``compounding="none"`` of `Beamformer`), become one.
    **beamformer
        Options of `Beamformer`.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Its buffers are
    planned once: of each frame only the pixels are new memory.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        scan: LinearScan | SectorScan | None = None,
        raster: Raster | None = None,
        dynamic_range_db: float = 60.0,
        gain_db: float = 0.0,
        reference: float | None = None,
        grey_map: GreyMap | str = GreyMap.LINEAR_DB,
        time_gain: TimeGain | None = None,
        persistence: Persistence | float | None = None,
        anti_alias: bool = True,
        bands: Sequence[Band] | None = None,
        decimation: int = 1,
        looks: LookCompounding | str = LookCompounding.MEAN,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if scan is None:
            scan = planar_scan_for(acquisition.probe, depth_m=acquisition.receive.depth_m)
        require_planar(scan)
        if isinstance(persistence, float | int):
            persistence = Persistence(coefficient=persistence)
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self._is_multiplexed = acquisition.receive.apertures is not None
        acquisition = self._combined(acquisition[:1])
        self.bands = None if bands is None else tuple(bands)
        self._demodulators = _demodulators(acquisition, self.bands, decimation)
        self._gains = [10 ** (band.gain_db / 20) for band in self.bands or ()] or [1.0]
        receives = [d.receive for d in self._demodulators] or [acquisition.receive]
        self._beamformers = [
            Beamformer(acquisition.probe, acquisition.sequence, receive, scan, **beamformer)
            for receive in receives
        ]
        self.beamformer = self._beamformers[0]
        self._beamformed = np.empty(self.beamformer.shape, self.beamformer.dtype)
        self._n_groups = self._beamformed.size // math.prod(scan.shape)
        self._looks = choice(LookCompounding, looks)
        self._chain = ImageChain(
            scan,
            raster,
            dynamic_range_db=dynamic_range_db,
            gain_db=gain_db,
            reference=reference,
            grey_map=grey_map,
            time_gain=time_gain,
            persistence=persistence,
            anti_alias=anti_alias,
            n_looks=len(self._beamformers) * self._n_groups,
            looks=self._looks,
        )
        self.dynamic_range_db, self.gain_db = self._chain.dynamic_range_db, self._chain.gain_db
        shape = (*acquisition.data.shape[1:3], receives[0].n_samples)
        self._iq = np.empty(shape, np.complex64) if self._demodulators else None

    @property
    def reference(self) -> float | None:
        """Envelope that is white at 0 dB gain; None before the first frame that is not silent."""
        return self._chain.reference

    @property
    def raster(self) -> Raster:
        """Where each pixel lies."""
        return self._chain.converter.raster

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, whatever the number of frames."""
        buffers = self._beamformed.nbytes + (0 if self._iq is None else self._iq.nbytes)
        plans = sum(plan.n_bytes for plan in self._beamformers)
        plans += sum(plan.n_bytes for plan in self._demodulators)
        return buffers + plans + self._chain.n_bytes

    def reset(self) -> None:
        """Begin a new cine: the next frame shows nothing of those before it."""
        self._chain.reset()

    def __call__(self, acquisition: Acquisition) -> list[Frame]:
        """Return one frame for each frame of channel data.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        require_like(acquisition, self._kind, "BMode")
        require_finite(acquisition)
        acquisition = self._combined(acquisition)
        return [self._frame(acquisition, index) for index in range(acquisition.n_frames)]

    def _combined(self, acquisition: Acquisition) -> Acquisition:
        return combine_apertures(acquisition) if self._is_multiplexed else acquisition

    def _frame(self, acquisition: Acquisition, index: int) -> Frame:
        number = int(acquisition.sequence_numbers[index])
        time_s = float(acquisition.device_timestamps_s[index])
        gaps = acquisition.gaps_before(index)
        self._add_looks(acquisition.data[index])
        pixels = self._chain.finish(
            sequence_number=number,
            time_s=time_s,
            is_after_gap=acquisition.is_after_gap(index),
        )
        return Frame(
            pixels=pixels,
            raster=self.raster,
            dynamic_range_db=self.dynamic_range_db,
            provenance=self._provenance(acquisition, gaps),
            sequence_number=number,
            device_timestamp_s=time_s,
            host_timestamp_s=float(acquisition.host_timestamps_s[index]),
        )

    def _add_looks(self, data: NDArray[Any]) -> None:
        """Beamform one frame of channel data, once for each band, and hand on its envelopes."""
        for band, beamformer in enumerate(self._beamformers):
            if self._demodulators:
                data_iq = self._demodulators[band].frame(data, out=self._iq)
            else:
                data_iq = data
            beamformer(data_iq, out=self._beamformed)
            images = self._beamformed.reshape(self._n_groups, *self._beamformed.shape[-2:])
            for group, image in enumerate(images):
                look = band * self._n_groups + group
                self._chain.add(image, index=look, gain=self._gains[band])

    def _provenance(self, acquisition: Acquisition, gaps: tuple[Gap, ...]) -> Provenance:
        demodulation = "; ".join(
            f"{d.frequency_hz:g} Hz, band {d.bandwidth_hz:g} Hz"
            + (f", decimated by {d.decimation}" if d.decimation > 1 else "")
            for d in self._demodulators
        )
        processing = [
            *([("receive apertures", "combined")] if self._is_multiplexed else []),
            ("demodulation", demodulation or "by the device"),
            ("beamforming", self.beamformer.explain()),
        ]
        n_looks = len(self._beamformers) * self._n_groups
        if n_looks > 1:
            processing.append(("compounding", f"{self._looks} of {n_looks} envelopes"))
        if self.bands is not None:
            text = ", ".join(band.describe() for band in self.bands)
            processing.append(("frequency bands", text))
        return Provenance.of(
            acquisition, gaps=gaps, processing=(*processing, *self._chain.describe())
        )


def bmode(acquisition: Acquisition, **options: Any) -> Frame:
    """Return the B-mode frame of an acquisition of one frame.

    Parameters
    ----------
    acquisition : Acquisition
        One frame of channel data.
    **options
        As for `BMode`, which is the way to make many frames.
    """
    require_acquisition(acquisition)
    if acquisition.n_frames != 1:
        raise ArgumentError(
            f"the acquisition has {acquisition.n_frames} frames: take one (acquisition[:1]), "
            "or make them all with BMode(acquisition)(acquisition)"
        )
    return BMode(acquisition, **options)(acquisition)[0]


def _demodulators(
    acquisition: Acquisition, bands: tuple[Band, ...] | None, decimation: int
) -> list[Demodulator]:
    """Return one demodulator for each band; none for IQ."""
    if acquisition.is_iq:
        if bands is not None or decimation != 1:
            raise ArgumentError(
                "bands and decimation are those of RF: IQ data hold the one band that was kept"
            )
        return []
    if bands is None:
        return [Demodulator(acquisition, decimation=decimation)]
    if not bands or not all(isinstance(band, Band) for band in bands):
        raise ArgumentError("bands must hold at least one usdk.image.Band, and nothing else")
    return [
        Demodulator(
            acquisition,
            frequency_hz=band.centre_hz,
            bandwidth_hz=band.width_hz,
            decimation=decimation,
        )
        for band in bands
    ]
