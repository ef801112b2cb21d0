"""FlowMap: what colour Doppler measured, point by point, before it becomes colour."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from usdk.arguments import finite, require_instance
from usdk.doppler.slow_time import SlowTime
from usdk.errors import ArgumentError
from usdk.frame import Provenance
from usdk.image.inputs import require_planar
from usdk.scan import LinearScan, SectorScan

__all__ = ["FlowMap"]

# 80°, where an error of 1° in the angle is one of 10 % in the speed.
_LEAST_COSINE = math.cos(math.radians(80.0)) * (1 - 1e-9)


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
        require_planar(self.scan)
        require_instance(self.slow_time, SlowTime, "slow_time")
        for name in ("velocity_m_s", "power", "spread_m_s", "lag_one"):
            shape = np.shape(getattr(self, name))
            if shape != self.scan.shape:
                raise ArgumentError(f"{name} must have the scan's shape {self.scan.shape}: {shape}")

    def corrected_m_s(self, angle_rad: float) -> NDArray[np.float32]:
        """Return the speed along a flow that is seen at an angle, velocity / cos θ, m/s.

        Parameters
        ----------
        angle_rad : float
            θ between the flow and the direction of measurement, towards the probe and halfway
            between the paths out and back, rad; positive velocities stay positive.

        Raises
        ------
        ArgumentError
            If the angle is more than 80°: near 90° velocities along the beam tell nothing.
        """
        cosine = math.cos(finite(angle_rad, "angle_rad"))
        if not (cosine > _LEAST_COSINE and abs(angle_rad) < math.pi / 2):
            raise ArgumentError(
                f"an angle of {math.degrees(angle_rad):.1f}° cannot be corrected, at most 80° can: "
                "near 90° the velocity along the beam tells nothing of that of the flow; steer it"
            )
        return np.asarray(self.velocity_m_s / np.float32(cosine))

    @property
    def nyquist_m_s(self) -> float:
        """Greatest velocity along the beam that is not aliased, m/s."""
        return self.slow_time.nyquist_m_s
