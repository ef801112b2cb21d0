"""The wheel holds the three import packages and nothing else; the core needs three packages."""

import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    directory = tmp_path_factory.mktemp("wheel")
    (artifact,) = WheelBuilder(str(ROOT)).build(directory=str(directory), versions=["standard"])
    with zipfile.ZipFile(artifact) as wheel:
        return wheel.namelist()


def test_the_wheels_top_level_names_are_the_three_packages(wheel_names: list[str]) -> None:
    top = {name.split("/")[0] for name in wheel_names}
    packages = {name for name in top if not name.endswith(".dist-info")}
    assert packages == {"usdk", "usdk_kernels", "usdk_drivers"}


def test_every_package_says_that_it_is_typed(wheel_names: list[str]) -> None:
    for package in ("usdk", "usdk_kernels", "usdk_drivers"):
        assert f"{package}/py.typed" in wheel_names


def test_the_rule_of_udev_is_in_the_wheel(wheel_names: list[str]) -> None:
    assert "usdk_drivers/data/60-usdk.rules" in wheel_names


def test_no_recording_is_in_the_wheel(wheel_names: list[str]) -> None:
    foreign = [name for name in wheel_names if name.endswith((".mat", ".hdf5", ".npz"))]
    assert foreign == []


def test_the_core_depends_on_numpy_numba_and_scipy_alone() -> None:
    core = [line for line in requires("ultrasound-sdk") or [] if "extra ==" not in line]
    assert sorted(line.split(">")[0] for line in core) == ["numba", "numpy", "scipy"]


def test_the_core_imports_and_beamforms_without_any_extra() -> None:
    program = """
import sys

extras = "usb serial h5py pydicom pynetdicom httpcore jpeg_ls cryptography PIL rich yaml".split()


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in extras:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Absent())
import numpy as np
import usdk

probe = usdk.Probe.linear(
    "p", n_elements=16, pitch_m=3e-4, centre_frequency_hz=5e6, fractional_bandwidth=0.6
)
receive = usdk.ReceiveSettings(sampling_frequency_hz=20e6, n_samples=400, time_zero_s=(0.0,))
acquisition = usdk.Acquisition(
    data=np.ones((1, 1, 16, 400), np.int16),
    probe=probe,
    sequence=usdk.plane_waves(),
    receive=receive,
)
print(usdk.bmode(acquisition).pixels.shape)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("(512, ")


def test_no_document_tells_people_to_install_somebody_elses_package() -> None:
    wrong = "pip install " + "usdk"
    for pattern in ("*.md", "docs/**/*.md", "usdk/**/*.py", "drivers/**/*.py", "kernels/**/*.md"):
        for path in ROOT.glob(pattern):
            assert wrong not in path.read_text(encoding="utf-8"), path
