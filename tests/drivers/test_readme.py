"""The walk of drivers/README.md, done: the template is copied, installed and run."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "drivers/README.md"
TEXT = README.read_text(encoding="utf-8")
WALK = TEXT.split("\n## From nothing to a driver that passes\n")[1].split("\n## ")[0]
PORT = "5025"
LIMIT_S = 240


class House:
    """A throwaway environment beside a checkout; installs without a network."""

    def __init__(self, folder: Path) -> None:
        self.checkout, self._environment = folder / "usdk", folder / "environment"
        self.checkout.mkdir()
        shutil.copytree(
            ROOT / "templates",
            self.checkout / "templates",
            ignore=shutil.ignore_patterns("__pycache__", ".*"),
        )
        venv.create(self._environment, with_pip=False, symlinks=True)
        # What this environment has is there too, usdk and pip among it.
        purelib = sysconfig.get_path("purelib", "venv", {"base": str(self._environment)})
        outer = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        program = "import site; " + "; ".join(f"site.addsitedir({path!r})" for path in outer)
        (Path(purelib) / "outer.pth").write_text(program + "\n", encoding="utf-8")
        binaries = self._environment / "bin"
        command = binaries / "usdk"
        command.write_text(f'#!/bin/sh\nexec {binaries / "python"} -m usdk.cli "$@"\n')
        command.chmod(0o755)
        self.variables = os.environ | {
            "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
            "PIP_NO_DEPS": "1",
            "PIP_NO_INDEX": "1",
            # pip's own way to say that the build happens in this environment.
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def run(self, script: str, folder: Path) -> str:
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    if sys.platform == "win32":
        pytest.skip("the walk is one of a Unix shell")
    pytest.importorskip("pip", reason="nothing can be installed without pip")
    pytest.importorskip("hatchling", reason="nothing can be built without hatchling")
    return House(tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def installed(house: House) -> Path:
    """Copy, rename and install the template as the walk says; return the driver's folder."""
    copying, *_ = blocks("sh")
    house.run(copying, house.checkout)
    folder = house.checkout.parent / "acme-driver"
    house.run("python -m pip install '.[test]'", folder)
    return folder


@pytest.fixture(scope="module")
def board(house: House, installed: Path) -> Iterator[str]:
    """Run the simulated board of the walk on a free port, and return the port."""
    (command,) = [block for block in blocks("sh") if "in another terminal" in block]
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = str(unused.getsockname()[1])
    words = command.splitlines()[1].replace(PORT, port).split()
    with subprocess.Popen(
        words, cwd=installed, env=house.variables, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith(f"listening, open acme:127.0.0.1:{port}")
        yield port
        program.terminate()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", WALK, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_renamed_driver_is_listed_and_its_tests_pass(house: House, installed: Path) -> None:
    _, installing, *_ = blocks("sh")
    install, probes, tests = installing.splitlines()
    assert install == 'python -m pip install ".[test]"'
    assert "acme: not asked, usdk-acme brings it" in house.run(probes, installed)
    # Its conformance is what the next test runs.
    house.run(f"{tests} -q -p no:cacheprovider --ignore tests/test_conformance.py", installed)


@pytest.mark.slow
def test_the_board_is_read_and_keeps_the_contract(
    house: House, installed: Path, board: str
) -> None:
    (reading,) = blocks("python")
    script = installed / "reading.py"
    script.write_text(reading.replace(PORT, board), encoding="utf-8")
    assert house.run("python reading.py", installed).startswith("SN-00042 (10, 1, 1, ")
    judged = [
        line
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("usdk conformance")
    ]
    assert len(judged) == 2
    for command in judged:
        assert " 0 failed," in house.run(command.replace(PORT, board), installed)
    assert (installed / "junit.xml").is_file()


def test_it_builds_a_wheel_with_its_own_package_alone(house: House, installed: Path) -> None:
    house.run(blocks("sh")[-1], installed)
    (wheel,) = (installed / "dist").glob("*.whl")
    assert wheel.name.startswith("usdk_acme-0.1.0-")
    listing = house.run(f"python -m zipfile -l {wheel}", installed)
    assert {line.split("/")[0] for line in listing.splitlines()[1:]} == {
        "usdk_acme",
        "usdk_acme-0.1.0.dist-info",
    }
    assert "pulser" not in listing.lower()


def test_two_packages_that_claim_one_scheme_are_a_conflict(house: House, installed: Path) -> None:
    rival = installed.parent / "rival"
    shutil.copytree(installed, rival, ignore=shutil.ignore_patterns("dist", "build"))
    settings = rival / "pyproject.toml"
    text = settings.read_text(encoding="utf-8").replace('"usdk-acme"', '"usdk-rival"')
    text = text.replace('"usdk_acme:AcmeFrontEnd"', '"usdk_rival:RivalFrontEnd"')
    settings.write_text(text.replace("src/usdk_acme", "src/usdk_rival"), encoding="utf-8")
    (rival / "src/usdk_acme").rename(rival / "src/usdk_rival")
    place = rival / "place"
    house.run(f"python -m pip install --target {place} .", rival)
    script = f"PYTHONPATH={place} usdk probes --scheme acme || echo status $?"
    told = house.run(script, rival)
    assert "both usdk-" in told
    assert "claim the scheme 'acme': uninstall one of them" in told
    assert "status 1" in told


def test_the_walk_s_entry_point_is_the_package_s(installed: Path) -> None:
    (block,) = blocks("toml")
    assert block in (installed / "pyproject.toml").read_text(encoding="utf-8")


def test_every_option_of_the_simulator_is_in_the_readme() -> None:
    from usdk_drivers.simulator import Fault, address

    options = address.PROBE_OPTIONS | address.RECORDING_OPTIONS | address.COMMON_OPTIONS
    assert {option for option in options if f"`{option}=" not in TEXT} == set()
    assert [fault for fault in Fault if fault.value not in TEXT] == []
