"""Gate weights: demodulation, delay-and-sum and range gate as one table of complex weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.beamform import Beamformer
from usdk.demodulation import Demodulator
from usdk.doppler.spectral.sample_volume import MAX_POINTS, SampleVolume
from usdk.errors import ArgumentError

__all__ = ["GateWeights", "gate_weights"]

# Points to the depth in which baseband echoes of the whole band are independent, c / (2 B).
_POINTS_PER_CELL = 3
_LEAST_POINTS = 12
# IQ samples on either side of an echo that any interpolation reads.
_MARGIN = 32


@dataclass(frozen=True, eq=False, kw_only=True)
class GateWeights:
    """What each sample of each record adds to a gate's signal.

    Parameters
    ----------
    weight : ndarray of float32, (n_looks, 2, n_transmits, n_elements, width)
        Real and imaginary parts.
    first_sample : int
        Sample of the first weight.
    frequency_hz : float
        Demodulation frequency, Hz.
    n_points : int
        Points along the gate.
    explanation : str
        How the points are beamformed.
    """

    weight: NDArray[np.float32]
    first_sample: int
    frequency_hz: float
    n_points: int
    explanation: str


def gate_weights(
    acquisition: Acquisition,
    gate: SampleVolume,
    *,
    delay_s: float = 0.0,
    demodulation: dict[str, Any],
    beamformer: dict[str, Any],
) -> GateWeights:
    r"""Return the weights of a gate, exactly those of the usual chain.

    The chain of `Demodulator` and `Beamformer` is linear, and treats all elements alike until it
    sums them. So it is given impulses, one for each sample near the gate, and what comes out is
    its table. Along the gate the carrier is taken off, :math:`e^{-2 \pi j f \tau}` with the time
    :math:`\tau` of each point's echo, before the points are summed: else a long gate would cancel
    itself.

    Parameters
    ----------
    acquisition : Acquisition
        Data of the kind that will come; only its description is read.
    gate : SampleVolume
        Where to listen.
    delay_s : float
        Time by which records begin late: pulse intervals that an echo is older than its record, s.
    demodulation, beamformer
        Options of `Demodulator` and `Beamformer`.

    Raises
    ------
    ArgumentError
        If the gate's echo does not lie within the records.
    """
    probe, sequence, receive = acquisition.probe, acquisition.sequence, acquisition.receive
    receive = replace(receive, time_zero_s=tuple(t + delay_s for t in receive.time_zero_s))
    demodulator: Demodulator | None = None
    band_hz, frequency_hz = receive.sampling_frequency_hz, receive.demodulation_frequency_hz
    if not acquisition.is_iq:
        demodulator = Demodulator(acquisition, **demodulation)
        band_hz, frequency_hz = demodulator.bandwidth_hz, demodulator.frequency_hz
    cell_m = receive.sound_speed_m_s / (2 * band_hz)
    n_points = math.ceil(_POINTS_PER_CELL * gate.length_m / cell_m)
    n_points = min(max(n_points, _LEAST_POINTS * gate.n_looks), MAX_POINTS)
    scan = gate.line(n_points)
    points_m = scan.points_m()
    lens_s = 2 * probe.lens_delay_s
    arrival_s = lens_s + np.stack(
        [t.arrival_time_s(points_m, probe, receive.sound_speed_m_s) for t in sequence.transmits]
    )
    distance_m = np.linalg.norm(points_m[:, None] - probe.element_positions_m, axis=-1)
    back_s = distance_m / receive.sound_speed_m_s
    earliest_s = np.array(
        [a.min() + back_s.min() - t0 for a, t0 in zip(arrival_s, receive.time_zero_s, strict=True)]
    )
    latest_s = np.array(
        [a.max() + back_s.max() - t0 for a, t0 in zip(arrival_s, receive.time_zero_s, strict=True)]
    )
    rate_hz = receive.sampling_frequency_hz
    margin, decimation = _MARGIN, 1
    if demodulator is not None:
        decimation = demodulator.decimation
        margin = _MARGIN * decimation + demodulator.n_taps // 2
    first = math.floor(earliest_s.min() * rate_hz) - margin
    first -= first % decimation
    stop = math.ceil(latest_s.max() * rate_hz) + margin + 1
    first, stop = max(first, 0), min(stop, receive.n_samples)
    if stop - first < 2:
        raise ArgumentError(_out_of_reach(gate, receive.reach_m))
    cropped = replace(
        receive,
        n_samples=stop - first,
        time_zero_s=tuple(t0 + first / rate_hz for t0 in receive.time_zero_s),
    )
    width = stop - first
    n_transmits, n_elements = len(sequence), probe.n_elements
    impulses = np.broadcast_to(np.eye(width, dtype=np.float32), (n_transmits, width, width))
    if demodulator is not None:
        small = replace(
            acquisition,
            data=np.zeros((1, n_transmits, n_elements, width), np.float32),
            receive=cropped,
            sequence_numbers=np.empty(0, np.int64),
            device_timestamps_s=np.empty(0),
            host_timestamps_s=np.empty(0),
            gaps=(),
        )
        demodulator = Demodulator(small, **demodulation)
        responses = demodulator.frame(np.ascontiguousarray(impulses))
        cropped = demodulator.receive
    else:
        responses = impulses.astype(np.complex64)
    former = Beamformer(probe, sequence, cropped, scan, **beamformer)
    if former.shape != scan.shape or not former.method.is_sum or former.dtype != np.complex64:
        raise ArgumentError(
            "a gate is a coherent sum of all transmits: leave compounding and combination out"
        )
    weight = np.zeros((gate.n_looks, n_transmits, n_elements, width), np.complex128)
    data = np.empty((n_transmits, n_elements, cropped.n_samples), np.complex64)
    range_weights: NDArray[np.complex128] | None = None
    shares: NDArray[np.float64] | None = None
    for sample in range(width):
        data[:] = responses[:, sample, None, :]
        aligned = former.aligned(data, threads=1)
        if shares is None or range_weights is None:
            apodization = aligned.apodization.astype(np.float64)
            transmits = aligned.transmit_weights.astype(np.float64)
            divisor = aligned.divisor().astype(np.float64)
            if not np.all(np.isfinite(divisor)) or not np.any(apodization):
                raise ArgumentError(
                    "no element receives the whole gate, or no transmit reaches it: move it under "
                    "the aperture, or take a smaller f_number"
                )
            echo_s = _echo_times_s(arrival_s, back_s, apodization, transmits)
            turns = frequency_hz * (echo_s - echo_s[n_points // 2])
            range_weights = gate.weights(n_points) * np.exp(-2j * np.pi * turns) / divisor
            shares = apodization[:, None, :] * transmits[:, :, None]
            _require_recorded(gate, receive.reach_m, arrival_s, back_s, shares, receive)
        weight[..., sample] = np.einsum(
            "lp,pte,pte->lte", range_weights, shares, aligned.samples, optimize=True
        )
    parts = np.stack((weight.real, weight.imag), axis=1).astype(np.float32)
    used = np.flatnonzero(np.abs(parts).max(axis=(0, 1, 2, 3)) > 0)
    begin, end = int(used[0]), int(used[-1]) + 1
    return GateWeights(
        weight=np.ascontiguousarray(parts[..., begin:end]),
        first_sample=first + begin,
        frequency_hz=frequency_hz,
        n_points=n_points,
        explanation=former.explain(),
    )


def _echo_times_s(
    arrival_s: NDArray[np.float64],
    back_s: NDArray[np.float64],
    apodization: NDArray[np.float64],
    transmits: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the mean time of each point's echo, (n_points,), s."""
    there_s = np.average(arrival_s.T, axis=1, weights=transmits)
    return np.asarray(there_s + np.average(back_s, axis=1, weights=apodization))


def _require_recorded(
    gate: SampleVolume,
    reach_m: float,
    arrival_s: NDArray[np.float64],
    back_s: NDArray[np.float64],
    shares: NDArray[np.float64],
    receive: Any,
) -> None:
    """Raise `ArgumentError` unless every echo of the gate lies within the records."""
    late_s = arrival_s.T[:, :, None] + back_s[:, None, :] - np.array(receive.time_zero_s)[:, None]
    heard_s = late_s[shares > 0]
    last_s = (receive.n_samples - 1) / receive.sampling_frequency_hz
    if heard_s.min() < 0 or heard_s.max() > last_s:
        raise ArgumentError(_out_of_reach(gate, reach_m))


def _out_of_reach(gate: SampleVolume, reach_m: float) -> str:
    return (
        f"the gate at {gate.centre_m[2] * 1e3:.4g} mm, {gate.length_m * 1e3:.4g} mm long, does not "
        f"lie within the records, which reach {reach_m * 1e3:.4g} mm: record deeper, lower the "
        "PRF or move the gate"
    )
