"""PacketBeamformer: pulses of channel data to beamformed packets, planned once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, ReceiveSettings
from usdk.beamform import Beamformer
from usdk.beamform.ensemble import LEAST_FRAMES
from usdk.beamform.plan_ensemble import why_not_exact
from usdk.demodulation import Demodulator
from usdk.doppler.sample_window import sample_window
from usdk.errors import ArgumentError
from usdk.scan import LinearScan, SectorScan

__all__ = ["PacketBeamformer"]

_INTERPOLATION_REACH = 3
"""Samples on either side that interpolation, and rounding in float32, may read."""
_SIDE_BY_SIDE = (8, 16, 32)
"""Pulses of IQ to a row that the ensemble's kernel reads in place."""
_CACHE_LINE = 64


class PacketBeamformer:
    """Demodulation of the samples that a box reads, and beamforming of packets.

    Parameters
    ----------
    acquisition : Acquisition
        Pulses of the kind that will come, one frame for each.
    scan : LinearScan or SectorScan
        The box.
    packet_size : int
        Pulses of a packet.
    bandwidth_hz, decimation
        As for `usdk.demodulation.Demodulator`.
    options
        Of `Beamformer`.

    Notes
    -----
    Pulses of a packet are demodulated side by side, as the beamformer reads them; where that is not
    possible (IQ, decimation, more than 32 pulses, a combination that is no sum) one after another.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        scan: LinearScan | SectorScan,
        packet_size: int,
        *,
        bandwidth_hz: float | None,
        decimation: int,
        options: dict[str, Any],
    ) -> None:
        probe, sequence = acquisition.probe, acquisition.sequence
        self.packet_size = packet_size
        self.demodulator, self.window = _demodulator(
            acquisition,
            scan,
            f_number=_f_number(acquisition, options),
            bandwidth_hz=bandwidth_hz,
            decimation=decimation,
        )
        self.receive = (
            self.demodulator.receive
            if self.demodulator is not None
            else _windowed(acquisition.receive, self.window)
        )
        self.beamformer = Beamformer(probe, sequence, self.receive, scan, **options)
        if self.beamformer.shape != scan.shape or self.beamformer.dtype != np.complex64:
            raise ArgumentError("colour needs one coherent image of a pulse: leave compounding out")
        n_side = next((n for n in _SIDE_BY_SIDE if packet_size <= n), 0)
        reason = why_not_exact(self.beamformer.geometry, self.beamformer.method)
        demodulator = self.demodulator
        self._pulses = None
        is_plain = demodulator is not None and demodulator.decimation == 1 and reason is None
        if demodulator is not None and is_plain and n_side and packet_size >= LEAST_FRAMES:
            self._pulses = demodulator.pulses(n_side)
        is_side_by_side = self._pulses is not None
        self._ensemble = self.beamformer.ensemble(n_side if is_side_by_side else packet_size)
        self._packet = np.empty((*scan.shape, packet_size), np.complex64)
        # As the beamformer gives it, with the pulses that fill a row.
        is_filled = self._ensemble.n_frames != packet_size
        self._filled = np.empty(self._ensemble.shape, np.complex64) if is_filled else self._packet
        shape = (len(sequence), probe.n_elements, self.receive.n_samples)
        self._iq = _aligned((*shape, n_side) if is_side_by_side else (packet_size, *shape))
        self._held = np.empty((0, *shape), np.float32)
        self.n_held = 0

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds, the channel data of a packet included."""
        buffers = self._iq.nbytes + self._packet.nbytes + self._held.nbytes
        if self._filled is not self._packet:
            buffers += self._filled.nbytes
        for plan in (self.demodulator, self._pulses):
            buffers += 0 if plan is None else plan.n_bytes
        return buffers + self._ensemble.n_bytes

    def explain(self) -> str:
        """Return how packets are beamformed."""
        return self._ensemble.explain()

    def reset(self) -> None:
        """Drop the pulses that are held of a packet."""
        self.n_held = 0

    def take(self, data: NDArray[Any], threads: int | None) -> None:
        """Take pulses, (n, n_transmits, n_elements, n_samples), at most to a packet's end."""
        first, stop = self.window
        held, self.n_held = self.n_held, self.n_held + len(data)
        if self._pulses is None:
            place = self._iq[held : self.n_held]
            if self.demodulator is None:
                np.copyto(place, data[..., first:stop])
            else:
                self.demodulator.frames(data[..., first:stop], out=place, threads=threads)
            return
        if len(data) == self.packet_size and data.flags.writeable:
            self._pulses(data, first_sample=first, out=self._iq, threads=threads)
            return
        if not len(self._held):
            # Only of pulses that come one by one, or in memory that cannot be written.
            shape = (self.packet_size, *data.shape[1:3], stop - first)
            self._held = np.empty(shape, np.float32)
        np.copyto(self._held[held : self.n_held], data[..., first:stop])
        if self.n_held == self.packet_size:
            self._pulses(self._held, first_sample=0, out=self._iq, threads=threads)

    def packet(self, threads: int | None) -> NDArray[np.complex64]:
        """Return the packet of the pulses taken, in the plan's own memory, and begin anew."""
        self.n_held = 0
        if self._pulses is None:
            self._ensemble(self._iq, out=self._filled, threads=threads)
        else:
            self._ensemble.from_frames_fastest(self._iq, out=self._filled, threads=threads)
        if self._filled is not self._packet:
            np.copyto(self._packet, self._filled[..., : self.packet_size])
        return self._packet


