"""DopplerAudio: the sound of flow, towards the probe on one channel and away on the other."""

from __future__ import annotations

import math
import os
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import count, positive, require_instance
from usdk.doppler.clutter.stream import SlowTimeStream
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral.slow_time_signal import SlowTimeSignal, unbroken
from usdk.doppler.spectral.wall_filter import WallFilter
from usdk.errors import ArgumentError
from usdk.files import atomic_file
from usdk.fir_design import band_taps, kaiser_length
from usdk_kernels.polyphase import separate_directions

__all__ = ["MAX_RATE_HZ", "MAX_SILENCE_S", "DopplerAudio", "write_wav"]

MAX_RATE_HZ = 192_000
MAX_SILENCE_S = 10.0
"""Longest silence that stands for lost pulses, s; of a longer hole no more is heard."""

_MAX_PHASES = 4800
_STOPBAND_DB = 65.0
_TRANSITION = 0.04
_HEADROOM = 4.0


class DopplerAudio:
    r"""Sound of a slow-time signal, as it comes.

    A complex filter passes positive Doppler frequencies, its conjugate negative ones, and both
    bring the signal to the rate of a sound card, so that what is heard has the Doppler frequency.
    Frequencies nearer to zero, or to half the PRF, than 0.02 PRF are heard on both channels;
    elsewhere the other channel has 60 dB less.

    Parameters
    ----------
    slow_time : SlowTime
        PRF of the signal.
    rate_hz : int
        Rate of the sound, Hz: at least the PRF, at most `MAX_RATE_HZ`.
    wall_filter : WallFilter, optional
        What takes the thump of the walls away.
    reference : float, optional
        Amplitude of the signal that is full scale; 4 times the rms of the first block when absent.

    Notes
    -----
    Lost pulses are silence. The sound comes late by half the filter, about 48 pulses. It does not
    depend on how the signal is cut into blocks, but for a reference that is not given.
    """

    def __init__(
        self,
        slow_time: SlowTime,
        *,
        rate_hz: int = 48_000,
        wall_filter: WallFilter | None = None,
        reference: float | None = None,
    ) -> None:
        self.rate_hz = count(rate_hz, "rate_hz", least=8000, most=MAX_RATE_HZ)
        require_instance(slow_time, SlowTime, "slow_time")
        prf_hz = slow_time.prf_hz
        if prf_hz > self.rate_hz:
            raise ArgumentError(f"a PRF of {prf_hz:g} Hz needs a rate_hz of at least as much")
        most = int(_MAX_PHASES * prf_hz / self.rate_hz)
        if most < 1:
            raise ArgumentError(
                f"rate_hz is at most {_MAX_PHASES} times the PRF of {prf_hz:g} Hz: take a lower one"
            )
        ratio = (Fraction(self.rate_hz) / Fraction(prf_hz)).limit_denominator(most)
        n_phases, self._step = ratio.numerator, ratio.denominator
        self.wall_filter, self.reference = wall_filter, reference
        if reference is not None:
            self.reference = positive(reference, "reference")
        n_taps, beta = kaiser_length(_STOPBAND_DB, _TRANSITION, 1.0)
        self._prf_hz, self._n_taps = prf_hz, n_taps
        length = n_taps * n_phases | 1
        low_pass = band_taps(length, beta, 0.0, 0.25, float(n_phases))
        places = (np.arange(length) - length // 2) / n_phases
        taps = (low_pass * n_phases * np.exp(2j * np.pi * 0.25 * places))[: n_taps * n_phases]
        # Phase φ meets sample i + k at the filter's place φ + (n_taps − 1 − k) L.
        phases = taps.reshape(n_taps, n_phases)[::-1].T
        self._taps_real = np.ascontiguousarray(phases.real, np.float32)
        self._taps_imag = np.ascontiguousarray(phases.imag, np.float32)
        self.reset()

    @property
    def delay_s(self) -> float:
        """Time by which the sound comes late, s."""
        return (self._n_taps - 1) / 2 / self._prf_hz

    def reset(self) -> None:
        """Forget all pulses."""
        self._kept = np.zeros(self._n_taps - 1, np.complex64)
        self._place = 0
        self._next_pulse: int | None = None
        self._stream: SlowTimeStream | None = None

    def add(self, signal: SlowTimeSignal | NDArray[Any]) -> NDArray[np.float32]:
        """Take pulses, and return the sound that they complete.

        Parameters
        ----------
        signal : SlowTimeSignal or ndarray
            As for `Spectrogram.add`; looks are averaged.

        Returns
        -------
        ndarray of float32, (2, n_samples)
            Flow towards the probe, and away from it; full scale is ±1.
        """
        if not isinstance(signal, SlowTimeSignal):
            first = self._next_pulse or 0
            parts = [self.add(part) for part in unbroken(signal, first_pulse=first)]
            rest = first + np.shape(signal)[-1] - (self._next_pulse or 0)
            parts.append(self._silence(rest))
            return np.concatenate(parts, axis=1)
        heard = []
        if self._next_pulse is not None and signal.first_pulse > self._next_pulse:
            heard.append(self._silence(signal.first_pulse - self._next_pulse))
        elif signal.first_pulse != self._next_pulse:
            self._stream = None
        if self._stream is None and self.wall_filter is not None:
            self._stream = self.wall_filter.stream((1,))
        samples = signal.samples.mean(axis=0, keepdims=True, dtype=np.complex64)
        if self._stream is not None:
            samples = self._stream(samples, threads=1)
        self._next_pulse = signal.stop_pulse
        if self.reference is None and np.any(samples):
            self.reference = _HEADROOM * float(np.sqrt(np.mean(np.abs(samples) ** 2)))
        heard.append(self._take(samples[0] / np.float32(self.reference or 1.0)))
        return np.concatenate(heard, axis=1)

    def _silence(self, n_pulses: int) -> NDArray[np.float32]:
        """Return the sound of pulses that were lost; the wall filter begins anew behind them."""
        if n_pulses <= 0:
            return np.zeros((2, 0), np.float32)
        self._stream = None
        self._next_pulse = (self._next_pulse or 0) + n_pulses
        n_heard = min(n_pulses, math.ceil(MAX_SILENCE_S * self._prf_hz))
        return self._take(np.zeros(n_heard, np.complex64))

    def _take(self, samples: NDArray[np.complex64]) -> NDArray[np.float32]:
        n_phases = self._taps_real.shape[0]
        kept = np.concatenate((self._kept, samples))
        n_ready = kept.size - self._n_taps + 1
        n_out = max(0, -(-(n_ready * n_phases - self._place) // self._step))
        out = np.empty((2, n_out), np.float32)
        separate_directions(
            np.ascontiguousarray(kept.real),
            np.ascontiguousarray(kept.imag),
            self._taps_real,
            self._taps_imag,
            self._place,
            self._step,
            out,
        )
        self._place += n_out * self._step - n_ready * n_phases
        self._kept = kept[n_ready:].copy()
        return out


def write_wav(path: str | os.PathLike[str], sound: NDArray[Any], *, rate_hz: int = 48_000) -> Path:
    """Write sound as a 16-bit WAV file, and return the path.

    Parameters
    ----------
    path : path-like
        Where to write.
    sound : ndarray, (2, n_samples) or (n_samples,)
        Full scale is ±1; what is louder is clipped. The left channel is flow towards the probe.
    rate_hz : int
        Rate of the samples, Hz.

    Raises
    ------
    ArgumentError
        If it is no sound.
    StorageError
        If the file cannot be written.
    """
    sound = np.atleast_2d(np.asarray(sound))
    if sound.ndim != 2 or sound.shape[0] not in (1, 2) or sound.dtype.kind != "f":
        raise ArgumentError(f"sound must be real, (2, n_samples), got {sound.dtype} {sound.shape}")
    if not np.all(np.isfinite(sound)):
        raise ArgumentError("the sound holds NaN or infinite samples")
    rate_hz = count(rate_hz, "rate_hz", least=1, most=MAX_RATE_HZ)
    samples = np.rint(np.clip(sound, -1, 1) * (2**15 - 1)).astype("<i2")
    path = Path(path)
    with atomic_file(path, name=str(path)) as (file, _), wave.open(file, "wb") as writer:
        writer.setnchannels(samples.shape[0])
        writer.setsampwidth(2)
        writer.setframerate(rate_hz)
        writer.writeframes(samples.T.tobytes())
    return path
