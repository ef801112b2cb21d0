"""VectorDoppler: channel data of several angles to velocity vectors, planned once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite
from usdk.arguments import count, positive
from usdk.beamform import Beamformer
from usdk.beamform.transmit_groups import group_labels, groups_of
from usdk.demodulation import Demodulator
from usdk.doppler.autocorrelation import Autocorrelator
from usdk.doppler.averaging import Averaging, average
from usdk.doppler.clutter import ClutterFilter
from usdk.doppler.correlations import Correlations
from usdk.doppler.dealiasing.spatial import LEAST_COHERENCE, unwrap_velocity
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.vector.directions import look_directions
from usdk.doppler.vector.solve import phase_variance, solve_vectors
from usdk.doppler.vector.vector_map import VectorMap
from usdk.doppler.velocity import flow_values
from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk.scan import LinearScan, SectorScan
from usdk.transmit import DivergingWave, PlaneWave

__all__ = ["MAX_PACKET_SIZE", "VectorDoppler"]

MAX_PACKET_SIZE = 4096
"""Pulses of a packet, at most."""


class VectorDoppler:
    """Demodulation, beamforming of each angle apart, lag-one phases and least squares in one plan.

    Every frame of the acquisition is one pulse of each angle: transmits that take turns, as
    ``Interleaved.split`` gives them too. A *look* is a group of transmits as one receive aperture
    hears it.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; it is read only for its description.
    scan : LinearScan or SectorScan
        Where to look.
    packet_size : int
        Frames of a packet.
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
        Along slow time.
    averaging : Averaging, optional
        Of the correlations over neighbouring points, before the phase is taken; its persistence is
        not used.
    n_independent : float
        Independent points among those that are averaged, for the variance of the phases: 1 is
        cautious.
    estimator : {"autocorrelation", "2-D autocorrelator"}
        Whether a phase is read at ``frequency_hz`` or at the mean frequency of the echoes.
    frequency_hz : float, optional
        Frequency of the echoes, Hz; the demodulation frequency when absent.
    unwrap : bool
        Whether the velocities of each look are unwrapped by their continuity over the map first
        (`usdk.doppler.dealiasing.unwrap_velocity`), where the coherence is at least
        `LEAST_COHERENCE`. It finds aliasing that all looks have in common, which the residuals of
        single points hardly tell.
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
        clutter: ClutterFilter | None = None,
        averaging: Averaging | None = None,
        n_independent: float = 1.0,
        estimator: str = "2-D autocorrelator",
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
        self.packet_size = count(packet_size, "packet_size", least=2, most=MAX_PACKET_SIZE)
        self._kind = (acquisition.probe, acquisition.sequence, acquisition.receive)
        self._demodulator = None if acquisition.is_iq else Demodulator(acquisition)
        receive = acquisition.receive if self._demodulator is None else self._demodulator.receive
        sequence = acquisition.sequence
        if prf_hz is None:
            if sequence.prf_hz is None:
                raise ArgumentError("the sequence does not tell its PRF: give prf_hz, per angle")
            prf_hz = sequence.prf_hz / len(sequence)
        if estimator not in ("autocorrelation", "2-D autocorrelator"):
            raise ArgumentError(f"estimator {estimator!r} is not one of those of VectorDoppler")
        self._axial = estimator == "2-D autocorrelator"
        self.slow_time = SlowTime(
            prf_hz=prf_hz,
            frequency_hz=frequency_hz or receive.demodulation_frequency_hz,
            sound_speed_m_s=receive.sound_speed_m_s,
        )
        labels = group_labels(groups, len(sequence))
        members = groups_of(labels)
        self._apertures = _apertures(acquisition, receive_apertures)
        self._ensembles = []
        directions = []
        for first, stop in self._apertures:
            part = Beamformer(
                _part_of(acquisition.probe, first, stop),
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

    def packets(
        self, acquisition: Acquisition, *, threads: int | None = None
    ) -> list[NDArray[np.complex64]]:
        """Return the beamformed packets, (n_looks, n_lines, n_samples, packet_size) each.

        Raises
        ------
        ArgumentError
            If the acquisition is not of the kind planned for, or not of whole packets.
        """
        require_acquisition(acquisition)
        probe, sequence, receive = self._kind
        if (acquisition.sequence, acquisition.receive) != (sequence, receive) or not (
            probe.is_like(acquisition.probe)
        ):
            raise ArgumentError(
                "planned for another probe, sequence or receive settings: make a new VectorDoppler"
            )
        if acquisition.n_frames % self.packet_size:
            raise ArgumentError(
                f"{acquisition.n_frames} frames are no whole packets of {self.packet_size}"
            )
        require_finite(acquisition)
        result = []
        for first in range(0, acquisition.n_frames, self.packet_size):
            data = acquisition.data[first : first + self.packet_size]
            if self._demodulator is not None:
                data = np.stack([self._demodulator.frame(one, threads=threads) for one in data])
            looks = [
                ensemble(np.ascontiguousarray(data[:, :, slice(*aperture)]), threads=threads)
                for ensemble, aperture in zip(self._ensembles, self._apertures, strict=True)
            ]
            result.append(np.concatenate(looks))
        return result

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
                velocity[look] = self._unwrapped(velocity[look], correlations)
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
        """Return one map for each packet; errors as for `packets`."""
        maps = []
        for index, packet in enumerate(self.packets(acquisition, threads=threads)):
            frame = index * self.packet_size
            maps.append(
                replace(
                    self.vectors(packet, threads=threads),
                    sequence_number=int(acquisition.sequence_numbers[frame]),
                    device_timestamp_s=float(acquisition.device_timestamps_s[frame]),
                )
            )
        return maps

    def _correlations(self, packet: NDArray[np.complex64], threads: int | None) -> Correlations:
        correlations = self._autocorrelator(packet, threads=threads)
        if self._averaging.n_lines == 1 and self._averaging.n_samples == 1:
            return correlations
        return average(correlations, self._averaging, threads=threads)

    def _unwrapped(
        self, velocity_m_s: NDArray[np.float32], correlations: Correlations
    ) -> NDArray[np.float32]:
        strength = np.abs(correlations.lag_one)
        weight = np.where(strength >= LEAST_COHERENCE * correlations.power, strength, 0)
        return unwrap_velocity(velocity_m_s, self.slow_time.nyquist_m_s, weight=weight)[0]

    def _sample_period_s(self, look: int) -> float:
        """Return the time of echoes from one depth to the next: ∇τ along the lines."""
        points_m = self.scan.points_m()[..., ::2]
        steps_m = np.diff(points_m, axis=1)
        along = -2 * (self.directions[look, :, 1:] * steps_m).sum(axis=-1)
        return float(np.nanmean(along)) / self.slow_time.sound_speed_m_s


def _apertures(
    acquisition: Acquisition, wanted: Iterable[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    n_elements = acquisition.probe.n_elements
    if wanted is None:
        return [(0, n_elements)]
    try:
        apertures = [(int(first), int(stop)) for first, stop in wanted]
    except (TypeError, ValueError) as error:
        raise ArgumentError("receive_apertures must be (first, one past the last)") from error
    if not apertures or not all(0 <= first < stop <= n_elements for first, stop in apertures):
        raise ArgumentError(f"receive_apertures must lie within the {n_elements} elements")
    if not all(
        isinstance(wave, PlaneWave | DivergingWave) and wave.aperture is None
        for wave in acquisition.sequence.transmits
    ):
        raise ArgumentError("receive_apertures need plane or diverging waves of the whole array")
    return apertures


def _part_of(probe: Probe, first: int, stop: int) -> Probe:
    if (first, stop) == (0, probe.n_elements):
        return probe
    return replace(
        probe,
        element_positions_m=probe.element_positions_m[first:stop],
        element_normals=probe.element_normals[first:stop],
    )
