"""Doppler: colour, power, spectral and vector flow from slow-time packets."""

from usdk.doppler.autocorrelation import Autocorrelator
from usdk.doppler.averaging import Averager, Averaging, AveragingWindow, average
from usdk.doppler.colour_box import beams_over, colour_box
from usdk.doppler.colour_flow import ColourFlow
from usdk.doppler.colour_m_mode import ColourMMode
from usdk.doppler.colour_mode import ColourMode, colour
from usdk.doppler.correlations import Correlations
from usdk.doppler.flow_estimator import Estimator, FlowEstimator, colour_flow
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.frame_rate import FrameRate
from usdk.doppler.interleaving import Interleaved, PulseOrder, greatest_prf_hz
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.velocity import depth_sample_period_s, flow_values, mean_frequency_hz

__all__ = [
    "Autocorrelator",
    "Averager",
    "Averaging",
    "AveragingWindow",
    "ColourFlow",
    "ColourMMode",
    "ColourMode",
    "Correlations",
    "Estimator",
    "FlowEstimator",
    "FlowMap",
    "FrameRate",
    "Interleaved",
    "PulseOrder",
    "SlowTime",
    "average",
    "beams_over",
    "colour",
    "colour_box",
    "colour_flow",
    "depth_sample_period_s",
    "flow_values",
    "greatest_prf_hz",
    "mean_frequency_hz",
]
