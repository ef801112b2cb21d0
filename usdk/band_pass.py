"""Band-pass filtering of RF channel data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition, require_acquisition, require_finite
from usdk.arguments import count
from usdk.errors import ArgumentError
from usdk.fir_design import band_taps, kaiser_length
from usdk.tiles import run_tiles
from usdk_kernels.fir_filter import fir_filter

__all__ = ["MAX_TAPS", "STOPBAND_DB", "BandPass", "band_pass"]

STOPBAND_DB = 60.0
MAX_TAPS = 511
# The filter falls from pass band to stop band over this share of the band's width.
_TRANSITION = 0.5
ELEMENTS_PER_TILE = 64


class BandPass:
    """RF to RF of a narrower band, planned once for a kind of acquisition.

    A symmetric FIR filter (Kaiser window) without delay: echoes stay where they are. Its gain is 1
    in the middle of the band, −6 dB at its edges, and below −60 dB beyond half a bandwidth from
    them, or nearer where 0 Hz or half the sampling frequency is near.

    Parameters
    ----------
    acquisition : Acquisition
        RF of the kind that will be filtered; its samples are not read.
    low_hz, high_hz : float
        Edges of the band, Hz; at most half the sampling frequency.
    decimation : int
        Keep one sample out of so many. The band must lie within one Nyquist zone of the lower
        rate, between two multiples of half of it; its samples are then band-pass samples, which
        `Demodulator` and `Beamformer` take.

    Raises
    ------
    ArgumentError
        If the data are IQ, the band is empty or beyond the sampling, too narrow for `MAX_TAPS`
        taps, or does not fit the decimated rate.

    References
    ----------
    J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", Proc.
    IEEE Int. Symp. Circuits and Systems, 1974; R. G. Vaughan, N. L. Scott, D. R. White, "The
    theory of bandpass sampling", IEEE Trans. Signal Process. 39(9), 1991.
    """

    def __init__(
        self, acquisition: Acquisition, low_hz: float, high_hz: float, *, decimation: int = 1
    ) -> None:
        require_acquisition(acquisition)
        if acquisition.is_iq:
            raise ArgumentError("a band of IQ data is chosen when they are demodulated")
        receive = acquisition.receive
        rate_hz = receive.sampling_frequency_hz
        if not 0 < low_hz < high_hz < rate_hz / 2:
            raise ArgumentError(
                f"need 0 < low_hz < high_hz < {rate_hz / 2:g} Hz, half the sampling frequency, "
                f"got {low_hz} and {high_hz}"
            )
        decimation = count(decimation, "decimation", most=receive.n_samples)
        zone_hz = rate_hz / decimation / 2
        if math.floor(low_hz / zone_hz) != math.ceil(high_hz / zone_hz) - 1:
            raise ArgumentError(
                f"decimation by {decimation} folds a band of {low_hz:g} to {high_hz:g} Hz onto "
                f"itself: it must lie between two multiples of {zone_hz:g} Hz"
            )
        self.low_hz, self.high_hz = float(low_hz), float(high_hz)
        self.decimation = decimation
        self.receive = replace(
            receive,
            sampling_frequency_hz=rate_hz / decimation,
            n_samples=-(-receive.n_samples // self.decimation),
        )
        self._rf_receive = receive
        self._taps = _taps(self.low_hz, self.high_hz, rate_hz)

    def __call__(self, acquisition: Acquisition) -> Acquisition:
        """Return the acquisition with filtered RF, float32, everything else kept."""
        if acquisition.receive != self._rf_receive:
            raise ArgumentError("planned for other receive settings: make a new BandPass")
        require_finite(acquisition)
        data = acquisition.data
        n_frames, n_transmits, n_elements, _ = data.shape
        out = np.empty((*data.shape[:3], self.receive.n_samples), np.float32)

        def work(tile: tuple[int, int, int]) -> None:
            frame, transmit, first = tile
            elements = slice(first, first + ELEMENTS_PER_TILE)
            rf = np.require(data[frame, transmit, elements], np.float32, ("C", "W"))
            fir_filter(rf, self._taps, self.decimation, out[frame, transmit, elements])

        starts = range(0, n_elements, ELEMENTS_PER_TILE)
        run_tiles(
            work,
            ((f, t, e) for f in range(n_frames) for t in range(n_transmits) for e in starts),
        )
        return replace(acquisition, data=out, receive=self.receive)


def band_pass(
    acquisition: Acquisition, low_hz: float, high_hz: float, *, decimation: int = 1
) -> Acquisition:
    """Return the acquisition's RF in a narrower band; options as for `BandPass`."""
    return BandPass(acquisition, low_hz, high_hz, decimation=decimation)(acquisition)


def _taps(low_hz: float, high_hz: float, rate_hz: float) -> NDArray[np.float32]:
    room_hz = 2 * min(low_hz, rate_hz / 2 - high_hz)
    transition_hz = min(_TRANSITION * (high_hz - low_hz), room_hz)
    n_taps, beta = kaiser_length(STOPBAND_DB, transition_hz, rate_hz)
    if n_taps > MAX_TAPS:
        raise ArgumentError(
            f"a band of {low_hz:g} to {high_hz:g} Hz takes {n_taps} taps at a sampling frequency "
            f"of {rate_hz:g} Hz, more than {MAX_TAPS}: take a wider one, farther from 0 Hz and "
            "from half the sampling frequency"
        )
    return band_taps(n_taps, beta, low_hz, high_hz, rate_hz)