def _aligned(shape: tuple[int, ...]) -> NDArray[np.complex64]:
    """Return memory that begins where a cache line does, so that rows are read in place."""
    n_bytes = 8 * math.prod(shape)
    store = np.empty(n_bytes + _CACHE_LINE, np.uint8)
    first = -store.ctypes.data % _CACHE_LINE
    return store[first : first + n_bytes].view(np.complex64).reshape(shape)


def _f_number(acquisition: Acquisition, beamformer: dict[str, Any]) -> float:
    """Return the F-number that a beamformer takes, from a plan of very few points."""
    few = LinearScan(x_m=np.array([0.0, 1e-3]), z_m=np.array([10e-3, 11e-3]))
    frequency_hz = acquisition.transmit_frequency_hz
    plan = Beamformer(
        acquisition.probe,
        acquisition.sequence,
        replace(acquisition.receive, demodulation_frequency_hz=frequency_hz),
        few,
        **{**beamformer, "kernel": None},
    )
    return plan.method.f_number


def _demodulator(
    acquisition: Acquisition,
    scan: LinearScan | SectorScan,
    *,
    f_number: float,
    bandwidth_hz: float | None,
    decimation: int,
) -> tuple[Demodulator | None, tuple[int, int]]:
    """Return the demodulator, none for IQ, and the first and last sample that it is given."""
    margin = _INTERPOLATION_REACH
    if acquisition.is_iq:
        if bandwidth_hz is not None or decimation != 1:
            raise ArgumentError(
                "bandwidth_hz and decimation are those of RF: IQ data hold the band that was kept"
            )
    else:
        whole = Demodulator(acquisition, bandwidth_hz=bandwidth_hz, decimation=decimation)
        margin = margin * whole.decimation + whole.reach
    window = sample_window(
        acquisition.probe,
        acquisition.sequence,
        acquisition.receive,
        scan,
        f_number=f_number,
        margin=margin,
    )
    if acquisition.is_iq:
        return None, window
    part = replace(
        acquisition,
        data=acquisition.data[:1, ..., slice(*window)],
        receive=_windowed(acquisition.receive, window),
        sequence_numbers=acquisition.sequence_numbers[:1],
        device_timestamps_s=acquisition.device_timestamps_s[:1],
        host_timestamps_s=acquisition.host_timestamps_s[:1],
        gaps=(),
    )
    return Demodulator(part, bandwidth_hz=bandwidth_hz, decimation=decimation), window


def _windowed(receive: ReceiveSettings, window: tuple[int, int]) -> ReceiveSettings:
    """Return the settings of a run of samples."""
    first, stop = window
    later_s = first / receive.sampling_frequency_hz
    return replace(
        receive,
        n_samples=stop - first,
        time_zero_s=tuple(zero_s + later_s for zero_s in receive.time_zero_s),
    )
