"""Demodulation: RF channel data to baseband IQ."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite
from usdk.arguments import count, number
from usdk.demodulation.pulses import PulseDemodulator
from usdk.errors import ArgumentError
from usdk.fir_design import band_taps, kaiser_length
from usdk.scratch import Scratch
from usdk.tiles import run_tiles
from usdk_kernels.demodulation import fir_decimate, mix_down

__all__ = ["Demodulator", "demodulate"]

STOPBAND_DB = 60.0
MAX_TAPS = 511
ELEMENTS_PER_TILE = 64
# The filter's −6 dB point over half the probe's −6 dB band: the band's edges are kept.
_MARGIN = 1.2


class Demodulator:
    """RF to IQ, planned once for a kind of acquisition.

    The RF is multiplied by exp(−2πj f t), t on each transmit's clock, and low-pass filtered by a
    symmetric FIR filter (Kaiser window, no delay) of gain 2, so that |IQ| is the RF's envelope.
    Band-pass-sampled RF (sampled below twice its frequency) is demodulated at its true frequency:
    only the distance of the mirrored band in the sampled spectrum counts.

    Parameters
    ----------
    acquisition : Acquisition
        RF of the kind that will be demodulated; its samples are not read.
    frequency_hz : float, optional
        Demodulation frequency, Hz; the transmit frequency when absent.
    bandwidth_hz : float, optional
        Width of the band kept, between −6 dB points, Hz; 1.2 times the probe's when absent,
        narrowed where the mirrored band is near.
    decimation : int
        Keep one IQ sample out of so many; the band kept must fit the lower rate.

    Raises
    ------
    ArgumentError
        If the data are IQ already, or the two bands cannot be told apart at this sampling
        frequency.

    References
    ----------
    J. Kirkhorn, "Introduction to IQ-demodulation of RF-data", NTNU, 1999, section 3.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        *,
        frequency_hz: float | None = None,
        bandwidth_hz: float | None = None,
        decimation: int = 1,
    ) -> None:
        require_acquisition(acquisition)
        if acquisition.is_iq:
            raise ArgumentError("the data are IQ already: leave demodulation out")
        receive = acquisition.receive
        rate_hz = receive.sampling_frequency_hz
        self.frequency_hz = frequency_hz or acquisition.transmit_frequency_hz
        if not (math.isfinite(self.frequency_hz) and self.frequency_hz > 0):
            raise ArgumentError(f"frequency_hz must be positive, got {self.frequency_hz}")
        decimation = count(decimation, "decimation", most=receive.n_samples)
        # After mixing, the band of negative frequencies is centred here, folded by the sampling.
        mirror_hz = abs(math.remainder(2 * self.frequency_hz, rate_hz))
        probe = acquisition.probe
        if bandwidth_hz is None:
            bandwidth_hz = _MARGIN * probe.fractional_bandwidth * probe.centre_frequency_hz
            bandwidth_hz = min(bandwidth_hz, mirror_hz, 0.9 * rate_hz / decimation)
        bandwidth_hz = number(bandwidth_hz, "bandwidth_hz")
        if 0 < bandwidth_hz < rate_hz / (2 * MAX_TAPS):
            raise ArgumentError(
                f"a band of {bandwidth_hz:g} Hz needs a filter of more than {MAX_TAPS} taps: take "
                f"at least {rate_hz / (2 * MAX_TAPS):g} Hz"
            )
        if not 0 < bandwidth_hz <= mirror_hz:
            raise ArgumentError(
                f"at a sampling frequency of {rate_hz:g} Hz a band of {bandwidth_hz:g} Hz about "
                f"{self.frequency_hz:g} Hz folds onto its mirror image {mirror_hz:g} Hz away: "
                "take a narrower bandwidth_hz or another sampling frequency"
            )
        if bandwidth_hz > rate_hz / decimation:
            raise ArgumentError(
                f"decimation by {decimation} leaves no room for a band of {bandwidth_hz:g} Hz"
            )
        self.bandwidth_hz = bandwidth_hz
        self.decimation = decimation
        self.receive = replace(
            receive,
            sampling_frequency_hz=rate_hz / decimation,
            n_samples=-(-receive.n_samples // decimation),
            demodulation_frequency_hz=self.frequency_hz,
        )
        self._rf_receive = receive
        self._taps = _low_pass(bandwidth_hz / 2, rate_hz)
        shape = (ELEMENTS_PER_TILE, receive.n_samples)
        self._pulses = None if decimation > 1 else self.pulses(1)
        mixed_shape = shape if decimation > 1 else (0, 0)
        self._scratch = Scratch(
            lambda: (np.empty(shape, np.float32), np.empty(mixed_shape, np.complex64))
        )

    @property
    def n_taps(self) -> int:
        """Length of the low-pass filter, RF samples, odd: so far reach the samples of one of IQ."""
        return int(self._taps.size)

    def __call__(self, acquisition: Acquisition) -> Acquisition:
        """Return the acquisition as IQ, complex64, everything else kept."""
        if acquisition.receive != self._rf_receive:
            raise ArgumentError("planned for other receive settings: make a new Demodulator")
        require_finite(acquisition)
        iq = np.empty((*acquisition.data.shape[:3], self.receive.n_samples), np.complex64)
        self._run(acquisition.data, iq, None)
        return replace(acquisition, data=iq, receive=self.receive)

    def frame(
        self,
        rf: NDArray[Any],
        *,
        out: NDArray[np.complex64] | None = None,
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return one frame's IQ; with ``out`` nothing is allocated.

        Parameters
        ----------
        rf : ndarray, (n_transmits, n_elements, n_samples)
            int16 or float32 RF, finite.
        out : ndarray of complex64, (n_transmits, n_elements, n_samples kept), optional
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        expected = (len(self._rf_receive.time_zero_s), self._rf_receive.n_samples)
        if rf.ndim != 3 or rf.dtype.kind == "c" or (rf.shape[0], rf.shape[2]) != expected:
            raise ArgumentError(
                f"rf must be real, ({expected[0]}, n_elements, {expected[1]}), got {rf.dtype} "
                f"{rf.shape}"
            )
        shape = (*rf.shape[:2], self.receive.n_samples)
        if out is None:
            out = np.empty(shape, np.complex64)
        elif out.shape != shape or out.dtype != np.complex64 or not out.flags.c_contiguous:
            raise ArgumentError(f"out must be C-contiguous complex64 of {shape}")
        self._run(rf[None], out[None], threads)
        return out

    def frames(
        self,
        rf: NDArray[Any],
        *,
        out: NDArray[np.complex64],
        threads: int | None = None,
    ) -> NDArray[np.complex64]:
        """Return the IQ of several frames, shared out over the threads together.

        Parameters
        ----------
        rf : ndarray, (n_frames, n_transmits, n_elements, n_samples)
            int16 or float32 RF, finite; the frames may lie apart in memory.
        out : ndarray of complex64, (n_frames, n_transmits, n_elements, n_samples kept)
            Where to write.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        expected = (len(self._rf_receive.time_zero_s), self._rf_receive.n_samples)
        if rf.ndim != 4 or rf.dtype.kind == "c" or (rf.shape[1], rf.shape[3]) != expected:
            raise ArgumentError(
                f"rf must be real, (n_frames, {expected[0]}, n_elements, {expected[1]}), got "
                f"{rf.dtype} {rf.shape}"
            )
        shape = (*rf.shape[:3], self.receive.n_samples)
        if out.shape != shape or out.dtype != np.complex64 or not out.flags.c_contiguous:
            raise ArgumentError(f"out must be C-contiguous complex64 of {shape}")
        self._run(rf, out, threads)
        return out

    def pulses(self, n_pulses: int) -> PulseDemodulator:
        """Plan the same demodulation of several pulses side by side.

        Raises
        ------
        ArgumentError
            If samples are left out: pulses keep their sampling frequency.
        """
        if self.decimation != 1:
            raise ArgumentError("pulses are demodulated at their sampling frequency: decimation 1")
        return PulseDemodulator(self._taps, self.receive, n_pulses=n_pulses)

    @property
    def n_bytes(self) -> int:
        """Memory that the plan holds: its taps, and scratch for one thread."""
        n_samples = self._rf_receive.n_samples
        sample_bytes = 4 + (0 if self._pulses is not None else 8)
        plan = 0 if self._pulses is None else self._pulses.n_bytes
        return self._taps.nbytes + plan + ELEMENTS_PER_TILE * n_samples * sample_bytes

    @property
    def reach(self) -> int:
        """Samples on either side of one that its IQ depends on."""
        return int(self._taps.size // 2)

    def _run(self, data: NDArray[Any], iq: NDArray[np.complex64], threads: int | None) -> None:
        n_frames, n_transmits, n_elements, _ = data.shape
        rate_hz = self._rf_receive.sampling_frequency_hz

        def work(tile: tuple[int, int, int]) -> None:
            frame, transmit, first = tile
            elements = slice(first, min(first + ELEMENTS_PER_TILE, n_elements))
            n_rows = elements.stop - first
            with self._scratch.lent() as (rf_rows, mixed_rows):
                rf, mixed = rf_rows[:n_rows], mixed_rows[:n_rows]
                np.copyto(rf, data[frame, transmit, elements])
                if self._pulses is not None:
                    self._pulses.rows(rf, transmit, iq[frame, transmit, elements])
                    return
                time_s = self._rf_receive.time_zero_s[transmit]
                mix_down(rf, rate_hz, self.frequency_hz, time_s, mixed)
                fir_decimate(mixed, self._taps, self.decimation, iq[frame, transmit, elements])

        firsts = range(0, n_elements, ELEMENTS_PER_TILE)
        tiles = [
            (f, t, first) for f in range(n_frames) for t in range(n_transmits) for first in firsts
        ]
        run_tiles(work, tiles, threads=threads)


def demodulate(acquisition: Acquisition, **options: Any) -> Acquisition:
    """Return RF as IQ; options as for `Demodulator`."""
    return Demodulator(acquisition, **options)(acquisition)


def _low_pass(cutoff_hz: float, rate_hz: float) -> NDArray[np.float32]:
    # The transition band is as wide as the cut-off frequency and centred on it.
    n_taps, beta = kaiser_length(STOPBAND_DB, cutoff_hz, rate_hz)
    return band_taps(min(n_taps, MAX_TAPS), beta, 0.0, cutoff_hz, rate_hz)
