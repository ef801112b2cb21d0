"""FlowEstimator: beamformed packets to flow maps, planned once."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import positive
from usdk.choice import choice
from usdk.doppler.autocorrelation import Autocorrelator
from usdk.doppler.averaging import Averager, Averaging
from usdk.doppler.clutter import ClutterFilter, PolynomialFilter
from usdk.doppler.correlations import Correlations
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.velocity import depth_sample_period_s, flow_values
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan

__all__ = ["DEFAULT_CLUTTER", "Estimator", "FlowEstimator", "colour_flow"]

DEFAULT_CLUTTER = PolynomialFilter()
_NO_AVERAGING = Averaging()


class Estimator(StrEnum):
    """How the mean velocity is found."""

    AUTOCORRELATION = "autocorrelation"
    """Phase of the lag-one autocorrelation at the frequency of the slow time (Kasai 1985)."""
    AUTOCORRELATION_2D = "2-D autocorrelation"
    """The same at the mean frequency received, point by point (Loupas 1995)."""


class FlowEstimator:
    """Clutter filter, autocorrelation, averaging and velocities in one plan.

    Parameters
    ----------
    scan : LinearScan or SectorScan
        Where the points of a packet lie: the colour box.
    slow_time : SlowTime
        PRF of the packet, frequency and sound speed.
    packet_size : int
        Pulses of a packet.
    clutter : ClutterFilter, optional
        What is taken away first: `DEFAULT_CLUTTER` unless said otherwise, None for nothing.
    averaging : Averaging, optional
        Over neighbours and frames; none when absent.
    estimator : Estimator or str
        ``autocorrelation`` or ``2-D autocorrelation``.
    sample_period_s : float, optional
        Time of echoes from one depth to the next, for the 2-D autocorrelation; that of transmits
        straight along the lines when absent, s.
    is_baseband : bool
        As for `usdk.doppler.flow_values`; False for IQ of `usdk.beamform`.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Of each packet
    only the arrays of the flow map are new memory.
    """

    def __init__(
        self,
        scan: LinearScan | SectorScan,
        slow_time: SlowTime,
        packet_size: int,
        *,
        clutter: ClutterFilter | None = DEFAULT_CLUTTER,
        averaging: Averaging | None = None,
        estimator: Estimator | str = Estimator.AUTOCORRELATION,
        sample_period_s: float | None = None,
        is_baseband: bool = False,
    ) -> None:
        require_planar(scan)
        for name, value, kind in (
            ("slow_time", slow_time, SlowTime),
            ("clutter", clutter, ClutterFilter | None),
            ("averaging", averaging, Averaging | None),
        ):
            if not isinstance(value, kind):
                raise ArgumentError(f"{name} must be of usdk.doppler, got {type(value).__name__}")
        self.scan, self.slow_time, self.clutter = scan, slow_time, clutter
        self.averaging = averaging or _NO_AVERAGING
        self.estimator = choice(Estimator, estimator)
        axial = self.estimator is Estimator.AUTOCORRELATION_2D
        if sample_period_s is None:
            speed_m_s = slow_time.sound_speed_m_s
            sample_period_s = depth_sample_period_s(scan, sound_speed_m_s=speed_m_s)
        self._sample_period_s = positive(sample_period_s, "sample_period_s")
        self._is_baseband = bool(is_baseband)
        self._correlate = Autocorrelator(scan.shape, packet_size, clutter=clutter, axial=axial)
        self.packet_size = self._correlate.n_pulses
        self._average = Averager(self.averaging, scan.shape, axial=axial)
        self._raw = Correlations.empty(scan.shape, axial=axial)
        self.noise_power = math.nan
        """Mean power of the noise behind the filter; NaN until `measure_noise` or you set it."""

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds."""
        raw = (self._raw.power, self._raw.lag_one, self._raw.axial)
        held = sum(array.nbytes for array in raw if array is not None) + self._average.n_bytes
        if not self._correlate.is_one_pass:
            held += math.prod(self.scan.shape) * self._correlate.n_pulses_out * 8
        return held

    def reset(self) -> None:
        """Begin a new cine: persistence begins anew with the next packet."""
        self._average.reset()

    def measure_noise(self, packet: NDArray[np.complex64], *, threads: int | None = None) -> float:
        """Measure the noise behind the filter on a packet of noise alone, and keep it.

        Parameters
        ----------
        packet : ndarray of complex64, (n_lines, n_samples, packet_size)
            Beamformed as others are, but of echoes of nothing: received without a transmit.
        threads : int, optional
            Threads to use.

        Returns
        -------
        float
            Mean power, squared units of the IQ: `noise_power` of the flow maps from now on.
        """
        power = self._correlate(packet, out=self._raw, threads=threads).power
        self.noise_power = float(power.mean(dtype=np.float64))
        return self.noise_power

    def __call__(
        self,
        packet: NDArray[np.complex64],
        *,
        sequence_number: int = 0,
        device_timestamp_s: float = math.nan,
        host_timestamp_s: float = math.nan,
        is_after_gap: bool = False,
        provenance: Provenance | None = None,
        threads: int | None = None,
    ) -> FlowMap:
        """Return the flow map of one packet.

        Parameters
        ----------
        packet : ndarray of complex64, (n_lines, n_samples, packet_size)
            Beamformed IQ, slow time last.
        sequence_number, device_timestamp_s, host_timestamp_s, provenance
            As for `FlowMap`.
        is_after_gap : bool
            Whether packets were lost before this one, so that persistence begins anew.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Raises
        ------
        ArgumentError
            If the packet is not of the shape planned for, or no IQ.
        """
        raw = self._correlate(packet, out=self._raw, threads=threads)
        mean = self._average(
            raw,
            sequence_number=sequence_number,
            time_s=device_timestamp_s,
            is_after_gap=is_after_gap,
            threads=threads,
        )
        velocity_m_s, spread_m_s = flow_values(
            mean,
            self.slow_time,
            sample_period_s=self._sample_period_s,
            is_baseband=self._is_baseband,
            threads=threads,
        )
        return FlowMap(
            velocity_m_s=velocity_m_s,
            power=mean.power,
            spread_m_s=spread_m_s,
            lag_one=mean.lag_one,
            scan=self.scan,
            slow_time=self.slow_time,
            noise_power=self.noise_power,
            sequence_number=sequence_number,
            device_timestamp_s=device_timestamp_s,
            host_timestamp_s=host_timestamp_s,
            provenance=provenance,
        )

    def describe(self) -> list[tuple[str, str]]:
        """Return the settings that make the map, name and value, in the order of the work."""
        clutter = "none" if self.clutter is None else self.clutter.describe()
        nyquist = f"{self.slow_time.nyquist_m_s:.4g} m/s"
        return [
            ("packet size", f"{self.packet_size} pulses"),
            ("slow-time PRF", f"{self.slow_time.prf_hz:g} Hz"),
            ("clutter filter", clutter),
            ("averaging", self.averaging.describe()),
            ("velocity", f"{self.estimator} at {self.slow_time.frequency_hz:g} Hz"),
            ("Nyquist velocity", nyquist),
        ]


def colour_flow(
    packet: NDArray[Any], slow_time: SlowTime, *, scan: LinearScan | SectorScan, **options: Any
) -> FlowMap:
    """Return the flow map of one beamformed packet, an array in a notebook for example.

    Parameters
    ----------
    packet : ndarray of complex, (n_lines, n_samples, n_pulses)
        IQ, slow time last.
    slow_time : SlowTime
        PRF, frequency and sound speed.
    scan : LinearScan or SectorScan
        Where the points lie.
    **options
        As for `FlowEstimator`, which is the way to make many maps.
    """
    packet = np.asarray(packet)
    if packet.ndim != 3:
        raise ArgumentError(
            f"packet must have shape (n_lines, n_samples, n_pulses), got {packet.shape}: "
            "slow time is the last axis"
        )
    return FlowEstimator(scan, slow_time, packet.shape[-1], **options)(packet)
