"""What a simulated front-end's electronics can do, and how they are labelled."""

from __future__ import annotations

import math
from dataclasses import dataclass

from usdk.errors import ArgumentError
from usdk.front_end import TgcLimits, TriggerLimits, WatchdogLimits
from usdk.transmit import MAX_TRANSMITS
from usdk_drivers.simulator.packet_source import FIFO_BYTES
from usdk_drivers.wire.protocol import MAX_SAMPLES as MOST_SAMPLES
from usdk_drivers.wire.protocol import MAX_SAMPLING_FREQUENCIES, MAX_STRING_BYTES

__all__ = ["MAX_CELSIUS", "Electronics"]

MAX_CELSIUS = 60.0
"""Temperature at which the device freezes itself, °C."""

_MOST_FIFO_BYTES = 2**31
_TGC = TgcLimits(least_db=-20.0, greatest_db=40.0, step_db=0.25, step_s=1e-7)
_TRIGGER = TriggerLimits(
    has_input=True,
    has_output=True,
    max_rate_hz=10_000.0,
    max_delay_s=0.1,
    delay_step_s=1e-8,
    max_timeout_s=600.0,
    max_output_width_s=1e-3,
)
_WATCHDOG = WatchdogLimits(least_s=0.1, greatest_s=600.0)


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
    n_receive_channels : int
        Elements that can be received at once; all of them when 0.
    tgc : TgcLimits
        Gain over time, beside ``gain_db``.
    trigger : TriggerLimits
        Trigger lines.
    watchdog : WatchdogLimits
        For how long the host may be silent.
    watchdog_s : float
        That time after power on, s.
    max_duty_cycle, max_cycles : float
        Limits of the pulse.

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
    n_receive_channels: int = 0
    tgc: TgcLimits = _TGC
    trigger: TriggerLimits = _TRIGGER
    watchdog: WatchdogLimits = _WATCHDOG
    watchdog_s: float = 10.0
    max_duty_cycle: float = 0.05
    max_cycles: float = 128.0

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
        tgc = self.tgc
        is_gain = -math.inf < tgc.least_db <= tgc.greatest_db < math.inf
        if not (is_gain and 0 <= tgc.step_db < math.inf and 0 <= tgc.step_s < math.inf):
            raise ArgumentError("the gain's range must be finite and rise, its steps not negative")
        if not self.watchdog.least_s <= self.watchdog_s <= self.watchdog.greatest_s:
            raise ArgumentError(
                f"watchdog_s must be {self.watchdog.least_s:g} to {self.watchdog.greatest_s:g}, "
                f"got {self.watchdog_s}"
            )
        if self.n_receive_channels < 0:
            raise ArgumentError(
                f"n_receive_channels must be 0 (all) or more, got {self.n_receive_channels}"
            )
        if not math.isfinite(self.gain_db):
            raise ArgumentError(f"gain_db must be finite, got {self.gain_db}")
        for name in ("manufacturer", "firmware_version"):
            if len(getattr(self, name).encode()) > MAX_STRING_BYTES:
                raise ArgumentError(f"{name} has more than {MAX_STRING_BYTES} bytes")
