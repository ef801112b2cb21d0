"""B-mode: channel data to grey frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import Demodulator, require_finite
from usdk.errors import ArgumentError
from usdk.frame import Frame, Provenance
from usdk.image.scan_conversion import ScanConverter
from usdk.scan import LinearScan, Raster, SectorScan, planar_scan_for
from usdk_kernels.envelope import envelope_iq
from usdk_kernels.log_compression import log_compress

__all__ = ["BMode", "bmode", "envelope", "log_compression"]


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
    out = np.empty(image.shape, np.float32)
    log_compress(image, _positive(reference, "reference"), out)
    return out


class BMode:
    """Demodulation, beamforming, envelope, log compression and scan conversion in one plan.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
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
    **beamformer
        Options of `Beamformer`.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own.
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
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if scan is None:
            scan = planar_scan_for(acquisition.probe, depth_m=acquisition.receive.depth_m)
        if not math.isfinite(gain_db):
            raise ArgumentError(f"gain_db must be finite, got {gain_db}")
        self.dynamic_range_db = _positive(dynamic_range_db, "dynamic_range_db")
        self.gain_db = float(gain_db)
        self._receive = acquisition.receive
        self._demodulator = None if acquisition.is_iq else Demodulator(acquisition)
        receive = self._demodulator.receive if self._demodulator else acquisition.receive
        self.beamformer = Beamformer(
            acquisition.probe, acquisition.sequence, receive, scan, **beamformer
        )
        self._converter = ScanConverter(scan, raster)
        self.reference = None if reference is None else _positive(reference, "reference")
        self._beamformed = np.empty(scan.shape, np.complex64)

    def __call__(self, acquisition: Acquisition) -> list[Frame]:
        """Return one frame for each frame of channel data.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        planned = (self._receive, self.beamformer.geometry.sequence)
        if (acquisition.receive, acquisition.sequence) != planned or not (
            self.beamformer.geometry.probe.is_like(acquisition.probe)
        ):
            raise ArgumentError(
                "planned for another probe, sequence or receive settings: make a new BMode"
            )
        if self._demodulator is not None:
            iq = self._demodulator(acquisition)
        else:
            require_finite(acquisition)
            iq = acquisition
        frames = []
        for index in range(iq.n_frames):
            self.beamformer(iq.data[index], out=self._beamformed)
            pixels = self._grey(envelope(self._beamformed))
            frames.append(
                Frame(
                    pixels=pixels,
                    raster=self._converter.raster,
                    dynamic_range_db=self.dynamic_range_db,
                    provenance=self._provenance(acquisition, index),
                    sequence_number=int(acquisition.sequence_numbers[index]),
                    device_timestamp_s=float(acquisition.device_timestamps_s[index]),
                    host_timestamp_s=float(acquisition.host_timestamps_s[index]),
                )
            )
        return frames

    def _grey(self, image: NDArray[np.float32]) -> NDArray[np.uint8]:
        if self.reference is None:
            self.reference = float(image.max()) or None
        level_db = log_compression(image, reference=self.reference)
        return self._converter.greys(
            level_db, dynamic_range_db=self.dynamic_range_db, white_db=-self.gain_db
        )

    def _provenance(self, acquisition: Acquisition, index: int) -> Provenance:
        demodulator = self._demodulator
        processing = [
            (
                "demodulation",
                f"{demodulator.frequency_hz:g} Hz, band {demodulator.bandwidth_hz:g} Hz",
            )
            if demodulator
            else ("demodulation", "by the device"),
            ("beamforming", self.beamformer.explain()),
            ("dynamic range", f"{self.dynamic_range_db:g} dB"),
            ("gain", f"{self.gain_db:g} dB"),
        ]
        return Provenance(
            probe=acquisition.probe.name,
            sequence=acquisition.sequence.describe(),
            transmit_frequency_hz=acquisition.transmit_frequency_hz,
            sound_speed_m_s=acquisition.receive.sound_speed_m_s,
            prf_hz=acquisition.sequence.prf_hz,
            device=acquisition.device,
            gaps=acquisition.gaps_before(index),
            processing=tuple(processing),
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


def _positive(value: float, name: str) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name} must be positive and finite, got {value}")
    return float(value)


def _matrix(array: NDArray[Any], dtype: type[np.generic], name: str) -> NDArray[Any]:
    array = np.require(array, dtype, ("C", "W"))
    if array.ndim != 2 or array.size == 0:
        raise ArgumentError(f"{name} must have two dimensions and samples, got {array.shape}")
    return array
