"""What only a real kernel shows: run by ``scripts/check-in-guest`` in a virtual machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from usdk.acquisition import Acquisition
from usdk.errors import DeviceAbsentError
from usdk.front_end import FrontEnd, open_front_end
from usdk_drivers.simulator import RecordingEngine
from usdk_drivers.simulator.cdc_acm import CdcAcmDevice
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.serial_port import SimulatedSerialPort
from usdk_drivers.simulator.simulated_device import SimulatedDevice
from usdk_drivers.usb_front_end import UsbFrontEnd
from usdk_drivers.usbip import UsbIpServer
from usdk_drivers.usbredir import RedirectedPort

pytestmark = pytest.mark.skipif(
    os.environ.get("USDK_TEST_BUS") != "usb-redir", reason="in a virtual machine alone"
)

Maker = Callable[..., Acquisition]
N_FRAMES = 6
BULK = 3  # usbmon's number


def device_of(recording: Acquisition) -> UsbDevice:
    device = SimulatedDevice(engine=RecordingEngine(recording, loop=False))
    return device.on_usb(device.firmware())


@contextmanager
def plugged_in(port: RedirectedPort, device: UsbDevice) -> Iterator[None]:
    port.add(device)
    try:
        yield
    finally:
        port.remove(device)


def opened(address: str) -> FrontEnd:
    """Open a front-end that is on its way."""
    deadline_s = time.monotonic() + 20
    while True:
        try:
            return open_front_end(address)
        except DeviceAbsentError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def read_back(address: str, original: Acquisition) -> None:
    with opened(address) as front_end:
        front_end.configure()
        acquisition = front_end.read(N_FRAMES, timeout_s=30)
    assert acquisition.data.tobytes() == original.data.tobytes()
    assert not acquisition.gaps


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lsusb_shows_a_superspeed_device_and_has_no_complaint(
    recording: Maker, system_bus: RedirectedPort
) -> None:
    with plugged_in(system_bus, device_of(recording())):
        done = subprocess.run(["lsusb", "-v", "-d", "1209:"], capture_output=True, text=True)
        tree = run("lsusb", "-t")
    assert done.stderr == ""
    assert "bMaxBurst              15" in done.stdout
    assert "Binary Object Store Descriptor" in done.stdout
    assert "SuperSpeed USB Device Capability" in done.stdout
    assert re.search(r"Class=Vendor Specific Class.* 5000M", tree)


def test_transfers_lie_in_memory_that_the_kernel_shares(
    recording: Maker, system_bus: RedirectedPort
) -> None:
    with plugged_in(system_bus, device_of(recording())), opened("usb:") as front_end:
        assert isinstance(front_end, UsbFrontEnd)
        front_end.configure()
        assert front_end.read(N_FRAMES, timeout_s=30).n_frames == N_FRAMES
        reads = front_end.reads
    assert reads is not None
    assert reads.n_transfers > 1
    assert reads.n_in_device_memory == reads.n_transfers


def test_tshark_decodes_a_scan_that_usbmon_saw(
    recording: Maker, system_bus: RedirectedPort, tmp_path: Path
) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    original = recording(n_frames=N_FRAMES)
    capture = tmp_path / "scan.pcapng"
    with plugged_in(system_bus, device_of(original)):
        (serial,) = Path("/sys/bus/usb/devices").glob("[0-9]*-*/serial")
        number = (serial.parent / "busnum").read_text().strip()
        command = ["dumpcap", "-q", "-i", f"usbmon{number}", "-s", "0", "-w", str(capture)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as dumpcap:
            assert dumpcap.stderr is not None
            while "File:" not in dumpcap.stderr.readline():
                assert dumpcap.poll() is None
            read_back("usb:", original)
            time.sleep(1.0)
            dumpcap.terminate()
            dumpcap.communicate(timeout=30)
    fields = (
        *("usb.transfer_type", "usb.endpoint_address", "usb.urb_type", "usb.data_len"),
        "_ws.malformed",
    )
    options = [option for field in fields for option in ("-e", field)]
    rows = run("tshark", "-r", str(capture), "-T", "fields", *options).splitlines()
    n_bytes = 0
    for kind, endpoint, urb, length, malformed in (row.split("\t") for row in rows):
        assert not malformed
        if int(kind, 0) == BULK and int(endpoint, 0) == 0x81 and urb in ("'C'", "67", "0x43"):
            n_bytes += int(length or 0)
    assert n_bytes > original.data.nbytes


def test_the_kernels_own_client_attaches_what_usb_ip_shares(recording: Maker) -> None:
    usbip = shutil.which("usbip")
    if usbip is None:
        pytest.skip("usbip is not installed")
    original = recording(n_frames=N_FRAMES)
    with UsbIpServer([device_of(original)], port=0) as server:
        port = str(server.address[1])
        assert "1209:0001" in run(usbip, "--tcp-port", port, "list", "-r", "127.0.0.1")
        run(usbip, "--tcp-port", port, "attach", "-r", "127.0.0.1", "-b", "1-1")
        try:
            read_back("usb:", original)
        finally:
            run(usbip, "detach", "-p", "0")


def test_a_serial_front_end_works_over_cdc_acm(
    recording: Maker, system_bus: RedirectedPort
) -> None:
    pytest.importorskip("serial", reason="pyserial is not installed")
    original = recording(n_frames=N_FRAMES)
    with (
        SimulatedSerialPort(device_of(original)) as line,
        closing(CdcAcmDevice(line.terminal)) as adapter,
        plugged_in(system_bus, adapter),
    ):
        read_back("serial:/dev/ttyACM0", original)
