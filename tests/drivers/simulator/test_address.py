from __future__ import annotations

import math

import pytest

from usdk.errors import ArgumentError
from usdk_drivers.simulator import (
    Disk,
    Fault,
    FaultPlan,
    SceneName,
    SimulatedFrontEnd,
    Vessel,
    flow_truth,
)
from usdk_drivers.simulator.address import SimulatorAddress


def test_a_bare_probe_has_defaults() -> None:
    parsed = SimulatorAddress.parse("linear-l11-5v", is_recording=False)
    assert parsed == SimulatorAddress(target="linear-l11-5v")
    assert (parsed.scene, parsed.seed, parsed.frames) == (SceneName.PHANTOM, 1, 32)


def test_every_option_of_a_probe_is_read() -> None:
    text = (
        "phased-p4-2v?scene=cyst&seed=7&frames=3&noise_db=-inf&realtime=1&serial=A+B"
        "&faults=drop:0.25,corrupt:0.5,unplug@12"
    )
    assert SimulatorAddress.parse(text, is_recording=False) == SimulatorAddress(
        target="phased-p4-2v",
        scene=SceneName.CYST,
        seed=7,
        frames=3,
        noise_db=-math.inf,
        realtime=True,
        serial="A+B",
        faults=FaultPlan(
            rates={Fault.DROP: 0.25, Fault.CORRUPT: 0.5}, at={12: Fault.UNPLUG}, seed=7
        ),
    )


def test_what_flows_takes_its_options_by_name_and_does_not_repeat() -> None:
    text = (
        "sim:linear-l11-5v?scene=vessel&angle_deg=70&depth_m=0.015&radius_m=2e-3&waveform=carotid"
        "&psv_m_s=1&edv_m_s=0.3&heart_rate_hz=1.5&start_phase=0.5&profile_exponent=4"
        "&wall_displacement_m=1e-4&blood_db=-30&length_m=8e-3"
    )
    vessel = Vessel(
        angle_deg=70,
        depth_m=0.015,
        radius_m=2e-3,
        waveform="carotid",  # type: ignore[arg-type]
        psv_m_s=1,
        edv_m_s=0.3,
        heart_rate_hz=1.5,
        start_phase=0.5,
        profile_exponent=4,
        wall_displacement_m=1e-4,
        blood_db=-30,
        length_m=8e-3,
    )
    assert flow_truth(text) == vessel
    parsed = SimulatorAddress.parse(text.removeprefix("sim:"), is_recording=False)
    assert (parsed.truth, parsed.frames) == (vessel, None)
    disk = SimulatorAddress.parse("p?scene=disk&frames=8&x_m=1e-3", is_recording=False)
    assert (disk.truth, disk.frames) == (Disk(x_m=1e-3), 8)


def test_where_nothing_flows_there_is_no_truth() -> None:
    with pytest.raises(ArgumentError, match="scene=vessel or scene=disk"):
        flow_truth("sim:linear-l11-5v?scene=cyst")


def test_every_option_of_a_recording_is_read() -> None:
    parsed = SimulatorAddress.parse("/a b/c.usdk?loop=1&speed=0.5", is_recording=True)
    assert (parsed.target, parsed.loop, parsed.speed) == ("/a b/c.usdk", True, 0.5)


@pytest.mark.parametrize(
    ("query", "is_recording", "hint"),
    [
        ("colour=red", False, "takes"),
        ("loop=1", False, "loop"),
        ("scene=points", True, "scene"),
        ("scene=moon", False, "moon"),
        ("seed=x", False, "x"),
        ("seed=-1", False, "negative"),
        ("frames=0", False, "at least 1"),
        ("speed=-1", True, "negative"),
        ("speed=nan", True, "negative"),
        ("noise_db=3", False, "at most 0"),
        ("realtime=yes", False, "neither 0 nor 1"),
        ("angle_deg=60", False, "does not fit"),
        ("scene=disk&angle_deg=60", False, "angular_velocity_rad_s"),
        ("scene=vessel&angle_deg=steep", False, "steep"),
        ("scene=vessel&angle_deg=270", False, "0 to 180"),
        ("scene=vessel&waveform=square", False, "carotid, steady"),
        ("scene=vessel&frames=0", False, "at least 1"),
        ("faults=melt:0.1", False, "melt"),
        ("faults=drop", False, "name:rate"),
        ("faults=drop:0.6,stall:0.6", False, "at most 1"),
        ("faults=drop@x", False, "name@packet"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(query: str, is_recording: bool, hint: str) -> None:
    with pytest.raises(ArgumentError, match=hint):
        SimulatorAddress.parse(f"target?{query}", is_recording=is_recording)


def test_what_is_neither_probe_nor_file_is_refused_with_the_probes() -> None:
    for address in ("linear-l12", "", "?seed=1", "."):
        with pytest.raises(ArgumentError, match="convex-c5-2v"):
            SimulatedFrontEnd.open(address)
