"""VectorDoppler: channel data of several angles to velocity vectors, planned once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite, require_like
from usdk.arguments import count, positive
from usdk.beamform import Beamformer
from usdk.beamform.transmit_groups import group_labels, groups_of
from usdk.choice import choice
from usdk.demodulation import Demodulator
from usdk.doppler.autocorrelation import MAX_PULSES, Autocorrelator
from usdk.doppler.averaging import Averaging, average
from usdk.doppler.clutter import ClutterFilter
from usdk.doppler.correlations import Correlations
from usdk.doppler.dealiasing.spatial import unwrap_correlated
from usdk.doppler.flow_estimator import DEFAULT_CLUTTER, Estimator
from usdk.doppler.packet_cutting import PacketCutter, PacketStart
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.vector.directions import look_directions
from usdk.doppler.vector.receive_apertures import apertures_of, part_of
from usdk.doppler.vector.solve import phase_variance, solve_vectors
from usdk.doppler.vector.vector_map import VectorMap
from usdk.doppler.velocity import flow_values
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.scan import LinearScan, SectorScan

__all__ = ["VectorDoppler"]


class VectorDoppler:
    """Demodulation, beamforming of each angle apart, lag-one phases and least squares in one plan.

    Every frame of the acquisition is one pulse of each angle: transmits that take turns, as
    ``Interleaved.split`` gives them too. Frames that follow each other without a gap are cut into
    packets, over the ends of acquisitions; what a gap leaves of a packet is dropped. A *look* is a
    group of transmits as one receive aperture hears it.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    scan : LinearScan or SectorScan
        Where to look.
    packet_size : int
        Frames of a packet. Frames that follow each other without a gap are cut into packets, over
        the ends of acquisitions; what a gap leaves of a packet is dropped.
    prf_hz : float, optional
        Rate of the pulses of one angle, Hz; the sequence's over its number of transmits when
        absent, which is right for transmits that take turns without a pause.
    groups : iterable of int, optional
        Number of the group of each transmit; the transmits of a group are compounded. Every
        transmit is one of its own when absent.
    receive_apertures : sequence of (int, int), optional
        First and one past the last element of each receive aperture; every group is heard by each
        of them. The whole array when absent. Apertures far aside of a point need ``f_number=0``.
    clutter : ClutterFilter, optional
        What is taken away first; `DEFAULT_CLUTTER` of colour flow unless said otherwise, None for
        nothing.
    averaging : Averaging, optional
        Of the correlations over neighbouring points, before the phase is taken; its persistence is
        not used.
    n_independent : float
        Independent points among those that are averaged, for the variance of the phases: 1 is
        cautious.
    estimator : Estimator or str
        ``autocorrelation`` reads a phase at ``frequency_hz``, ``2-D autocorrelation`` at the mean
        frequency of the echoes.
    frequency_hz : float, optional
        Frequency of the echoes, Hz; the demodulation frequency when absent.
    unwrap : bool
        Whether the velocities of each look are unwrapped by their continuity over the map first,
        as `usdk.doppler.dealiasing.unwrap_flow_map` does. It finds aliasing that all looks have in
        common, which the residuals of single points hardly tell.
    greatest_wrap, expected_speed_m_s
        As for `solve_vectors`: the search for aliased looks, point by point.
    **beamformer
        Options of `Beamformer`.

    Raises
    ------
    ArgumentError
        If there are fewer than two looks, or an option is out of range.

    Notes
    -----
    A plan works for one thread at a time, and spreads the work over the SDK's own. Angles that are
    sent one after the other see the flow at slightly different times; with K angles the Nyquist
    velocity of each is that of PRF / K.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        scan: LinearScan | SectorScan,
        *,
        packet_size: int,
        prf_hz: float | None = None,
        groups: Iterable[int] | None = None,
        receive_apertures: Iterable[tuple[int, int]] | None = None,
        clutter: ClutterFilter | None = DEFAULT_CLUTTER,
        averaging: Averaging | None = None,
        n_independent: float = 1.0,
        estimator: Estimator | str = Estimator.AUTOCORRELATION_2D,
        frequency_hz: float | None = None,
        unwrap: bool = False,
        greatest_wrap: int = 0,
        expected_speed_m_s: float = math.inf,
        **beamformer: Any,
    ) -> None:
        require_acquisition(acquisition)
        if not isinstance(scan, LinearScan | SectorScan):
            raise ArgumentError("scan must be a LinearScan or a SectorScan")
        self.scan = scan
        self.packet_size = count(packet_size, "packet_size", least=2, most=MAX_PULSES)
        self._cutter = PacketCutter(self.packet_size)
        self._held: list[NDArray[Any]] = []
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self._demodulator = None if acquisition.is_iq else Demodulator(acquisition)
        receive = acquisition.receive if self._demodulator is None else self._demodulator.receive
        sequence = acquisition.sequence
        if prf_hz is None:
            if sequence.prf_hz is None:
                raise ArgumentError("the sequence does not tell its PRF: give prf_hz, per angle")
            prf_hz = sequence.prf_hz / len(sequence)
        self.estimator = choice(Estimator, estimator)
        self._axial = self.estimator is Estimator.AUTOCORRELATION_2D
        self.slow_time = SlowTime(
            prf_hz=prf_hz,
            frequency_hz=frequency_hz or receive.demodulation_frequency_hz,
            sound_speed_m_s=receive.sound_speed_m_s,
        )
        labels = group_labels(groups, len(sequence))
        members = groups_of(labels)
        self._apertures = apertures_of(acquisition, receive_apertures)
        self._ensembles = []
        directions = []
        for first, stop in self._apertures:
            part = Beamformer(
                part_of(acquisition.probe, first, stop),
                sequence,
                receive,
                scan,
                compounding="none",
                compounding_groups=labels,
                **beamformer,
            )
            self._ensembles.append(part.ensemble(self.packet_size))
            directions.append(look_directions(part, members))
        self.directions = np.concatenate(directions)
        """a of each look and point, (n_looks, n_lines, n_samples, 2): `look_directions`."""
        if len(self.directions) < 2:
            raise ArgumentError("a vector needs two looks or more: send several angles")
        self._autocorrelator = Autocorrelator(
            scan.shape, self.packet_size, clutter=clutter, axial=self._axial
        )
        self._averaging = replace(averaging or Averaging(), persistence=0.0)
        n_pairs = self._autocorrelator.n_pulses_out - 1
        self._n_independent = n_pairs * positive(n_independent, "n_independent")
        self._unwrap = bool(unwrap)
        self._search: dict[str, Any] = {
            "greatest_wrap": greatest_wrap,
            "expected_speed_m_s": expected_speed_m_s,
        }

    @property
    def n_looks(self) -> int:
        """Number of looks: groups of transmits times receive apertures."""
        return len(self.directions)

    def crossing_angles_rad(self) -> NDArray[np.float32]:
        """Return the widest angle between two looks at each point, (n_lines, n_samples), rad."""
        angles = np.arctan2(self.directions[..., 0], -self.directions[..., 1])
        return np.asarray(np.nanmax(angles, axis=0) - np.nanmin(angles, axis=0), np.float32)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, the pulses of a packet begun included."""
        plans = sum(ensemble.n_bytes for ensemble in self._ensembles)
        demodulator = 0 if self._demodulator is None else self._demodulator.n_bytes
        return plans + demodulator + self.directions.nbytes + sum(one.nbytes for one in self._held)

    def reset(self) -> None:
        """Begin anew: frames held of a packet are dropped."""
        self._cutter.reset()
        self._held.clear()

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return the settings that make the map, name and value, in the order of the work."""
        demodulator, clutter = self._demodulator, self._autocorrelator.clutter
        demodulation = (
            "by the device"
            if demodulator is None
            else f"{demodulator.frequency_hz:g} Hz, band {demodulator.bandwidth_hz:g} Hz"
        )
        return (
            ("demodulation", demodulation),
            ("beamforming", self._ensembles[0].explain()),
            ("looks", f"{self.n_looks}, receive apertures {self._apertures}"),
            ("packet size", f"{self.packet_size} pulses"),
            ("slow-time PRF", f"{self.slow_time.prf_hz:g} Hz"),
            ("clutter filter", "none" if clutter is None else clutter.describe()),
            ("averaging", self._averaging.describe()),
            ("velocity", f"{self.estimator} at {self.slow_time.frequency_hz:g} Hz"),
            ("Nyquist velocity", f"{self.slow_time.nyquist_m_s:.4g} m/s"),
        )

    def packets(
        self, acquisition: Acquisition, *, threads: int | None = None
    ) -> list[NDArray[np.complex64]]:
        """Return the beamformed packets that the frames complete.

        Each is complex64, (n_looks, n_lines, n_samples, packet_size).

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or its samples are not finite.
        """
        return [packet for packet, _ in self._beamformed(acquisition, threads)]

    def vectors(self, packet: NDArray[Any], *, threads: int | None = None) -> VectorMap:
        """Return the vectors of one beamformed packet, (n_looks, n_lines, n_samples, n_pulses)."""
        packet = np.asarray(packet)
        expected = (self.n_looks, *self.scan.shape, self.packet_size)
        if packet.shape != expected:
            raise ArgumentError(f"packet must have shape {expected}, got {packet.shape}")
        velocity = np.empty(packet.shape[:3], np.float32)
        variance, power = np.empty_like(velocity), np.empty_like(velocity)
        for look, one in enumerate(packet):
            correlations = self._correlations(one, threads)
            velocity[look], _ = flow_values(
                correlations,
                self.slow_time,
                sample_period_s=self._sample_period_s(look) if self._axial else None,
                threads=threads,
            )
            if self._unwrap:
                velocity[look], _ = unwrap_correlated(
                    velocity[look],
                    correlations.lag_one,
                    correlations.power,
                    self.slow_time.nyquist_m_s,
                )
            scale = (self.slow_time.nyquist_m_s / math.pi) ** 2
            phase = phase_variance(correlations, n_independent=self._n_independent)
            variance[look] = phase * np.float32(scale)
            power[look] = correlations.power
        return solve_vectors(
            velocity,
            variance,
            self.directions,
            self.scan,
            nyquist_m_s=self.slow_time.nyquist_m_s,
            power=power.mean(axis=0),
            threads=threads,
            **self._search,
        )

    def __call__(self, acquisition: Acquisition, *, threads: int | None = None) -> list[VectorMap]:
        """Return one map for each packet that the frames complete; errors as for `packets`.

        A map has the time of its packet's first frame, and its number over the packet size.
        """
        return [
            replace(
                self.vectors(packet, threads=threads),
                sequence_number=start.sequence_number,
                device_timestamp_s=start.device_timestamp_s,
                host_timestamp_s=start.host_timestamp_s,
                provenance=Provenance.of(acquisition, gaps=start.gaps, processing=self.describe()),
            )
            for packet, start in self._beamformed(acquisition, threads)
        ]

    def _beamformed(
        self, acquisition: Acquisition, threads: int | None
    ) -> Iterator[tuple[NDArray[np.complex64], PacketStart]]:
        require_like(acquisition, self._kind, "VectorDoppler")
        require_finite(acquisition)
        for run in self._cutter.runs(acquisition):
            if run.place == 0:
                self._held.clear()
            for data in acquisition.data[run.first : run.stop]:
                # A copy: of what is held the next call may find other samples.
                self._held.append(
                    data.copy()
                    if self._demodulator is None
                    else self._demodulator.frame(data, threads=threads)
                )
            if run.packet is not None:
                pulses = np.stack(self._held)
                self._held.clear()
                looks = [
                    ensemble(np.ascontiguousarray(pulses[:, :, slice(*aperture)]), threads=threads)
                    for ensemble, aperture in zip(self._ensembles, self._apertures, strict=True)
                ]
                yield np.concatenate(looks), run.packet

    def _correlations(self, packet: NDArray[np.complex64], threads: int | None) -> Correlations:
        correlations = self._autocorrelator(packet, threads=threads)
        if self._averaging.n_lines == 1 and self._averaging.n_samples == 1:
            return correlations
        return average(correlations, self._averaging, threads=threads)

    def _sample_period_s(self, look: int) -> float:
        """Return the time of echoes from one depth to the next: ∇τ along the lines."""
        points_m = self.scan.points_m()[..., ::2]
        steps_m = np.diff(points_m, axis=1)
        along = -2 * (self.directions[look, :, 1:] * steps_m).sum(axis=-1)
        return float(np.nanmean(along)) / self.slow_time.sound_speed_m_s
