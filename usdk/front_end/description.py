"""What a front-end says of itself, what is asked of it, and what it then really does."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from usdk.acquisition import ReceiveSettings, plain_apertures
from usdk.arguments import positive
from usdk.errors import ArgumentError
from usdk.front_end.capability import TgcLimits, TriggerLimits, WatchdogLimits
from usdk.gain_curve import GainCurve
from usdk.transmit import TransmitSequence

__all__ = [
    "Capabilities",
    "Configuration",
    "Found",
    "FrontEndState",
    "FrontEndStatus",
    "PowerState",
    "ReceiveRequest",
]


class FrontEndState(StrEnum):
    """Where a front-end stands; `FrontEnd` says which verb leads where."""

    OPEN = "open"
    CONFIGURED = "configured"
    RUNNING = "running"
    CLOSED = "closed"


class PowerState(StrEnum):
    """How much of a device is awake."""

    ACTIVE = "active"
    """It may send."""
    FREEZE = "freeze"
    """It sends nothing, and is ready to."""
    STANDBY = "standby"
    """It sends nothing, and its transmit supply is off."""


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
    max_duty_cycle : float, optional
        Greatest part of the time in which it may send: length of the pulse times PRF.
    max_cycles : float, optional
        Longest pulse, cycles.
    tgc : TgcLimits, optional
        The gain over time that it can make.
    trigger : TriggerLimits
        Its trigger lines.
    watchdog : WatchdogLimits, optional
        For how long its host may be silent.
    max_temperature_celsius : float, optional
        Temperature at which it stops sending, °C.
    has_self_test, has_power_states : bool
        Whether `self_test` and `set_power_state` work.
    """

    n_transmit_channels: int
    n_receive_channels: int
    sampling_frequencies_hz: tuple[float, ...]
    max_samples: int
    max_transmits: int
    max_prf_hz: float
    sequence_is_fixed: bool = False
    max_duty_cycle: float | None = None
    max_cycles: float | None = None
    tgc: TgcLimits | None = None
    trigger: TriggerLimits = field(default_factory=TriggerLimits)
    watchdog: WatchdogLimits | None = None
    max_temperature_celsius: float | None = None
    has_self_test: bool = False
    has_power_states: bool = False


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
    tgc : GainCurve, optional
        Gain over time wanted, dB after sample 0; as the setting ``tgc.curve`` says when absent,
        and the same at all times where there is no such setting.
    apertures : tuple of (first, stop), one per transmit, optional
        Elements to receive, as in a slice. When absent all of them or, if the device has fewer
        channels than elements, as many as it has about the middle of those that fire.
    """

    depth_m: float
    sampling_frequency_hz: float | None = None
    sound_speed_m_s: float = 1540.0
    tgc: GainCurve | None = None
    apertures: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        for name in ("depth_m", "sampling_frequency_hz", "sound_speed_m_s"):
            value = getattr(self, name)
            if value is not None or name != "sampling_frequency_hz":
                object.__setattr__(self, name, positive(value, name))
        if self.tgc is not None and not isinstance(self.tgc, GainCurve):
            raise ArgumentError(
                f"tgc must be a GainCurve, got {type(self.tgc).__name__}: make one with "
                "GainCurve.over_depth"
            )
        object.__setattr__(self, "apertures", plain_apertures(self.apertures))


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
    power : PowerState
        How much of it is awake.
    frozen : str
        Why it stopped sending by itself, a value of `FrozenReason`; empty if it did not.
    watchdog_s : float, optional
        For how long the host may be silent, s; None without a watchdog, or if it is off.
    n_triggers, n_triggers_missed : int
        External triggers since the start, and those that came while the device was busy.
    """

    state: FrontEndState
    n_frames_received: int = 0
    n_frames_lost: int = 0
    n_packets_lost: int = 0
    n_packets_damaged: int = 0
    n_overruns: int = 0
    temperature_celsius: float | None = None
    voltages_v: tuple[tuple[str, float], ...] = ()
    power: PowerState = PowerState.ACTIVE
    frozen: str = ""
    watchdog_s: float | None = None
    n_triggers: int = 0
    n_triggers_missed: int = 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """A front-end that can be opened: its address, and what it says it is."""

    address: str
    description: str
