"""Dealiasing: velocities beyond Nyquist, from several PRFs or from the neighbourhood."""

from usdk.doppler.dealiasing.dealiased import Dealiased
from usdk.doppler.dealiasing.intervals import StaggeredPacket
from usdk.doppler.dealiasing.spatial import unwrap_flow_map, unwrap_velocity
from usdk.doppler.dealiasing.staggered import MAX_PERIODS, StaggeredPrfs, StaggeredVelocity

__all__ = [
    "MAX_PERIODS",
    "Dealiased",
    "StaggeredPacket",
    "StaggeredPrfs",
    "StaggeredVelocity",
    "unwrap_flow_map",
    "unwrap_velocity",
]
