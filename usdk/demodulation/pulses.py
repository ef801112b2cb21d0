"""PulseDemodulator: RF of several pulses to IQ, with the pulses next to each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import ReceiveSettings
from usdk.tiles import cut, run_tiles
from usdk_kernels.pulse_demodulation import TAPS, demodulate_pulses

__all__ = ["PulseDemodulator"]

# Taps that are smaller than this share of the greatest are rounding.
_VANISHING = 1e-7
_ELEMENTS_PER_TILE = 16


class PulseDemodulator:
    """RF to IQ of several pulses, side by side as ensembles are read in place.

    Parameters
    ----------
    taps : ndarray of float32, (n_taps,)
        Symmetric low-pass filter.
    receive : ReceiveSettings
        Of the IQ.
    n_pulses : int
        Pulses next to each other.

    Notes
    -----
    Mixing and filtering in the other order: the taps are turned by the carrier in place of the RF.
    The work is shared out over the SDK's threads.
    """

    def __init__(
        self, taps: NDArray[np.float32], receive: ReceiveSettings, *, n_pulses: int
    ) -> None:
        rate_hz = receive.sampling_frequency_hz
        frequency_hz = receive.demodulation_frequency_hz
        self.n_pulses, self._n_samples = n_pulses, receive.n_samples
        half = taps.size // 2
        turns = frequency_hz * (np.arange(taps.size) - half) / rate_hz
        turned = taps * np.exp(-2j * np.pi * (turns - np.floor(turns)))
        self._half = half
        self._real, self._imag = _tap_list(turned.real), _tap_list(turned.imag)
        self._carriers = []
        # Transmits usually share one time zero.
        known: dict[float, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}
        for zero_s in receive.time_zero_s:
            if zero_s not in known:
                turns = frequency_hz * (zero_s + np.arange(receive.n_samples) / rate_hz)
                carrier = 2 * np.exp(-2j * np.pi * (turns - np.floor(turns)))
                lanes = np.repeat(carrier, n_pulses)
                known[zero_s] = (lanes.real.astype(np.float32), lanes.imag.astype(np.float32))
            self._carriers.append(known[zero_s])
        self.n_bytes = sum(part.nbytes for pair in known.values() for part in pair)

    def rows(self, rf: NDArray[np.float32], transmit: int, out: NDArray[np.complex64]) -> None:
        """Demodulate rows of one pulse, (n_rows, n_samples) float32, to complex64; one thread."""
        self._work(rf[np.newaxis, np.newaxis], 0, transmit, (0, len(rf)), 0, out)

    def __call__(
        self,
        rf: NDArray[Any],
        *,
        first_sample: int,
        out: NDArray[np.complex64],
        threads: int | None = None,
    ) -> None:
        """Demodulate pulses.

        Parameters
        ----------
        rf : ndarray of int16 or float32, (n, n_transmits, n_elements, n_recorded)
            At most ``n_pulses`` pulses, C-contiguous and writable.
        first_sample : int
            Where in the record the demodulator's samples begin.
        out : ndarray of complex64, (n_transmits, n_elements, n_samples, n_pulses)
            Where to write, C-contiguous; pulses that are not there become 0.
        threads : int, optional
            Threads to use; `usdk.tiles.n_threads` when absent.
        """
        n_transmits, n_elements = rf.shape[1:3]
        tiles = [
            (transmit, elements)
            for transmit in range(n_transmits)
            for elements in cut(n_elements, _ELEMENTS_PER_TILE)
        ]
        run_tiles(
            lambda tile: self._work(rf, tile[0], *tile, first_sample, out[tile[0]]),
            tiles,
            threads=threads,
        )

    def _work(
        self,
        rf: NDArray[Any],
        place: int,
        transmit: int,
        elements: tuple[int, int],
        first_sample: int,
        out: NDArray[np.complex64],
    ) -> None:
        n_rows = out.shape[0]
        floats = out.view(np.float32).reshape(n_rows, self._n_samples, 2 * self.n_pulses)
        demodulate_pulses(
            rf, place, *elements, first_sample, self._n_samples, self.n_pulses, self._half,
            *self._real, *self._imag, *self._carriers[transmit], floats,
        )  # fmt: skip


def _tap_list(
    part: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return places and values of the taps that do not vanish, padded for the kernel."""
    greatest = np.abs(part).max()
    places = np.flatnonzero(np.abs(part) > _VANISHING * greatest) if greatest else np.arange(0)
    n_padded = -(-max(places.size, 1) // TAPS) * TAPS
    offsets, taps = np.zeros(n_padded, np.int64), np.zeros(n_padded, np.float32)
    offsets[: places.size], taps[: places.size] = places, part[places]
    return offsets, taps
