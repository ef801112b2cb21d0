from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.umockdev import MockedBus

HERE = Path(__file__).parent


@pytest.mark.skipif(shutil.which("lsusb") is None, reason="lsusb is not installed")
def test_lsusb_shows_companions_and_object_store_without_a_complaint() -> None:
    simulated = simulated_device("linear-l11-5v?serial=L-7")
    with MockedBus([simulated.on_usb(simulated.firmware())]) as bus:
        listed = subprocess.run(
            ["lsusb", "-v"], env=bus.environment, capture_output=True, text=True, timeout=60
        )
    assert listed.returncode == 0
    assert listed.stderr == ""
    shown = re.sub(r" +", " ", listed.stdout)
    for line in (
        "iSerial 3 L-7",
        "bcdUSB 3.20",
        "bEndpointAddress 0x81 EP 1 IN",
        "bMaxBurst 15",
        "Binary Object Store Descriptor:",
        "SuperSpeed USB Device Capability:",
        "Device can operate at SuperSpeed (5Gbps)",
        "PlatformCapabilityUUID {d8dd60df-4589-4cc7-9cd2-659d9e648a9f}",
        "Device Status: 0x0000",
    ):
        assert line in shown
    assert shown.count("bMaxBurst") == 3
    for complaint in ("can't", "Couldn't", "unknown", "junk", "Warning", "error", "bad"):
        assert complaint not in shown


@pytest.mark.parametrize(
    "script", ["hot_plug.py", "unplug_cycles.py", "doctor.py", "fall_backs.py", "left_open.py"]
)
def test_what_a_program_on_libusb_meets(mocked: Callable[..., str], script: str) -> None:
    assert "done" in mocked("-W", "error", str(HERE / script))


def test_a_bus_leaves_no_thread_and_no_file_behind() -> None:
    simulated = simulated_device("linear-l11-5v")
    device = simulated.on_usb(simulated.firmware())
    with MockedBus([device]) as bus:
        root = bus.root
        assert (root / "dev/bus/usb/002/001").exists()
        n_open = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(3):
            bus.remove(device)
            assert not (root / "dev/bus/usb/002/001").exists()
            bus.add(device)
        assert len(list(Path("/proc/self/fd").iterdir())) <= n_open + 6
    assert bus.devices == (device,)
    bus.close()
