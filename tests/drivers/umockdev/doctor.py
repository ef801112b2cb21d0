"""The doctor looks at a front-end on libusb."""

from __future__ import annotations

from small_device import small_device

from usdk_drivers.umockdev import MockedBus
from usdk_drivers.usb_front_end import UsbFrontEnd

with MockedBus([small_device("D-1")]):
    found = {finding.topic: finding for finding in UsbFrontEnd.diagnose()}
assert found["USB transfers"].severity == "ok", found
assert "8 transfers in flight" in found["USB transfers"].message
assert "D-1 can be opened" in found["USB device"].message
assert "5 Gbit/s" in found["USB speed"].message
print("done")  # noqa: T201
