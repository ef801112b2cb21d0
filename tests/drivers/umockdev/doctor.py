"""The doctor looks at a front-end on libusb."""

from __future__ import annotations

from usdk_drivers.simulator.simulated_device import simulated_device
from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_front_end import UsbFrontEnd

simulated = simulated_device("linear-l11-5v?serial=D-1")
with MockedBus([simulated.on_usb(simulated.firmware())]):
    found = {finding.topic: finding for finding in UsbFrontEnd.diagnose()}
assert found["USB transfers"].severity == "ok", found
assert "8 transfers in flight" in found["USB transfers"].message
assert "D-1 can be opened" in found["USB device"].message
assert "5 Gbit/s" in found["USB speed"].message
print("done")  # noqa: T201
