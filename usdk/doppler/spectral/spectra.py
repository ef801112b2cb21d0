"""Spectra: columns of a spectrogram, with the pulses and the scale that they belong to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import number
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral.sample_volume import require_angle
from usdk.errors import ArgumentError

__all__ = ["Spectra"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Spectra:
    """Power against Doppler frequency, column by column.

    Parameters
    ----------
    power : ndarray of float32, (n_columns, n_bins)
        Power of each bin, squared units of the signal, lowest frequency first.
    first_pulse : ndarray of int64, (n_columns,)
        Number of the first pulse of each column's window. Columns that stand farther apart than
        ``n_hop`` have a hole between them.
    time_s : ndarray of float64, (n_columns,)
        Time of the middle of each window, s.
    n_window, n_hop : int
        Pulses of a window, and from one to the next.
    slow_time : SlowTime
        PRF and frequency.
    angle_rad : float
        Angle between beam and flow for which velocities are corrected, rad.
    first_bin : int
        Bin of the spectrum that stands first: frequencies below it are taken for aliased ones
        (baseline shift).
    """

    power: NDArray[np.float32]
    first_pulse: NDArray[np.int64]
    time_s: NDArray[np.float64]
    n_window: int
    n_hop: int
    slow_time: SlowTime
    angle_rad: float = 0.0
    first_bin: int = 0

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.power.shape[0])

    @property
    def n_bins(self) -> int:
        """Number of frequencies."""
        return int(self.power.shape[1])

    @property
    def frequency_hz(self) -> NDArray[np.float64]:
        """Doppler frequency of each bin, (n_bins,), ascending, Hz; towards the probe positive."""
        place = np.arange(self.n_bins) + self.first_bin - self.n_bins // 2
        return np.asarray(place * (self.slow_time.prf_hz / self.n_bins))

    @property
    def velocity_m_s(self) -> NDArray[np.float64]:
        """Velocity of each bin, corrected for the angle, (n_bins,), ascending, m/s."""
        slow_time = self.slow_time
        per_hz = slow_time.sound_speed_m_s / (2 * slow_time.frequency_hz * math.cos(self.angle_rad))
        return np.asarray(self.frequency_hz * per_hz)

    @property
    def nyquist_m_s(self) -> float:
        """Velocity at which aliasing begins without a baseline shift, corrected, m/s."""
        return self.slow_time.nyquist_m_s / math.cos(self.angle_rad)

    @property
    def column_s(self) -> float:
        """Time from one column to the next, s."""
        return self.n_hop / self.slow_time.prf_hz

    @property
    def is_after_hole(self) -> NDArray[np.bool_]:
        """Whether pulses were lost between a column and the one before, (n_columns,)."""
        steps = np.diff(self.first_pulse, prepend=self.first_pulse[:1] - self.n_hop)
        return np.asarray(steps != self.n_hop)

    def shifted(self, baseline: float) -> Spectra:
        """Return the same spectra with the baseline moved.

        Parameters
        ----------
        baseline : float
            Where zero velocity stands, −0.5 (all velocities towards the probe), 0 in the middle,
            to 0.5 (all away from it), rounded to a bin. Frequencies that leave the scale on one
            side come in on the other.
        """
        if not -0.5 <= number(baseline, "baseline") <= 0.5:
            raise ArgumentError(f"baseline must lie between −0.5 and 0.5, got {baseline}")
        first_bin = -round(baseline * self.n_bins)
        power = np.roll(self.power, self.first_bin - first_bin, axis=1)
        return replace(self, power=power, first_bin=first_bin)

    def with_angle(self, angle_rad: float) -> Spectra:
        """Return the same spectra on the scale of another angle between beam and flow."""
        return replace(self, angle_rad=require_angle(angle_rad))

    @staticmethod
    def joined(parts: list[Spectra]) -> Spectra:
        """Return columns of one spectrogram, given in pieces, in one piece."""
        parts = list(parts)
        if not parts or not all(isinstance(part, Spectra) for part in parts):
            raise ArgumentError("give a list of Spectra to join, at least one")
        return replace(
            parts[0],
            power=np.concatenate([part.power for part in parts]),
            first_pulse=np.concatenate([part.first_pulse for part in parts]),
            time_s=np.concatenate([part.time_s for part in parts]),
        )
