"""Spectral Doppler: velocity over time in a sample volume."""

from __future__ import annotations

from usdk.doppler.spectral.adaptive import BloodApes, Capon
from usdk.doppler.spectral.audio import DopplerAudio, write_wav
from usdk.doppler.spectral.estimator import SpectralEstimator
from usdk.doppler.spectral.gate import Gate
from usdk.doppler.spectral.indices import Beat, FlowIndices, flow_indices
from usdk.doppler.spectral.periodogram import Periodogram, Welch
from usdk.doppler.spectral.pulsed_wave import PulsedWaveDoppler
from usdk.doppler.spectral.range_ambiguity import RangeAmbiguity
from usdk.doppler.spectral.sample_volume import SampleVolume
from usdk.doppler.spectral.slow_time_signal import SlowTimeSignal, unbroken
from usdk.doppler.spectral.spectra import Spectra
from usdk.doppler.spectral.spectral_frame import SpectralFrame
from usdk.doppler.spectral.spectrogram import Spectrogram
from usdk.doppler.spectral.sweep import SpectralSweep
from usdk.doppler.spectral.trace import EnvelopeMethod, FlowSide, VelocityTrace, trace_of
from usdk.doppler.spectral.wall_filter import WallFilter

__all__ = [
    "Beat",
    "BloodApes",
    "Capon",
    "DopplerAudio",
    "EnvelopeMethod",
    "FlowIndices",
    "FlowSide",
    "Gate",
    "Periodogram",
    "PulsedWaveDoppler",
    "RangeAmbiguity",
    "SampleVolume",
    "SlowTimeSignal",
    "Spectra",
    "SpectralEstimator",
    "SpectralFrame",
    "SpectralSweep",
    "Spectrogram",
    "VelocityTrace",
    "WallFilter",
    "Welch",
    "flow_indices",
    "trace_of",
    "unbroken",
    "write_wav",
]
