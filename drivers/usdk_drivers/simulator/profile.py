"""Profiles: simulated probes that are declared in YAML."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from usdk.errors import ArgumentError
from usdk.probe import ArrayKind, Probe
from usdk_drivers.simulator.address import SimulatorAddress, frames_by_default
from usdk_drivers.simulator.device_faults import DescriptorFault, DeviceFaults
from usdk_drivers.simulator.electronics import Electronics
from usdk_drivers.simulator.faults import Fault, FaultPlan
from usdk_drivers.simulator.profile_section import Section
from usdk_drivers.simulator.scenes import TRUTHS, SceneName, Truth

__all__ = ["PROFILE_ENDINGS", "load_profile"]

PROFILE_ENDINGS = (".yaml", ".yml")
_KINDS = (ArrayKind.LINEAR, ArrayKind.PHASED, ArrayKind.CURVED)


def load_profile(path: Path) -> SimulatorAddress:
    """Return what a profile declares; ``examples/handheld-linear.yaml`` explains every key.

    Raises
    ------
    ArgumentError
        If a key is unknown, missing, or its value cannot be used; the message names it.
    DataDamagedError
        If the file is not YAML.
    StorageError
        If it cannot be read.
    MissingExtraError
        Without PyYAML.
    """
    # PyYAML is wanted only here.
    from usdk_drivers.simulator.yaml_file import read_yaml

    root = Section(read_yaml(path), f"{path.name}: ")
    seed = root.whole("seed", 1)
    if seed < 0:
        raise ArgumentError(f"{root.path}seed must not be negative, got {seed}")
    device, afe = root.section("device"), root.section("afe")
    timing, scene, faults = root.section("timing"), root.section("scene"), root.section("faults")
    elements = root.section("elements")
    probe = _probe(root.section("probe"))
    electronics = _electronics(device, timing, afe)
    name, truth, frames = _scene(scene)
    plan, device_faults = _faults(faults, elements, seed)
    with elements.named():
        device_faults.dead_elements(probe.n_elements, seed)
    profile = SimulatorAddress(
        target=str(path),
        probe=probe,
        electronics=electronics,
        scene=name,
        truth=truth,
        frames=frames,
        noise_db=afe.number("noise_db", -80.0, infinite=True),
        realtime=timing.flag("realtime", False),
        trigger_hz=timing.number("trigger_hz", 0.0),
        seed=seed,
        serial=device.text("serial_number", "SIM-1"),
        faults=plan,
        device_faults=device_faults,
    )
    for section in (root, device, afe, timing, scene, faults, elements):
        section.refuse_the_rest()
    with root.named():
        profile.check()
    return profile


def _probe(section: Section) -> Probe:
    kind = section.choice("kind", ArrayKind)
    if kind not in _KINDS:
        raise ArgumentError(f"{section.path}.kind must be one of {', '.join(_KINDS)}, got {kind}")
    name = section.text("name")
    values: dict[str, Any] = {"n_elements": section.whole("n_elements")}
    for key in ("pitch_m", "centre_frequency_hz", "fractional_bandwidth"):
        values[key] = section.number(key)
    values["element_width_m"] = section.number("element_width_m", None)
    for key in ("element_height_m", "lens_delay_s"):
        values[key] = section.number(key, 0.0)
    if kind is ArrayKind.CURVED:
        values["radius_m"] = section.number("radius_m")
    section.refuse_the_rest()
    with section.named():
        if kind is ArrayKind.CURVED:
            return Probe.curved(name, **values)
        return Probe.linear(name, kind=kind, **values)


def _electronics(device: Section, timing: Section, afe: Section) -> Electronics:
    usual = Electronics()
    with timing.named():
        values: dict[str, Any] = {
            "sampling_frequencies_hz": timing.numbers("sampling_frequencies_hz"),
            "max_prf_hz": timing.number("max_prf_hz", usual.max_prf_hz),
            "max_samples": timing.whole("max_samples", usual.max_samples),
            "max_transmits": timing.whole("max_transmits", usual.max_transmits),
            "fifo_bytes": timing.whole("fifo_bytes", usual.fifo_bytes),
            "watchdog_s": timing.number("watchdog_s", usual.watchdog_s),
        }
        electronics = Electronics(**values)
    with afe.named():
        electronics = replace(
            electronics,
            gain_db=afe.number("gain_db", 0.0),
            n_receive_channels=afe.whole("n_channels", 0),
            tgc=replace(
                electronics.tgc,
                least_db=afe.number("tgc_least_db", electronics.tgc.least_db),
                greatest_db=afe.number("tgc_greatest_db", electronics.tgc.greatest_db),
                step_db=afe.number("tgc_step_db", electronics.tgc.step_db),
            ),
        )
    with device.named():
        return replace(
            electronics,
            manufacturer=device.text("manufacturer", usual.manufacturer),
            firmware_version=device.text("firmware_version", usual.firmware_version),
        )


def _scene(section: Section) -> tuple[SceneName, Truth | None, int | None]:
    name = section.choice("name", SceneName, SceneName.PHANTOM)
    frames = section.whole("frames", frames_by_default(name))
    if name not in TRUTHS:
        return name, None, frames
    options: dict[str, Any] = {}
    for field in fields(TRUTHS[name]):
        if field.name == "waveform":
            options[field.name] = section.text(field.name, None)
        else:
            options[field.name] = section.number(field.name, None, infinite=True)
    with section.named():
        truth = TRUTHS[name](**{key: v for key, v in options.items() if v is not None})
    return name, truth, frames


def _faults(section: Section, elements: Section, seed: int) -> tuple[FaultPlan, DeviceFaults]:
    rates = section.section("rates")
    chances = {fault: rates.number(fault.value, 0.0) for fault in Fault}
    rates.refuse_the_rest()
    at: dict[int, Fault] = {}
    places = section.section("at")
    for packet, fault in places.items():
        if not isinstance(packet, int) or fault not in list(Fault):
            raise ArgumentError(
                f"{places.path} must hold packets with faults, such as 40: unplug, with one of "
                f"{', '.join(Fault)}; got {packet!r}: {fault!r}"
            )
        at[packet] = Fault(fault)
    with section.named():
        plan = FaultPlan(
            rates={fault: chance for fault, chance in chances.items() if fault in rates},
            at=at,
            seed=seed,
            nak_s=section.number("nak_s", 0.1),
            cool_s=section.number("cool_s", 0.0),
        )
        device_faults = DeviceFaults(
            drift_ppm=section.number("drift_ppm", 0.0),
            return_s=section.number("return_s", None),
            firmware_after=section.text("firmware_after", None),
            descriptors=section.choice("descriptors", DescriptorFault, None),
        )
    with elements.named():
        return plan, replace(
            device_faults,
            dead=elements.wholes("dead"),
            n_dead=elements.whole("n_dead", 0),
            shorted=elements.wholes("shorted"),
            weak=elements.wholes("weak"),
        )
