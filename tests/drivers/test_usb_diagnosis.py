from __future__ import annotations

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import usb.core
from usb.backend import libusb1

from usdk.acquisition import Acquisition
from usdk.errors import MissingExtraError
from usdk.front_end import Diagnosable, Finding, OffersUdevRule, Severity
from usdk_drivers import usb_diagnosis
from usdk_drivers.simulator import SimulatedFrontEnd
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.udev_rule import UDEV_RULE_ADVICE, UDEV_RULE_PATH, udev_rule
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID, UsbAddress
from usdk_drivers.usb_diagnosis import device_findings, library_findings, usbfs_finding
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usb_transport import UsbTransport
from usdk_drivers.usbip import UsbIpFrontEnd
from usdk_drivers.usbip.diagnosis import kernel_module_finding

OK, NOTE, PROBLEM = Severity.OK, Severity.NOTE, Severity.PROBLEM


@pytest.fixture
def device(recording: Callable[..., Acquisition]) -> UsbDevice:
    with SimulatedFrontEnd.playing(recording()) as front_end:
        return front_end.device


class Slow(SimulatedBackend):
    """A bus behind a cable for USB 2."""

    release = 0x0210

    def get_device_descriptor(self, dev: UsbDevice) -> Any:
        descriptor = super().get_device_descriptor(dev)
        descriptor.speed, descriptor.bcdUSB = 3, self.release
        return descriptor


class Refusing(SimulatedBackend):
    """A bus on which nothing can be opened."""

    number = errno.EACCES

    def open_device(self, dev: UsbDevice) -> Any:
        raise usb.core.USBError("refused", -3, self.number)


def device_and_speed(bus: SimulatedBackend) -> tuple[Finding, Finding]:
    first, second = device_findings(bus)
    assert (first.topic, second.topic) == ("USB device", "USB speed")
    return first, second


def test_a_device_that_can_be_opened_at_full_rate_is_well(device: UsbDevice) -> None:
    found, speed = device_and_speed(SimulatedBackend([device]))
    assert (found.severity, found.message) == (OK, "usb:serial=7 can be opened")
    assert speed.severity is OK
    assert "SuperSpeed (5 Gbit/s)" in speed.message


def test_looking_leaves_a_device_as_it_was(device: UsbDevice) -> None:
    bus = SimulatedBackend([device])
    list(device_findings(bus))
    assert bus._claims == {}
    UsbTransport.open(UsbAddress(), bus).close()


def test_a_super_speed_device_at_high_speed_is_a_problem_of_the_cable(device: UsbDevice) -> None:
    found, speed = device_and_speed(Slow([device]))
    assert found.severity is OK
    assert speed.severity is PROBLEM
    assert "high speed (480 Mbit/s), and could be at SuperSpeed" in speed.message
    assert "cable" in speed.advice


def test_a_high_speed_device_at_high_speed_is_a_note(
    device: UsbDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usb_diagnosis, "could_be_super_speed", lambda device: False)
    assert device_and_speed(Slow([device]))[1].severity is NOTE


def test_denied_access_names_the_command_that_installs_the_rule(device: UsbDevice) -> None:
    found, _ = device_and_speed(Refusing([device]))
    assert found.severity is PROBLEM
    assert "no permission" in found.message
    assert found.advice.startswith("usdk doctor --udev-rule | sudo tee /etc/udev/rules.d/")


@pytest.mark.parametrize(
    ("number", "severity", "words"),
    [
        (errno.EBUSY, NOTE, "another program"),
        (errno.ENODEV, NOTE, "went away"),
        (errno.EIO, PROBLEM, "cannot be opened"),
    ],
)
def test_other_refusals_are_told_apart(
    device: UsbDevice, number: int, severity: Severity, words: str
) -> None:
    bus = Refusing([device])
    bus.number = number
    found, _ = device_and_speed(bus)
    assert found.severity is severity
    assert words in found.message


def test_a_device_that_a_program_reads_is_a_note(device: UsbDevice) -> None:
    bus = SimulatedBackend([device])
    transport = UsbTransport.open(UsbAddress(), bus)
    found, _ = device_and_speed(bus)
    transport.close()
    assert (found.severity, found.message) == (NOTE, "usb:serial=7 is used by another program")


def test_an_empty_bus_is_a_note_and_one_that_fails_a_problem(device: UsbDevice) -> None:
    class Failing(SimulatedBackend):
        def enumerate_devices(self) -> Any:
            raise usb.core.USBError("Input/Output Error", -1, errno.EIO)

    (empty,) = device_findings(SimulatedBackend([]))
    (failed,) = device_findings(Failing([device]))
    assert (empty.severity, failed.severity) == (NOTE, PROBLEM)


