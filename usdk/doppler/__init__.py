"""Doppler: colour, power, spectral and vector flow from slow-time packets."""

from usdk.doppler.flow_map import FlowMap
from usdk.doppler.slow_time import SlowTime

__all__ = ["FlowMap", "SlowTime"]
