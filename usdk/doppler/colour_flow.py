"""ColourFlow: channel data of packets to flow maps, planned once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite, require_like
from usdk.arguments import count, positive
from usdk.beamform import Beamformer
from usdk.doppler.autocorrelation import MAX_PULSES
from usdk.doppler.averaging import Averaging
from usdk.doppler.clutter import ClutterFilter
from usdk.doppler.flow_estimator import DEFAULT_CLUTTER, Estimator, FlowEstimator
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.packet_beamformer import PacketBeamformer
from usdk.doppler.packet_cutting import PacketCutter, PacketStart
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.steering import depth_period_s
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan, planar_scan_for

__all__ = ["ColourFlow"]


class ColourFlow:
    """Demodulation, beamforming of packets, clutter filter and velocities in one plan.

    Parameters
    ----------
    acquisition : Acquisition
        Pulses of the kind that will come, one frame for each (`Interleaved.split` makes them of a
        sequence that holds B-mode, too); it is read only for its description.
    packet_size : int
        Pulses of a packet. Pulses that follow each other without a gap are cut into packets, over
        the ends of acquisitions; what a gap leaves of a packet is dropped.
    scan : LinearScan or SectorScan, optional
        Where to look, the colour box (see `colour_box`); the probe's natural scan when absent.
    prf_hz : float, optional
        Rate of the pulses of a packet, Hz; the sequence's PRF over its transmits when absent.
    frequency_hz : float, optional
        Frequency whose phase is measured, Hz: that of the pulse sent when absent. The mean
        frequency received, where it is known, corrects the bias of the autocorrelation.
    clutter : ClutterFilter, optional
        What is taken away first; `DEFAULT_CLUTTER` unless said otherwise, None for nothing.
    averaging : Averaging, optional
        Over neighbours and frames; none when absent.
    estimator : Estimator or str
        ``autocorrelation`` or ``2-D autocorrelation``.
    bandwidth_hz : float, optional
        Band of RF that is kept, Hz; as for `usdk.demodulation.Demodulator`.
    decimation : int
        Keep one sample of the demodulated RF out of so many; see there.
    **beamformer
        Options of `Beamformer`.

    Notes
    -----
    Only the samples that the box reads are demodulated. A plan works for one thread at a time, and
    spreads the work over the SDK's own; of each packet only the flow map's arrays are new memory.

    **The Doppler angle.** A wave that travels along d and is received from the direction of the
    unit vector r, from the point to the middle of its aperture, measures the component of a
    velocity along b = (r − d) / 2: towards the probe, halfway between both paths, and by cos(α/2)
    shorter than 1 for an angle α between them. ``velocity_m_s`` is that component, as measured;
    `FlowMap.corrected_m_s` divides by the cosine of the angle to the flow.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        packet_size: int,
        scan: LinearScan | SectorScan | None = None,
        prf_hz: float | None = None,
        frequency_hz: float | None = None,
        clutter: ClutterFilter | None = DEFAULT_CLUTTER,
        averaging: Averaging | None = None,
        estimator: Estimator | str = Estimator.AUTOCORRELATION,
        bandwidth_hz: float | None = None,
        decimation: int = 1,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        self.packet_size = count(packet_size, "packet_size", least=2, most=MAX_PULSES)
        probe, sequence = acquisition.probe, acquisition.sequence
        if scan is None:
            scan = planar_scan_for(probe, depth_m=acquisition.receive.depth_m)
        require_planar(scan)
        if prf_hz is None:
            if sequence.prf_hz is None:
                raise ArgumentError("the sequence tells no PRF: give prf_hz, that of slow time")
            prf_hz = sequence.prf_hz / len(sequence)
        self._kind = (probe, sequence, acquisition.receive)
        self._cutter = PacketCutter(self.packet_size)
        self._packets = PacketBeamformer(
            acquisition,
            scan,
            self.packet_size,
            bandwidth_hz=bandwidth_hz,
            decimation=decimation,
            options=beamformer,
        )
        self.slow_time = SlowTime(
            prf_hz=positive(prf_hz, "prf_hz"),
            frequency_hz=frequency_hz or acquisition.transmit_frequency_hz,
            sound_speed_m_s=acquisition.receive.sound_speed_m_s,
        )
        self.estimator = FlowEstimator(
            scan,
            self.slow_time,
            self.packet_size,
            clutter=clutter,
            averaging=averaging,
            estimator=estimator,
            sample_period_s=depth_period_s(sequence, scan, acquisition.receive.sound_speed_m_s),
        )
        self.reset()

    @property
    def scan(self) -> LinearScan | SectorScan:
        """Where the points lie: the colour box."""
        return self.estimator.scan

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, the channel data of a packet included."""
        return self._packets.n_bytes + self.estimator.n_bytes

    @property
    def beamformer(self) -> Beamformer:
        """The plan of one pulse."""
        return self._packets.beamformer

    def reset(self) -> None:
        """Begin a new cine: pulses held of a packet are dropped, and persistence begins anew."""
        self._packets.reset()
        self._cutter.reset()
        self.estimator.reset()

    def __call__(self, acquisition: Acquisition, *, threads: int | None = None) -> list[FlowMap]:
        """Return a flow map for each packet that the pulses complete.

        Parameters
        ----------
        acquisition : Acquisition
            Pulses that follow those of the call before.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.

        Returns
        -------
        list of FlowMap
            With the time of the packet's first pulse, and its number over the packet size.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        maps = []
        for start, packet in self._beamformed(acquisition, threads):
            processing = self.describe()
            maps.append(
                self.estimator(
                    packet,
                    sequence_number=start.sequence_number,
                    device_timestamp_s=start.device_timestamp_s,
                    host_timestamp_s=start.host_timestamp_s,
                    is_after_gap=start.is_after_gap,
                    provenance=Provenance.of(acquisition, gaps=start.gaps, processing=processing),
                    threads=threads,
                )
            )
        return maps

    def packets(
        self, acquisition: Acquisition, *, threads: int | None = None
    ) -> list[NDArray[np.complex64]]:
        """Return the beamformed packets that the pulses complete, each a new array.

        complex64, (n_lines, n_samples, packet_size); arguments as for a call.
        """
        return [packet.copy() for _, packet in self._beamformed(acquisition, threads)]

    def measure_noise(self, acquisition: Acquisition, *, threads: int | None = None) -> float:
        """Measure the noise on packets that were received without a transmit, and keep it.

        Parameters
        ----------
        acquisition : Acquisition
            At least one packet of pulses, of the kind planned for, of noise alone.
        threads : int, optional
            Threads to use.

        Returns
        -------
        float
            Mean power behind the filter: `FlowMap.noise_power` from now on.
        """
        self.reset()
        powers = [
            self.estimator.measure_noise(packet, threads=threads)
            for _, packet in self._beamformed(acquisition, threads)
        ]
        self.reset()
        if not powers:
            raise ArgumentError(f"measuring noise takes at least {self.packet_size} pulses")
        self.estimator.noise_power = float(np.mean(powers))
        return self.estimator.noise_power

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return the settings that make the map, name and value, in the order of the work."""
        demodulator = self._packets.demodulator
        demodulation = (
            "by the device"
            if demodulator is None
            else f"{demodulator.frequency_hz:g} Hz, band {demodulator.bandwidth_hz:g} Hz"
            + (f", decimated by {demodulator.decimation}" if demodulator.decimation > 1 else "")
        )
        return (
            ("demodulation", demodulation),
            ("beamforming", self._packets.explain()),
            *self.estimator.describe(),
        )

    def _beamformed(
        self, acquisition: Acquisition, threads: int | None
    ) -> Iterator[tuple[PacketStart, NDArray[np.complex64]]]:
        """Yield the plan's own packet each time that it is complete, and what it is."""
        require_like(acquisition, self._kind, "ColourFlow")
        require_finite(acquisition)
        for run in self._cutter.runs(acquisition):
            if run.place == 0:
                self._packets.reset()
            self._packets.take(acquisition.data[run.first : run.stop], threads)
            if run.packet is not None:
                yield run.packet, self._packets.packet(threads)
