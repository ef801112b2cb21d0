"""Simulator addresses: a probe or a recording, then options as a query."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from usdk.errors import ArgumentError
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.scenes import SceneName

__all__ = ["SimulatorAddress"]

PROBE_OPTIONS = {"scene", "frames", "noise_db", "realtime", "serial"}
RECORDING_OPTIONS = {"loop", "speed"}
COMMON_OPTIONS = {"seed", "faults"}


@dataclass(frozen=True, kw_only=True)
class SimulatorAddress:
    """What ``sim:…`` asks for.

    Parameters
    ----------
    target : str
        Name of a probe, or path of a recording.
    scene : SceneName
        What is in front of the probe.
    frames : int
        Frames after which the motion repeats.
    noise_db : float
        Thermal noise, dB relative to full scale.
    realtime : bool
        Make frames by the clock and drop those that the host is too slow for.
    loop : bool
        Play a recording again and again.
    speed : float
        Play a recording this many times as fast as it was made; 0 as fast as it is read.
    seed : int
        Of scatterers, noise and faults.
    faults : FaultPlan
        What goes wrong.
    serial : str
        Serial number that the simulated device reports.
    """

    target: str
    scene: SceneName = SceneName.PHANTOM
    frames: int = 32
    noise_db: float = -80.0
    realtime: bool = False
    loop: bool = False
    speed: float = 0.0
    seed: int = 1
    serial: str = "SIM-1"
    faults: FaultPlan = field(default_factory=FaultPlan)

    @classmethod
    def parse(cls, address: str, *, is_recording: bool) -> SimulatorAddress:
        """Parse what follows ``sim:``; `ArgumentError` for an option that does not fit."""
        target, _, query = address.partition("?")
        # "+" stands for itself: it is no blank in a serial number or path.
        pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
        options = dict(pairs)
        allowed = COMMON_OPTIONS | (RECORDING_OPTIONS if is_recording else PROBE_OPTIONS)
        unknown = set(options) - allowed
        if unknown:
            raise ArgumentError(
                f"option {', '.join(sorted(unknown))} does not fit this address; "
                f"it takes {', '.join(sorted(allowed))}"
            )
        try:
            seed = int(options.get("seed", "1"))
            values = cls(
                target=target,
                scene=_scene(options.get("scene", SceneName.PHANTOM)),
                frames=int(options.get("frames", "32")),
                noise_db=float(options.get("noise_db", "-80")),
                realtime=_flag(options.get("realtime", "0")),
                loop=_flag(options.get("loop", "0")),
                speed=float(options.get("speed", "0")),
                seed=seed,
                serial=options.get("serial", "SIM-1"),
                faults=FaultPlan.parse(options.get("faults", ""), seed),
            )
        except ArgumentError:
            raise
        except ValueError as error:
            raise ArgumentError(f"an option of sim:{address} cannot be used: {error}") from error
        if not (values.seed >= 0 and values.frames >= 1 and values.speed >= 0):
            raise ArgumentError("seed and speed must not be negative, frames at least 1")
        if not values.noise_db <= 0:
            raise ArgumentError(
                f"noise_db is relative to full scale: at most 0, got {values.noise_db}"
            )
        return values


def _scene(text: str) -> SceneName:
    if text not in set(SceneName):
        raise ArgumentError(f"there is no scene {text!r}: choose one of {', '.join(SceneName)}")
    return SceneName(text)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"
