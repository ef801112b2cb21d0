"""Every driver that is shipped passes the checks that other drivers are given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from usdk.acquisition import Acquisition
from usdk.conformance import Report, Settings, Verdict, run_checks
from usdk.io import save_recording
from usdk_drivers.simulator import (
    EchoEngine,
    SceneName,
    make_scene,
    simulated_device,
    simulated_probe,
)
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.firmware import Firmware
from usdk_drivers.usb_address import PRODUCT_ID, VENDOR_ID
from usdk_drivers.usb_devices import INTERFACE_CLASS, INTERFACE_PROTOCOL, INTERFACE_SUBCLASS
from usdk_drivers.usbip import UsbIpServer


def require_passed(report: Report, *skipped: str) -> None:
    faults = [f"{o.check.id}: {o.seen}" for o in report.of(Verdict.FAILED)]
    assert faults == []
    # Whether a driver has settings is its own affair.
    seen = {o.check.id for o in report.of(Verdict.SKIPPED) if o.note != "it has no settings"}
    assert seen == set(skipped)


ENDLESS = ("loss.end", "unplug.error-and-return")
ALL_CAN_FIRE = ("limits.transmits", "limits.channels")
FIXED = (
    *("configure.sound-speed", "configure.plane", "configure.diverging", "configure.focused"),
    *("configure.single-element", "configure.many", "configure.again"),
    *("limits.transmits", "limits.prf", "limits.samples", "limits.rate", "limits.channels"),
    *("limits.element", "limits.unchanged", "data.host-times", "unplug.error-and-return"),
    *("gain.limits", "gain.told", "gain.effect", "aperture.limits", "aperture.zeros"),
    *("trigger.timeout", "safety.power", "safety.watchdog", "safety.duty", "safety.selftest"),
)


def test_a_simulated_probe_passes_that_loses_packets() -> None:
    report = run_checks("sim:phased-p4-2v?scene=points&realtime=1&faults=drop:0.01,corrupt:0.01")
    require_passed(report, *ENDLESS, *ALL_CAN_FIRE)


@pytest.mark.parametrize(
    ("scheme", "untimed"),
    # These frames were made without a device's times; what plays them gives them its own.
    [("file", ("data.device-times", "time.frame-rate")), ("sim", ())],
)
def test_a_recording_passes(
    scheme: str,
    untimed: tuple[str, ...],
    recording: Callable[..., Acquisition],
    tmp_path: Path,
) -> None:
    path = tmp_path / "recording.npz"
    save_recording(path, recording(n_frames=60))
    report = run_checks(f"{scheme}:{path}")
    require_passed(report, *FIXED, *untimed)


def test_a_front_end_on_usb_over_a_network_passes_and_comes_back_after_it_was_unplugged() -> None:
    probe = simulated_probe("phased-p4-2v")
    device = UsbDevice(
        Firmware(EchoEngine(probe, make_scene(SceneName.POINTS, probe, 1))),
        vendor_id=VENDOR_ID,
        product_id=PRODUCT_ID,
        interface_triple=(INTERFACE_CLASS, INTERFACE_SUBCLASS, INTERFACE_PROTOCOL),
        strings=("usdk", "simulated", "S-1"),
    )

    class Switch:
        def unplug(self) -> None:
            device.unplug()

        def plug(self) -> None:
            device.plug()

    server = UsbIpServer([device], port=0)
    try:
        host, port = server.address
        report = run_checks(f"usbip://{host}:{port}/1-1", settings=Settings(operator=Switch()))
    finally:
        server.close()
    require_passed(report, "loss.end", *ALL_CAN_FIRE)


def test_a_front_end_on_a_serial_port_passes_and_comes_back_after_it_was_unplugged(
    tmp_path: Path,
) -> None:
    pytest.importorskip("serial", reason="pyserial is not installed")
    pytest.importorskip("termios", reason="this system has no pseudo-terminals")
    from usdk_drivers.simulator.serial_port import SimulatedSerialPort

    simulated = simulated_device(
        "phased-p4-2v?scene=points&realtime=1&faults=drop:0.01,corrupt:0.01"
    )
    device = simulated.on_usb(simulated.firmware())
    link = tmp_path / "port"

    class Switch:
        def unplug(self) -> None:
            device.unplug()

        def plug(self) -> None:
            device.plug()

    with SimulatedSerialPort(device, link=link):
        report = run_checks(f"serial:{link}", settings=Settings(operator=Switch()))
    require_passed(report, "loss.end", *ALL_CAN_FIRE)
