"""What a simulated front-end's electronics can do, and how they are labelled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.transmit import MAX_TRANSMITS
from usdk_drivers.simulator.packet_source import FIFO_BYTES
from usdk_drivers.wire.protocol import MAX_SAMPLES as MOST_SAMPLES
from usdk_drivers.wire.protocol import MAX_SAMPLING_FREQUENCIES, MAX_STRING_BYTES

__all__ = ["Electronics"]

_MOST_FIFO_BYTES = 2**31


@dataclass(frozen=True, kw_only=True)
class Electronics:
    """Limits and figures of the electronics behind a probe.

    Parameters
    ----------
    sampling_frequencies_hz : tuple of float
        Rates on offer, Hz; 2, 4 and 8 times the probe's centre frequency when empty.
    max_prf_hz : float
        Greatest pulse repetition frequency, Hz.
    max_samples, max_transmits : int
        Limits of a sequence.
    fifo_bytes : int
        Memory for what the host has not fetched yet.
    gain_db : float
        Added to the gain at which the strongest scatterer just does not clip, dB.
    manufacturer, firmware_version : str
        As reported.

    Raises
    ------
    ArgumentError
        If a number cannot be what it says.
    """

    sampling_frequencies_hz: tuple[float, ...] = ()
    max_prf_hz: float = 10_000.0
    max_samples: int = 16_384
    max_transmits: int = MAX_TRANSMITS
    fifo_bytes: int = FIFO_BYTES
    gain_db: float = 0.0
    manufacturer: str = "usdk"
    firmware_version: str = "1.0.0"

    def __post_init__(self) -> None:
        rates_hz = (*self.sampling_frequencies_hz, self.max_prf_hz)
        if not all(math.isfinite(rate) and rate > 0 for rate in rates_hz):
            raise ArgumentError("sampling_frequencies_hz and max_prf_hz must be positive")
        if len(self.sampling_frequencies_hz) > MAX_SAMPLING_FREQUENCIES:
            raise ArgumentError(
                f"sampling_frequencies_hz: at most {MAX_SAMPLING_FREQUENCIES} of them"
            )
        for name, most in (
            ("max_samples", MOST_SAMPLES),
            ("max_transmits", MAX_TRANSMITS),
            ("fifo_bytes", _MOST_FIFO_BYTES),
        ):
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise ArgumentError(f"{name} must be 1 to {most}, got {value}")
        if not math.isfinite(self.gain_db):
            raise ArgumentError(f"gain_db must be finite, got {self.gain_db}")
        for name in ("manufacturer", "firmware_version"):
            if len(getattr(self, name).encode()) > MAX_STRING_BYTES:
                raise ArgumentError(f"{name} has more than {MAX_STRING_BYTES} bytes")
