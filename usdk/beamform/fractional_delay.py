"""Short filters that read a band-limited signal between its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from usdk.beamform.geometry import Geometry

__all__ = ["BAND_MARGIN", "band_of", "fractional_delay", "signal_band"]

BAND_MARGIN = 1.5
"""Width of the band that the filters serve, in −6 dB widths of the probe's."""
_TOP = 0.48  # of the sampling frequency: nothing can be read closer to its half
_N_FREQUENCIES = 128
_RIDGE = 1e-4  # of white noise, which taps that a narrow band leaves open would amplify


def signal_band(
    centre_frequency_hz: float, bandwidth_hz: float, sampling_frequency_hz: float
) -> tuple[float, float]:
    """Return the band that holds a signal, (least, greatest), in cycles per sample.

    A centre frequency of 0 is that of IQ data, whose band lies on both sides of it.
    """
    half_hz = BAND_MARGIN * bandwidth_hz / 2
    least_hz = max(centre_frequency_hz - half_hz, 0.0)
    greatest_hz = min(centre_frequency_hz + half_hz, _TOP * sampling_frequency_hz)
    return least_hz / sampling_frequency_hz, greatest_hz / sampling_frequency_hz


def band_of(geometry: Geometry) -> tuple[float, float]:
    """Return `signal_band` of channel data: about the pulse's frequency, of IQ about 0."""
    probe, receive = geometry.probe, geometry.receive
    centre_hz = geometry.sequence.frequency_hz or probe.centre_frequency_hz
    return signal_band(
        0.0 if receive.demodulation_frequency_hz else centre_hz,
        probe.fractional_bandwidth * probe.centre_frequency_hz,
        receive.sampling_frequency_hz,
    )


def fractional_delay(
    fractions: NDArray[np.float64], n_taps: int, band: tuple[float, float], n_fine: int
) -> NDArray[np.float64]:
    r"""Return filters that read a signal at fractions of a sample, (*fractions.shape, n_taps).

    Least squares over the band, with the straight line that follows between values n_fine to the
    sample allowed for.  At angular frequency ω per value, that line at place w multiplies by
    :math:`L_w = (1 - w) + w e^{jω}`; the filter's ideal response is that which makes the mean
    square of :math:`H L_w e^{-jωw} - 1` over all w least, so that the line's mean droop is undone.

    Parameters
    ----------
    fractions : ndarray
        Where to read, in samples after tap ``n_taps // 2 − 1``.
    n_taps : int
        Taps of each filter; tap k belongs to the sample k.
    band : (float, float)
        Least and greatest frequency, cycles per sample; negative ones are served alike.
    n_fine : int
        Values to the sample, between which the straight line is drawn.

    References
    ----------
    T. I. Laakso, V. Välimäki, M. Karjalainen, U. K. Laine, "Splitting the unit delay", IEEE Signal
    Process. Mag. 13(1) (1996) 30-60: section "Least squared error design".
    """
    frequencies = np.linspace(*band, _N_FREQUENCIES)
    step_rad = 2 * np.pi * frequencies / n_fine
    mean = np.sinc(frequencies / n_fine) ** 2  # of the real part of L_w exp(−jωw) over w
    power = 1 - (1 - np.cos(step_rad)) / 3  # of |L_w|² over w
    taps = np.arange(n_taps) - (n_taps // 2 - 1)
    rad = 2 * np.pi * frequencies
    normal = (power * np.cos(rad * (taps[:, None, None] - taps[None, :, None]))).mean(axis=-1)
    normal += _RIDGE * np.eye(n_taps)
    # cos(a − b) apart, so that no array of fractions × taps × frequencies is made.
    angle_rad = np.multiply.outer(fractions, rad)
    right = np.cos(angle_rad) @ (mean * np.cos(np.outer(taps, rad))).T
    right += np.sin(angle_rad) @ (mean * np.sin(np.outer(taps, rad))).T
    return np.linalg.solve(normal, right[..., None] / _N_FREQUENCIES)[..., 0]
