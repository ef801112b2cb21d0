"""Simulator addresses: a probe or a recording, then options as a query."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qsl

from usdk.errors import ArgumentError
from usdk.probe import Probe
from usdk_drivers.simulator.device_faults import DescriptorFault, DeviceFaults
from usdk_drivers.simulator.electronics import Electronics
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.scenes import TRUTHS, SceneName, Truth

__all__ = ["SimulatorAddress", "frames_by_default"]

PROBE_OPTIONS = {
    *("scene", "frames", "noise_db", "realtime", "serial", "trigger_hz", "n_channels"),
    *("dead", "n_dead", "shorted", "weak"),
}
RECORDING_OPTIONS = {"loop", "speed"}
COMMON_OPTIONS = {
    *("seed", "faults", "nak_s", "cool_s", "return_s", "firmware_after", "descriptors", "drift_ppm")
}


@dataclass(frozen=True, kw_only=True)
class SimulatorAddress:
    """What ``sim:…`` asks for.

    Parameters
    ----------
    target : str
        Name of a probe, or path of a profile or a recording.
    scene : SceneName
        What is in front of the probe.
    truth : Vessel or Disk or None
        What flows in the scene, None where nothing does.
    frames : int or None
        Frames after which the motion repeats; None without end, as what flows does by default.
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
        What goes wrong with packets.
    serial : str
        Serial number that the simulated device reports.
    device_faults : DeviceFaults
        What is wrong with the device.
    probe : Probe, optional
        Which a profile declares.
    electronics : Electronics
        Limits, gain and labels.
    trigger_hz : float
        Rate of the generator at the trigger input, Hz; 0 for none.
    """

    target: str
    scene: SceneName = SceneName.PHANTOM
    truth: Truth | None = None
    frames: int | None = 32
    noise_db: float = -80.0
    realtime: bool = False
    loop: bool = False
    speed: float = 0.0
    seed: int = 1
    serial: str = "SIM-1"
    faults: FaultPlan = field(default_factory=FaultPlan)
    device_faults: DeviceFaults = field(default_factory=DeviceFaults)
    probe: Probe | None = None
    electronics: Electronics = field(default_factory=Electronics)
    trigger_hz: float = 0.0

    @classmethod
    def parse(
        cls, address: str, *, is_recording: bool, profile: SimulatorAddress | None = None
    ) -> SimulatorAddress:
        """Parse what follows ``sim:``; options override what a profile declares.

        Raises
        ------
        ArgumentError
            If an option does not fit.
        """
        target, _, query = address.partition("?")
        # "+" stands for itself: it is no blank in a serial number or path.
        options = dict(parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
        base = profile or cls(target=target)
        scene = _scene(options.get("scene", base.scene))
        of_truth = {option.name for option in fields(TRUTHS[scene])} if scene in TRUTHS else set()
        allowed = COMMON_OPTIONS | (RECORDING_OPTIONS if is_recording else PROBE_OPTIONS | of_truth)
        unknown = set(options) - allowed
        if unknown:
            raise ArgumentError(
                f"option {', '.join(sorted(unknown))} does not fit this address; "
                f"it takes {', '.join(sorted(allowed))}"
            )
        try:
            of_scene = {name: options[name] for name in of_truth & set(options)}
            changes = {name: _READ[name](options[name]) for name in _READ.keys() & options.keys()}
            seed = changes.get("seed", base.seed)
            values = replace(
                base,
                scene=scene,
                truth=_truth(scene, base.truth if scene is base.scene else None, of_scene),
                frames=_frames(scene, options.get("frames"), base),
                faults=_faults(options, base.faults, seed),
                device_faults=_device_faults(options, base.device_faults),
                electronics=_electronics(options, base.electronics),
                **changes,
            )
        except ArgumentError:
            raise
        except (ValueError, OverflowError) as error:
            raise ArgumentError(f"an option of sim:{address} cannot be used: {error}") from error
        values.check()
        return values

    def check(self) -> None:
        """Raise `ArgumentError` for a number out of its range."""
        if not (self.seed >= 0 and (self.frames is None or self.frames >= 1) and self.speed >= 0):
            raise ArgumentError("seed and speed must not be negative, frames at least 1")
        if not 0 <= self.trigger_hz < math.inf:
            raise ArgumentError(f"trigger_hz must be finite and not negative: {self.trigger_hz}")
        if not self.noise_db <= 0:
            raise ArgumentError(
                f"noise_db is relative to full scale: at most 0, got {self.noise_db}"
            )


def frames_by_default(scene: SceneName) -> int | None:
    """Return the frames after which a scene's motion repeats, None for what flows."""
    return None if scene in TRUTHS else 32


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"


_READ: dict[str, Callable[[str], Any]] = {
    "noise_db": float,
    "realtime": _flag,
    "loop": _flag,
    "speed": float,
    "seed": int,
    "serial": str,
    "trigger_hz": float,
}
"""Options that are fields of the same name."""

_READ_OF_DEVICE: dict[str, Callable[[str], Any]] = {
    "return_s": float,
    "firmware_after": str,
    "drift_ppm": float,
    "n_dead": int,
}


def _truth(scene: SceneName, base: Truth | None, options: dict[str, str]) -> Truth | None:
    if scene not in TRUTHS:
        return None
    is_text = {"waveform"}
    values: dict[str, Any] = {k: v if k in is_text else float(v) for k, v in options.items()}
    return TRUTHS[scene](**values) if base is None else replace(base, **values)


def _frames(scene: SceneName, text: str | None, base: SimulatorAddress) -> int | None:
    if text is not None:
        return int(text)
    # A probe without a profile has the default of another scene than was asked for.
    return base.frames if base.probe and scene is base.scene else frames_by_default(scene)


def _faults(options: dict[str, str], base: FaultPlan, seed: int) -> FaultPlan:
    nak_s = float(options.get("nak_s", base.nak_s))
    cool_s = float(options.get("cool_s", base.cool_s))
    if "faults" in options:
        return FaultPlan.parse(options["faults"], seed, nak_s, cool_s)
    return replace(base, seed=seed, nak_s=nak_s, cool_s=cool_s)


def _electronics(options: dict[str, str], base: Electronics) -> Electronics:
    if "n_channels" not in options:
        return base
    return replace(base, n_receive_channels=int(options["n_channels"]))


def _device_faults(options: dict[str, str], base: DeviceFaults) -> DeviceFaults:
    changes = {
        name: read(options[name]) for name, read in _READ_OF_DEVICE.items() if name in options
    }
    for name in {"dead", "shorted", "weak"} & options.keys():
        changes[name] = tuple(int(element) for element in filter(None, options[name].split(",")))
    if "descriptors" in options:
        if options["descriptors"] not in set(DescriptorFault):
            raise ArgumentError(
                f"descriptors={options['descriptors']} is none of {', '.join(DescriptorFault)}"
            )
        changes["descriptors"] = DescriptorFault(options["descriptors"])
    return replace(base, **changes)


def _scene(text: str) -> SceneName:
    if text not in set(SceneName):
        raise ArgumentError(f"there is no scene {text!r}: choose one of {', '.join(SceneName)}")
    return SceneName(text)
