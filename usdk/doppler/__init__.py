"""Doppler: colour, power, spectral and vector flow from slow-time packets.

What most programs need is imported from here; each room beside it (`clutter`, `colours`,
`dealiasing`, `spectral`, `vector`) holds the rest of its own.
"""

from usdk.doppler.autocorrelation import Autocorrelator
from usdk.doppler.averaging import Averager, Averaging, AveragingWindow, average
from usdk.doppler.clutter import (
    ClutterFilter,
    FirFilter,
    IirFilter,
    MeanFilter,
    PolynomialFilter,
    SvdFilter,
    cutoff_for,
)
from usdk.doppler.colour_box import beams_over, colour_box
from usdk.doppler.colour_flow import ColourFlow
from usdk.doppler.colour_m_mode import ColourMMode
from usdk.doppler.colour_mode import ColourMode, colour
from usdk.doppler.colours import (
    COLOUR_MAPS,
    ColourComposer,
    ColourMap,
    FlowThresholds,
    VelocityScale,
    colour_map,
)
from usdk.doppler.correlations import Correlations
from usdk.doppler.dealiasing import StaggeredPacket, StaggeredPrfs, unwrap_flow_map, unwrap_velocity
from usdk.doppler.flow_estimator import Estimator, FlowEstimator, colour_flow
from usdk.doppler.flow_map import FlowMap
from usdk.doppler.frame_rate import FrameRate
from usdk.doppler.interleaving import Interleaved, PulseOrder, greatest_prf_hz
from usdk.doppler.slow_time import SlowTime
from usdk.doppler.spectral import (
    DopplerAudio,
    PulsedWaveDoppler,
    SampleVolume,
    Spectrogram,
    flow_indices,
    trace_of,
    write_wav,
)
from usdk.doppler.vector import VectorDoppler, VectorMap, draw_arrows
from usdk.doppler.velocity import depth_sample_period_s, flow_values, mean_frequency_hz

__all__ = [  # noqa: RUF022 -- grouped as a reader learns it, not sorted
    # Slow time: the sequence and its clock
    "Interleaved",
    "PulseOrder",
    "SlowTime",
    "FrameRate",
    "greatest_prf_hz",
    "beams_over",
    "colour_box",
    # Clutter filters
    "ClutterFilter",
    "MeanFilter",
    "PolynomialFilter",
    "FirFilter",
    "IirFilter",
    "SvdFilter",
    "cutoff_for",
    # Packets to velocities
    "Autocorrelator",
    "Correlations",
    "Averager",
    "Averaging",
    "AveragingWindow",
    "average",
    "flow_values",
    "mean_frequency_hz",
    "depth_sample_period_s",
    "Estimator",
    "FlowEstimator",
    "FlowMap",
    "colour_flow",
    "StaggeredPacket",
    "StaggeredPrfs",
    "unwrap_flow_map",
    "unwrap_velocity",
    # Channel data to flow maps, and to frames in colour
    "ColourFlow",
    "ColourMode",
    "ColourMMode",
    "colour",
    "COLOUR_MAPS",
    "ColourComposer",
    "ColourMap",
    "FlowThresholds",
    "VelocityScale",
    "colour_map",
    # Spectra in a gate
    "PulsedWaveDoppler",
    "SampleVolume",
    "Spectrogram",
    "DopplerAudio",
    "flow_indices",
    "trace_of",
    "write_wav",
    # Vectors
    "VectorDoppler",
    "VectorMap",
    "draw_arrows",
]
