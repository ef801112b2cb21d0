"""Demodulation: RF channel data to baseband IQ."""

from usdk.demodulation.demodulator import Demodulator, demodulate
from usdk.demodulation.pulses import PulseDemodulator

__all__ = ["Demodulator", "PulseDemodulator", "demodulate"]