def test_the_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (simulated,) = library_findings(SimulatedBackend([]))
    assert simulated.severity is OK
    assert "SimulatedBackend" in simulated.message
    monkeypatch.setattr(libusb1, "get_backend", lambda: None)
    (absent,) = library_findings()
    assert absent.severity is PROBLEM
    assert "apt install libusb-1.0-0" in absent.advice


@pytest.mark.skipif(libusb1.get_backend() is None, reason="libusb is not installed")
def test_the_real_library_tells_its_version() -> None:
    (finding,) = library_findings()
    assert re.search(r"on libusb 1\.\d+\.\d+ \(", finding.message)


def test_a_library_that_is_none_has_no_version() -> None:
    assert usb_diagnosis._libusb_version("no-such-library.so") == "of unknown version"


def test_without_pyusb_there_is_one_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise MissingExtraError.for_extra("usb", "USB")

    monkeypatch.setattr(usb_diagnosis, "import_usb", absent)
    monkeypatch.setattr("usdk_drivers.usb_devices.import_usb", absent)
    (finding,) = (*library_findings(), *device_findings())
    assert finding.severity is NOTE
    assert "ultrasound-sdk[usb]" in finding.advice


@pytest.mark.parametrize(
    ("limit", "severity"), [("0", OK), ("16", NOTE), ("256\n", OK), ("1000", OK)]
)
def test_the_kernels_limit_is_compared_with_what_is_needed(
    tmp_path: Path, limit: str, severity: Severity
) -> None:
    path = tmp_path / "usbfs_memory_mb"
    path.write_text(limit)
    finding = usbfs_finding(path, "linux")
    assert finding is not None
    assert finding.severity is severity
    if severity is NOTE:
        assert f"echo 256 | sudo tee {path}" in finding.advice


def test_too_low_a_limit_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "usbfs_memory_mb"
    path.write_text("3")
    finding = usbfs_finding(path, "linux")
    assert finding is not None
    assert finding.severity is PROBLEM
    assert "3 MiB at once; a front-end that is read keeps 8 MiB in flight" in finding.message


def test_where_there_is_no_limit_there_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("much")
    assert usbfs_finding(tmp_path / "absent", "linux") is None
    assert usbfs_finding(tmp_path / "odd", "linux") is None
    assert usbfs_finding(tmp_path / "odd", "win32") is None


def test_the_module_of_usbip_is_never_a_problem(tmp_path: Path) -> None:
    messages = {
        kernel_module_finding(path, platform).message
        for path, platform in ((tmp_path, "linux"), (tmp_path / "absent", "linux"), (tmp_path, "x"))
    }
    assert len(messages) == 3
    assert kernel_module_finding(tmp_path / "absent", "linux").severity is OK


def test_the_rule_comes_before_the_seats_rules() -> None:
    assert UDEV_RULE_PATH in udev_rule()
    assert UDEV_RULE_PATH in UDEV_RULE_ADVICE
    # Systemd hands out what is tagged in 73-seat-late.rules.
    assert int(Path(UDEV_RULE_PATH).name[:2]) < 73


def test_the_drivers_offer_what_they_know() -> None:
    assert isinstance(UsbFrontEnd, Diagnosable)
    assert isinstance(UsbFrontEnd, OffersUdevRule)
    assert UsbFrontEnd.udev_rule() == udev_rule()
    assert {finding.topic for finding in UsbFrontEnd.diagnose()} >= {"USB library"}
    assert [finding.topic for finding in UsbIpFrontEnd.diagnose()] == ["USB/IP"]


def test_the_rule_opens_usb_devices_and_their_serial_ports_and_keeps_modem_manager_away() -> None:
    lines = [line for line in udev_rule().splitlines() if not line.startswith("#")]
    ids = {
        "usb": f'ATTR{{idVendor}}=="{VENDOR_ID:04x}"',
        "tty": f'ATTRS{{idVendor}}=="{VENDOR_ID:04x}"',
    }
    for (subsystem, vendor), line in zip(ids.items(), lines, strict=True):
        assert line.startswith(f'SUBSYSTEM=="{subsystem}", ')
        assert vendor in line
        assert f'=="{PRODUCT_ID:04x}", TAG+="uaccess"' in line
        assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in line
    assert "--subsystem-match=tty" in UDEV_RULE_ADVICE
