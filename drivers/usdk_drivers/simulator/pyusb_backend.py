"""Simulated devices behind pyusb's backend interface, with the errors that libusb raises."""

from __future__ import annotations

import errno
from array import array
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

from usdk.errors import MissingExtraError
from usdk_drivers.simulator.device_model import EndpointDescriptor, Gone, Nak, Stall, UsbDevice

try:
    import usb.backend
    import usb.core
except ImportError as error:
    raise MissingExtraError.for_extra("usb", "the simulated probe") from error

__all__ = ["SimulatedBackend"]

_SUPER_SPEED = 4


class _Handle:
    """An open device; remembers which interfaces it claimed."""

    def __init__(self, device: UsbDevice) -> None:
        self.device = device
        self.n_unplugs = device.n_unplugs
        self.claimed: set[int] = set()

    def key(self, interface: int) -> tuple[int, int, int]:
        """Return what a claim stands for: it ends when the device leaves."""
        return (id(self.device), self.n_unplugs, interface)

    def present(self) -> UsbDevice:
        """Return the device; `Gone` if it left since it was opened, also if it is back."""
        if not self.device.is_attached or self.device.n_unplugs != self.n_unplugs:
            raise Gone
        return self.device


class SimulatedBackend(usb.backend.IBackend):  # type: ignore[misc]  # pyusb ships no types
    """A bus on which the given devices are plugged in.

    Parameters
    ----------
    devices : iterable of UsbDevice
        Those whose ``is_attached`` is set are found.
    """

    def __init__(self, devices: Iterable[UsbDevice]) -> None:
        self._devices = list(devices)
        self._claims: dict[tuple[int, int, int], _Handle] = {}

    def enumerate_devices(self) -> Iterator[UsbDevice]:
        """Yield the devices on the bus."""
        return (device for device in self._devices if device.is_attached)

    def get_parent(self, dev: UsbDevice) -> None:
        """Return None: the devices hang on the root hub."""

    def get_device_descriptor(self, dev: UsbDevice) -> SimpleNamespace:
        """Return the device descriptor and where the device is plugged in."""
        names = (
            "bLength bDescriptorType bcdUSB bDeviceClass bDeviceSubClass bDeviceProtocol "
            "bMaxPacketSize0 idVendor idProduct bcdDevice iManufacturer iProduct iSerialNumber "
            "bNumConfigurations"
        )
        address = self._devices.index(dev) + 1
        return _fields(
            names,
            *(18, 1, 0x0320, 0, 0, 0, 9, dev.vendor_id, dev.product_id, 0x0100, 1, 2, 3, 1),
            bus=1,
            address=address,
            port_number=address,
            port_numbers=(address,),
            speed=_SUPER_SPEED,
        )

    def get_configuration_descriptor(self, dev: UsbDevice, config: int) -> SimpleNamespace:
        """Return the only configuration."""
        _require(config == 0)
        descriptor = dev.configuration_descriptor()
        names = (
            "bLength bDescriptorType wTotalLength bNumInterfaces bConfigurationValue "
            "iConfiguration bmAttributes bMaxPower"
        )
        # What the device claims, also when its descriptor is cut off before.
        n_claimed = int.from_bytes(descriptor[2:4], "little")
        return _fields(names, 9, 2, n_claimed, *descriptor[4:9], extra_descriptors=[])

    def get_interface_descriptor(
        self, dev: UsbDevice, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Return the only interface."""
        _require(intf == alt == config == 0)
        names = (
            "bLength bDescriptorType bInterfaceNumber bAlternateSetting bNumEndpoints "
            "bInterfaceClass bInterfaceSubClass bInterfaceProtocol iInterface"
        )
        values = (9, 4, 0, 0, len(dev.endpoints), *dev.interface_triple, 0)
        return _fields(names, *values, extra_descriptors=[])

    def get_endpoint_descriptor(
        self, dev: UsbDevice, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Return an endpoint, its SuperSpeed companion among the extra descriptors."""
        _require(intf == alt == config == 0 and ep < len(dev.endpoints))
        endpoint: EndpointDescriptor = dev.endpoints[ep]
        names = (
            "bLength bDescriptorType bEndpointAddress bmAttributes wMaxPacketSize bInterval "
            "bRefresh bSynchAddress"
        )
        if endpoint.pack() + endpoint.pack_companion() not in dev.configuration_descriptor():
            # As libusb leaves an endpoint whose descriptor was cut off.
            return _fields(names, *[0] * 8, extra_descriptors=[])
        values = (7, 5, endpoint.address, endpoint.transfer_type, endpoint.max_packet_bytes)
        companion = list(endpoint.pack_companion())
        return _fields(names, *values, endpoint.interval, 0, 0, extra_descriptors=companion)

    def open_device(self, dev: UsbDevice) -> _Handle:
        """Open a device."""
        with _AS_LIBUSB:
            if not dev.is_attached:
                raise Gone
        return _Handle(dev)

    def close_device(self, dev_handle: _Handle) -> None:
        """Close a device and give up what it claimed."""
        for interface in tuple(dev_handle.claimed):
            self._claims.pop(dev_handle.key(interface), None)
        dev_handle.claimed.clear()

    def get_configuration(self, dev_handle: _Handle) -> int:
        """Return the active configuration's value."""
        return dev_handle.device.configuration_value

    def set_configuration(self, dev_handle: _Handle, config_value: int) -> None:
        """Set the active configuration."""
        dev_handle.device.configuration_value = config_value

    def set_interface_altsetting(self, dev_handle: _Handle, intf: int, altsetting: int) -> None:
        """Accept the only setting there is."""
        _require(intf == altsetting == 0)

    def claim_interface(self, dev_handle: _Handle, intf: int) -> None:
        """Claim an interface; busy if another handle has it."""
        key = dev_handle.key(intf)
        if self._claims.setdefault(key, dev_handle) is not dev_handle:
            raise usb.core.USBError("Resource busy", -6, errno.EBUSY)
        dev_handle.claimed.add(intf)

    def release_interface(self, dev_handle: _Handle, intf: int) -> None:
        """Release an interface."""
        if intf in dev_handle.claimed:
            self._claims.pop(dev_handle.key(intf), None)
        dev_handle.claimed.discard(intf)
        with _AS_LIBUSB:
            dev_handle.present()

    def bulk_write(
        self, dev_handle: _Handle, ep: int, intf: int, data: array[int], timeout: int
    ) -> int:
        """Send one transfer."""
        with _AS_LIBUSB:
            return dev_handle.present().bulk_out(ep, data.tobytes())

    def bulk_read(
        self, dev_handle: _Handle, ep: int, intf: int, buff: array[int], timeout: int
    ) -> int:
        """Receive one transfer into ``buff``."""
        # libusb waits for ever when the timeout is 0; a simulated wait always ends.
        timeout_s = timeout / 1e3 if timeout else _LONGEST_WAIT_S
        with _AS_LIBUSB:
            return dev_handle.present().bulk_in(ep, memoryview(buff), timeout_s)

    intr_read = bulk_read
    intr_write = bulk_write

    def ctrl_transfer(
        self,
        dev_handle: _Handle,
        bmRequestType: int,  # noqa: N803  # the standard's names, as pyusb passes them
        bRequest: int,  # noqa: N803
        wValue: int,  # noqa: N803
        wIndex: int,  # noqa: N803
        data: array[int],
        timeout: int,
    ) -> int:
        """Carry out one control transfer; an answer goes to ``data``."""
        with _AS_LIBUSB:
            answer = dev_handle.present().control(
                bmRequestType, bRequest, wValue, wIndex, len(data) * data.itemsize
            )
        memoryview(data).cast("B")[: len(answer)] = answer
        return len(answer)

    def clear_halt(self, dev_handle: _Handle, ep: int) -> None:
        """Lift an endpoint's halt."""
        with _AS_LIBUSB:
            dev_handle.present().clear_halt(ep)

    def reset_device(self, dev_handle: _Handle) -> None:
        """Reset the port: halts are lifted."""
        for endpoint in dev_handle.device.endpoints:
            self.clear_halt(dev_handle, endpoint.address)

    def is_kernel_driver_active(self, dev_handle: _Handle, intf: int) -> bool:
        """Return False: no kernel drives a vendor interface."""
        return False

    def detach_kernel_driver(self, dev_handle: _Handle, intf: int) -> None:
        """Refuse: there is none."""
        raise usb.core.USBError("Entity not found", -5, errno.ENOENT)

    attach_kernel_driver: Callable[[Any, _Handle, int], None] = detach_kernel_driver


_LONGEST_WAIT_S = 3600.0


class _AsLibusb:
    """Raise what libusb raises, code for code; a class, since small reads are many."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if isinstance(error, Stall):
            raise usb.core.USBError("Pipe error", -9, errno.EPIPE) from None
        if isinstance(error, Gone):
            raise usb.core.USBError(
                "No such device (it may have been disconnected)", -4, errno.ENODEV
            ) from None
        if isinstance(error, Nak):
            raise usb.core.USBTimeoutError("Operation timed out", -7, errno.ETIMEDOUT) from None


_AS_LIBUSB = _AsLibusb()


def _fields(names: str, *values: Any, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip(names.split(), values, strict=True)), **more)


def _require(exists: bool) -> None:
    # pyusb ends its iterations over descriptors on IndexError.
    if not exists:
        raise IndexError("no such descriptor")
