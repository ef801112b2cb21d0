from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from usdk.errors import ArgumentError, DataDamagedError
from usdk.front_end import open_front_end
from usdk.probe import ArrayKind
from usdk.sequences import plane_waves
from usdk_drivers.simulator import (
    DescriptorFault,
    DeviceFaults,
    Disk,
    Electronics,
    Fault,
    FaultPlan,
    SceneName,
    SimulatedFrontEnd,
    Vessel,
    flow_truth,
)
from usdk_drivers.simulator.profile import load_profile
from usdk_drivers.simulator.simulated_device import simulated_device

EXAMPLE = Path(__file__).parents[3] / "examples/handheld-linear.yaml"

LEAST: dict[str, Any] = {
    "probe": {
        "name": "small",
        "kind": "linear",
        "n_elements": 16,
        "pitch_m": 0.3e-3,
        "centre_frequency_hz": 5e6,
        "fractional_bandwidth": 0.6,
    },
    "scene": {"name": "points"},
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a writer of profiles: the least one, with values at dotted keys replaced."""

    def make(**changes: Any) -> Path:
        values = copy.deepcopy(LEAST)
        for name, value in changes.items():
            *sections, key = name.split("__")
            place = values
            for section in sections:
                place = place.setdefault(section, {})
            if value is ...:
                del place[key]
            else:
                place[key] = value
        path = tmp_path / "probe.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    return make


def test_every_key_of_the_example_is_what_it_says() -> None:
    profile = load_profile(EXAMPLE)
    probe = profile.probe
    assert probe is not None
    assert (probe.kind, probe.n_elements, probe.pitch_m) == (ArrayKind.LINEAR, 64, 0.3e-3)
    assert (probe.centre_frequency_hz, probe.fractional_bandwidth) == (7.5e6, 0.7)
    assert (probe.element_width_m, probe.element_height_m) == (0.27e-3, 4e-3)
    assert probe.lens_delay_s == 0.3e-6
    assert profile.electronics == Electronics(
        sampling_frequencies_hz=(15e6, 30e6, 60e6),
        max_prf_hz=10e3,
        max_samples=8192,
        max_transmits=256,
        gain_db=3.0,
    )
    assert (profile.seed, profile.serial, profile.noise_db) == (7, "HH-0001", -70.0)
    assert (profile.scene, profile.frames) == (SceneName.VESSEL, 64)
    assert profile.truth == Vessel(angle_deg=70, depth_m=15e-3, radius_m=2e-3)
    assert profile.faults == FaultPlan(
        rates={Fault.DROP: 0.002, Fault.REORDER: 0.002}, at={400: Fault.NAK}, seed=7, cool_s=5.0
    )
    assert profile.device_faults == DeviceFaults(
        dead=(12,), n_dead=1, drift_ppm=20, return_s=0.5, firmware_after="1.0.1"
    )


def test_the_example_names_every_key_that_there_is(write: Write) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for section in (None, "device", "probe", "timing", "afe", "elements", "scene", "faults"):
        with pytest.raises(ArgumentError) as caught:
            load_profile(write(**{"x" if section is None else f"{section}__x": 1}))
        keys = str(caught.value).partition("it takes ")[2].split(", ")
        assert len(keys) > 1
        assert [key for key in keys if f"{key}:" not in text] == []
    assert [fault for fault in Fault if fault.value not in text] == []
    assert [fault for fault in DescriptorFault if fault.value not in text] == []


def test_the_example_opens_and_options_override_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLE.parent)
    address = "sim:handheld-linear.yaml?scene=points&serial=HH-2&noise_db=-inf&faults=drop@0"
    with open_front_end(address) as front_end:
        assert front_end.info.serial_number == "HH-2"
        assert front_end.info.model == "simulated Handheld 7.5 MHz linear"
        assert front_end.capabilities.max_samples == 8192
        with pytest.raises(ArgumentError, match="samples"):
            front_end.configure(plane_waves(), depth_m=0.5)
        front_end.configure(plane_waves(prf_hz=5000), depth_m=15e-3)
        acquisition = front_end.read(2)
    # The first packet of the run, by the option; the file's faults are gone, its dead elements not.
    assert acquisition.sequence_numbers.tolist() == [1, 2]
    is_silent = ~np.any(acquisition.data, axis=(0, 1, 3))
    assert np.count_nonzero(is_silent) == 2
    assert is_silent[12]
    # 20 ppm fast.
    assert acquisition.device_timestamps_s == pytest.approx([200.004e-6, 400.008e-6], abs=1e-9)


def test_the_truth_of_a_profile_is_told_and_overridden() -> None:
    vessel = Vessel(angle_deg=70, depth_m=15e-3, radius_m=2e-3)
    assert flow_truth(f"sim:{EXAMPLE}") == vessel
    assert flow_truth(f"sim:{EXAMPLE}?angle_deg=50") == Vessel(
        angle_deg=50, depth_m=15e-3, radius_m=2e-3
    )
    assert flow_truth(f"sim:{EXAMPLE}?scene=disk") == Disk()


@pytest.mark.parametrize(("kind", "more"), [("phased", {}), ("curved", {"probe__radius_m": 0.05})])
def test_every_kind_of_array_can_be_declared(write: Write, kind: str, more: Any) -> None:
    with SimulatedFrontEnd.open(str(write(probe__kind=kind, **more))) as front_end:
        assert front_end.probe.kind == kind
        front_end.configure(plane_waves(), depth_m=20e-3)
        assert np.any(front_end.read().data)


def test_what_is_left_out_is_as_for_the_probes_that_are_built_in(write: Write) -> None:
    profile = load_profile(write())
    assert profile.electronics == Electronics()
    assert (profile.faults, profile.device_faults) == (FaultPlan(), DeviceFaults())
    assert (profile.noise_db, profile.frames, profile.seed) == (-80.0, 32, 1)
    assert profile.probe is not None
    assert profile.probe.element_width_m == 0.3e-3


def test_gain_lifts_echoes_and_not_the_noise(write: Write) -> None:
    levels = []
    for gain_db, noise_db in ((-20.0, float("-inf")), (-14.0, float("-inf"))):
        path = write(afe__gain_db=gain_db, afe__noise_db=noise_db)
        with SimulatedFrontEnd.open(str(path)) as front_end:
            front_end.configure(plane_waves(), depth_m=20e-3)
            levels.append(float(np.std(front_end.read().data.astype(float))))
    assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(6, abs=0.1)


def test_the_fifo_is_as_deep_as_declared(write: Write) -> None:
    simulated = simulated_device(str(write(timing__fifo_bytes=4096, timing__realtime=True)))
    assert simulated.fifo_bytes == 4096
    assert simulated.pace.overruns


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"probe__pitch_m": ...}, r"probe\.pitch_m is missing: give a number"),
        ({"probe__pitch_m": "wide"}, r"probe\.pitch_m must be a number, got 'wide'"),
        ({"probe__pitch_m": -1.0}, "probe: .*pitch_m must be positive"),
        ({"probe__pitch_m": True}, r"probe\.pitch_m must be a number"),
        ({"probe__n_elements": 16.5}, r"probe\.n_elements must be a whole number, got 16.5"),
        ({"probe__n_elements": 10**9}, "1 to 16384"),
        ({"probe__kind": "matrix"}, r"probe\.kind must be one of linear, phased, curved"),
        ({"probe__kind": "round"}, r"probe\.kind must be one of linear"),
        ({"probe__kind": "curved"}, r"probe\.radius_m is missing"),
        ({"probe__radius_m": 0.05}, "no key 'radius_m'"),
        ({"probe__pich_m": 1}, "no key 'pich_m'; did you mean pitch_m?"),
        ({"probe__name": 3}, r"probe\.name must be a text \(put it in quotes\), got 3"),
        ({"prob": {}}, r"probe.yaml: there is no key 'prob'; did you mean probe\?"),
        ({"probe": 3}, "probe must hold keys with values, got 3"),
        ({"probe": ...}, r"probe\.kind is missing"),
        ({"seed": -1}, "seed"),
        ({"device__firmware_version": 1.0}, "put it in quotes"),
        ({"device__serial": "x"}, "did you mean serial_number"),
        ({"timing__sampling_frequencies_hz": 20e6}, "must be a list of numbers"),
        ({"timing__max_samples": 0}, "timing: max_samples must be 1 to"),
        ({"timing__realtime": 1}, "true or false"),
        ({"afe__noise_db": 3}, "at most 0"),
        ({"afe__gain_db": float("inf")}, r"afe\.gain_db must be a number"),
        ({"elements__dead": [16]}, "elements: dead element 16"),
        ({"elements__n_dead": 17}, "only 16"),
        ({"elements__dead": [1.5]}, "whole numbers"),
        ({"scene__name": "moon"}, r"scene\.name must be one of phantom"),
        ({"scene__angle_deg": 60}, "scene: there is no key 'angle_deg'"),
        ({"scene": {"name": "vessel", "angle_deg": 270}}, "scene: .*0 to 180"),
        ({"scene": {"name": "vessel", "waveform": "square"}}, "carotid, steady"),
        ({"scene__frames": 0}, "at least 1"),
        ({"faults__rates": {"melt": 0.1}}, r"faults\.rates: there is no key 'melt'"),
        ({"faults__rates": {"drop": 1.5}}, "faults: fault rates"),
        ({"faults__at": {"x": "drop"}}, "such as 40: unplug"),
        ({"faults__at": {7: "melt"}}, "got 7: 'melt'"),
        ({"faults__nak_s": -1}, "nak_s"),
        ({"faults__descriptors": "odd"}, "wrong_interface"),
        ({"faults__drift": 1}, "did you mean drift_ppm"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_key(write: Write, changes: Any, hint: str) -> None:
    path = write(**changes)
    with pytest.raises(ArgumentError, match=hint) as caught:
        SimulatedFrontEnd.open(str(path))
    assert str(caught.value).startswith("probe.yaml: ")


def test_a_file_that_is_no_mapping_or_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text("- 1\n- 2\n")
    with pytest.raises(ArgumentError, match=r"probe\.yml must hold keys"):
        load_profile(path)
    path.write_text("probe: [\n")
    with pytest.raises(DataDamagedError, match="line 2"):
        SimulatedFrontEnd.open(str(path))
    with pytest.raises(ArgumentError, match="nor a file"):
        SimulatedFrontEnd.open(str(tmp_path / "other.yaml"))


def test_without_pyyaml_the_extra_is_named() -> None:
    program = f"""
import sys
sys.modules["yaml"] = None
from usdk.errors import MissingExtraError
from usdk.front_end import open_front_end
open_front_end("sim:linear-l11-5v").close()
try:
    open_front_end("sim:{EXAMPLE}")
except MissingExtraError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert "ultrasound-sdk[sim]" in done.stdout, done.stderr
