"""Delayed samples of a few points, for a range of offsets of the clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from usdk.acquisition import Acquisition
from usdk.probe import ArrayKind

__all__ = ["DelayedSamples"]


@dataclass(frozen=True, eq=False)
class DelayedSamples:
    """Reads one frame of IQ where the echoes of points are due, and about there.

    Parameters
    ----------
    iq : Acquisition
        Complex channel data.
    frame : int
        Which frame of it.
    f_number : float
        Of the receive aperture.
    """

    iq: Acquisition
    frame: int
    f_number: float

    @classmethod
    def of(cls, iq: Acquisition, frame: int) -> DelayedSamples:
        """Return a reader with an aperture that suits the probe."""
        return cls(iq, frame, 0.0 if iq.probe.kind is ArrayKind.PHASED else 1.0)

    def apertures(self, points_m: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which elements listen to each point, (n_points, n_elements)."""
        probe = self.iq.probe
        offset_m = points_m[:, None] - probe.element_positions_m
        axial_m = np.sum(offset_m * probe.element_normals, axis=-1)
        lateral_m = np.sqrt(np.maximum(np.sum(offset_m**2, axis=-1) - axial_m**2, 0.0))
        return np.asarray((axial_m > 0) & (2 * self.f_number * lateral_m <= axial_m))

    def moved(
        self, points_m: NDArray[np.float64], late_s: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        """Return where points lie whose echoes were read ``late_s`` too late, (n_points, 3), m.

        They seem to lie c late_s / 2 farther along the ray from the middle of their aperture.
        """
        heard = self.apertures(points_m)
        centres_m = np.einsum("pe,ei->pi", heard, self.iq.probe.element_positions_m)
        rays = points_m - centres_m / np.maximum(heard.sum(axis=1), 1)[:, None]
        rays /= np.maximum(np.linalg.norm(rays, axis=1), 1e-12)[:, None]
        step_m = self.iq.receive.sound_speed_m_s * np.asarray(late_s, np.float64) / 2
        return np.asarray(points_m - rays * step_m[..., None])

    def read(
        self, transmit: int, points_m: NDArray[np.float64], n_beyond: int, offset_s: float = 0.0
    ) -> NDArray[np.complex128]:
        """Return samples at the echoes' times and up to ``n_beyond`` samples before and after.

        (n_points, n_elements, 2 n_beyond + 1), demodulated to the echo's time in the middle, so
        that those of a point add up; 0 outside the record and the aperture.
        """
        receive, probe = self.iq.receive, self.iq.probe
        wave = self.iq.sequence.transmits[transmit]
        speed_m_s, rate_hz = receive.sound_speed_m_s, receive.sampling_frequency_hz
        range_m = np.linalg.norm(points_m[:, None] - probe.element_positions_m, axis=-1)
        time_s = wave.arrival_time_s(points_m, probe, speed_m_s)[:, None] + range_m / speed_m_s
        time_s = time_s + 2 * probe.lens_delay_s + offset_s
        position = (time_s - receive.time_zero_s[transmit]) * rate_hz
        first = np.floor(position)
        # Far outside any record; the indices below are bounded once more by the record itself.
        first = np.clip(np.nan_to_num(first), -(2.0**40), 2.0**40).astype(np.int64)
        weight = (position - first)[..., None]
        index = first[..., None] + np.arange(-n_beyond, n_beyond + 2)
        inside = (index >= 0) & (index < receive.n_samples)
        data = self.iq.data[self.frame, transmit]
        rows = np.arange(probe.n_elements)[:, None]
        samples = np.where(inside, data[rows, np.clip(index, 0, receive.n_samples - 1)], 0)
        between = samples[..., :-1] * (1 - weight) + samples[..., 1:] * weight
        turns = np.mod(receive.demodulation_frequency_hz * time_s, 1.0)[..., None]
        heard = self.apertures(points_m)[..., None]
        return np.asarray(np.where(heard, between * np.exp(2j * np.pi * turns), 0))
