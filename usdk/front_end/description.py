"""What a front-end says of itself, what is asked of it, and what it then really does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from usdk.acquisition import ReceiveSettings
from usdk.errors import ArgumentError
from usdk.transmit import TransmitSequence

__all__ = [
    "Capabilities",
    "Configuration",
    "Found",
    "FrontEndState",
    "FrontEndStatus",
    "ReceiveRequest",
]


class FrontEndState(StrEnum):
    """Where a front-end stands; `FrontEnd` says which verb leads where."""

    OPEN = "open"
    CONFIGURED = "configured"
    RUNNING = "running"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a front-end can do, and its limits.

    Parameters
    ----------
    n_transmit_channels, n_receive_channels : int
        Elements that can fire and listen at once.
    sampling_frequencies_hz : tuple of float
        Rates on offer, Hz.
    max_samples, max_transmits : int
        Limits of a sequence: samples per element and transmit, transmits per frame.
    max_prf_hz : float
        Greatest pulse repetition frequency, Hz.
    sequence_is_fixed : bool
        The device sends its own sequence and accepts no other, as a recording does.
    """

    n_transmit_channels: int
    n_receive_channels: int
    sampling_frequencies_hz: tuple[float, ...]
    max_samples: int
    max_transmits: int
    max_prf_hz: float
    sequence_is_fixed: bool = False


@dataclass(frozen=True, kw_only=True)
class ReceiveRequest:
    """What is asked of reception; the device answers with `ReceiveSettings`.

    Parameters
    ----------
    depth_m : float
        Depth down to which echoes are wanted, m.
    sampling_frequency_hz : float, optional
        Rate wanted, Hz; the device's lowest that is at least four times the transmit frequency
        when absent.
    sound_speed_m_s : float
        Sound speed for which delays are computed, m/s.
    """

    depth_m: float
    sampling_frequency_hz: float | None = None
    sound_speed_m_s: float = 1540.0

    def __post_init__(self) -> None:
        for name in ("depth_m", "sampling_frequency_hz", "sound_speed_m_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ArgumentError(f"{name} must be positive and finite, got {value}")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What was really set."""

    sequence: TransmitSequence
    receive: ReceiveSettings
    frame_rate_hz: float


@dataclass(frozen=True, kw_only=True)
class FrontEndStatus:
    """What a front-end reports of itself and of the data since `FrontEnd.start`.

    Parameters
    ----------
    state : FrontEndState
        Where the front-end stands.
    n_frames_received, n_frames_lost : int
        Whole frames delivered, and frames of which a packet was lost or damaged.
    n_packets_lost, n_packets_damaged : int
        Packets that never came, and packets refused by their checksum or length.
    n_overruns : int
        Packets that the device itself dropped because the host was too slow, by its own count.
    temperature_celsius : float, optional
        Temperature of the front-end, if it has a sensor.
    voltages_v : tuple of (str, float)
        Supply rails by name, if the device reports them.
    """

    state: FrontEndState
    n_frames_received: int = 0
    n_frames_lost: int = 0
    n_packets_lost: int = 0
    n_packets_damaged: int = 0
    n_overruns: int = 0
    temperature_celsius: float | None = None
    voltages_v: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A front-end that can be opened: its address, and what it says it is."""

    address: str
    description: str
