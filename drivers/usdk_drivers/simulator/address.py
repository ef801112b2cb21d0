"""Simulator addresses: a probe or a recording, then options as a query."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from urllib.parse import parse_qsl

from usdk.errors import ArgumentError
from usdk_drivers.simulator.faults import FaultPlan
from usdk_drivers.simulator.scenes import TRUTHS, SceneName, Truth

__all__ = ["SimulatorAddress", "flow_truth"]

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
        What goes wrong.
    serial : str
        Serial number that the simulated device reports.
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

    @classmethod
    def parse(cls, address: str, *, is_recording: bool) -> SimulatorAddress:
        """Parse what follows ``sim:``; `ArgumentError` for an option that does not fit."""
        target, _, query = address.partition("?")
        # "+" stands for itself: it is no blank in a serial number or path.
        pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
        options = dict(pairs)
        scene = _scene(options.get("scene", SceneName.PHANTOM))
        of_truth = {option.name for option in fields(TRUTHS[scene])} if scene in TRUTHS else set()
        allowed = COMMON_OPTIONS | (RECORDING_OPTIONS if is_recording else PROBE_OPTIONS | of_truth)
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
                scene=scene,
                truth=_truth(scene, {name: options[name] for name in of_truth & set(options)}),
                frames=_frames(scene, options.get("frames")),
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
        if not (
            values.seed >= 0 and (values.frames is None or values.frames >= 1) and values.speed >= 0
        ):
            raise ArgumentError("seed and speed must not be negative, frames at least 1")
        if not values.noise_db <= 0:
            raise ArgumentError(
                f"noise_db is relative to full scale: at most 0, got {values.noise_db}"
            )
        return values


def flow_truth(address: str) -> Truth:
    """Return what flows in front of a simulated probe: velocities at every point and time.

    Parameters
    ----------
    address : str
        As for `usdk.open_front_end`: ``sim:linear-l11-5v?scene=vessel&angle_deg=70``.

    Returns
    -------
    Vessel or Disk

    Raises
    ------
    ArgumentError
        If an option does not fit, or nothing flows in that scene.
    """
    truth = SimulatorAddress.parse(address.removeprefix("sim:"), is_recording=False).truth
    if truth is None:
        raise ArgumentError(f"nothing flows in {address}: add scene={' or scene='.join(TRUTHS)}")
    return truth


def _truth(scene: SceneName, options: dict[str, str]) -> Truth | None:
    if scene not in TRUTHS:
        return None
    is_text = {"waveform"}
    values = {k: v if k in is_text else float(v) for k, v in options.items()}
    return TRUTHS[scene](**values)  # type: ignore[arg-type]  # names and kinds of its own fields


def _frames(scene: SceneName, text: str | None) -> int | None:
    if text is None:
        return None if scene in TRUTHS else 32
    return int(text)


def _scene(text: str) -> SceneName:
    if text not in set(SceneName):
        raise ArgumentError(f"there is no scene {text!r}: choose one of {', '.join(SceneName)}")
    return SceneName(text)


def _flag(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{text!r} is neither 0 nor 1")
    return text == "1"
