"""Doppler: colour, power, spectral and vector flow from slow-time packets."""

from usdk.doppler.flow_map import FlowMap
from usdk.doppler.frame_rate import FrameRate
from usdk.doppler.interleaving import Interleaved, PulseOrder, greatest_prf_hz
from usdk.doppler.slow_time import SlowTime

__all__ = ["FlowMap", "FrameRate", "Interleaved", "PulseOrder", "SlowTime", "greatest_prf_hz"]
