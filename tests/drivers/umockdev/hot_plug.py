"""A front-end on mocked USB is found, read, unplugged in mid-transfer, and found again."""

from __future__ import annotations

import time

from small_device import small_device

from usdk.errors import DeviceAbsentError
from usdk.front_end import DeviceWatcher
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_front_end import UsbFrontEnd

WAIT_S = 60.0

device = small_device("H-1")
with MockedBus() as bus:
    assert UsbFrontEnd.discover() == []
    with DeviceWatcher(["usb"]) as watcher:
        bus.add(device)
        assert watcher.wait_for("usb:serial=H-1", timeout_s=WAIT_S).address == "usb:serial=H-1"
        with UsbFrontEnd.open("serial=H-1") as front_end:
            assert front_end.reads.n_transfers > 1
            front_end.configure()
            assert front_end.read(3, timeout_s=WAIT_S).n_frames == 3
            device.unplug()
            try:
                deadline_s = time.monotonic() + WAIT_S
                while time.monotonic() < deadline_s:
                    front_end.read()
            except DeviceAbsentError:
                pass
            else:
                raise AssertionError("the unplug was not noticed")
        watcher.wait_until_gone("usb:serial=H-1", timeout_s=WAIT_S)
        device.plug()
        watcher.wait_for("usb:serial=H-1", timeout_s=WAIT_S)
    with UsbFrontEnd.open("serial=H-1") as front_end:
        front_end.configure()
        assert front_end.read(timeout_s=WAIT_S).sequence_numbers.tolist() == [0]
print("done")  # noqa: T201
