"""FlowMap: what colour Doppler measured, point by point, before it becomes colour."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.scan import LinearScan, SectorScan

__all__ = ["FlowMap"]


@dataclass(frozen=True, eq=False, kw_only=True)
class FlowMap:
    """Velocity, power and spread of velocities along the lines of a scan.

    Parameters
    ----------
    velocity_m_s : ndarray of float32, (n_lines, n_samples)
        Mean velocity along the beam, positive towards the probe, m/s.
    power : ndarray of float32, (n_lines, n_samples)
        Mean power of the filtered packet, squared units of the IQ.
    spread_m_s : ndarray of float32, (n_lines, n_samples)
        Standard deviation of the velocities in the sample volume (turbulence), m/s.
    lag_one : ndarray of complex64, (n_lines, n_samples)
        Lag-one autocorrelation, averaged as the velocity was.
    scan : LinearScan or SectorScan
        Where the points lie: the colour box.
    slow_time : SlowTime
        PRF and frequency; its ``nyquist_m_s`` is where velocities alias.
    noise_power : float
        Mean power of the noise after the filter, where it was measured; NaN when unknown.
    sequence_number : int
        The device's count of the frame.
    device_timestamp_s, host_timestamp_s : float
        Start of the frame on the device's clock, and its arrival on the host's, s; or NaN.
    provenance : Provenance, optional
        What the map was made from.
    """

    velocity_m_s: NDArray[np.float32]
    power: NDArray[np.float32]
    spread_m_s: NDArray[np.float32]
    lag_one: NDArray[np.complex64]
    scan: LinearScan | SectorScan
    slow_time: SlowTime
    noise_power: float = math.nan
    sequence_number: int = 0
    device_timestamp_s: float = field(default=math.nan)
    host_timestamp_s: float = field(default=math.nan)
    provenance: Provenance | None = None

    def __post_init__(self) -> None:
        for name in ("velocity_m_s", "power", "spread_m_s", "lag_one"):
            shape = np.shape(getattr(self, name))
            if shape != self.scan.shape:
                raise ArgumentError(f"{name} must have the scan's shape {self.scan.shape}: {shape}")

    @property
    def nyquist_m_s(self) -> float:
        """Greatest velocity along the beam that is not aliased, m/s."""
        return self.slow_time.nyquist_m_s
