from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import usb.core

from usdk.acquisition import Acquisition
from usdk.errors import DeviceAbsentError, DeviceFailedError, DeviceTimeoutError, StateError
from usdk_drivers.simulator import SimulatedFrontEnd
from usdk_drivers.simulator.device_model import UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usb_devices import find_devices
from usdk_drivers.usb_errors import EndpointStalledError
from usdk_drivers.usb_link import DeviceLink
from usdk_drivers.usb_transport import UsbTransport


@pytest.fixture
def device(recording: Callable[..., Acquisition]) -> UsbDevice:
    with SimulatedFrontEnd.playing(recording()) as front_end:
        return front_end.device


def test_several_devices_must_be_told_apart(device: UsbDevice) -> None:
    other = UsbDevice(
        device._function,
        vendor_id=0x1209,
        product_id=1,
        interface_triple=device.interface_triple,
        strings=("m", "p", "8"),
    )
    bus = SimulatedBackend([device, other])
    with pytest.raises(DeviceFailedError, match=r"2 devices.*7, 8.*usb:serial="):
        UsbTransport.open(UsbAddress(), bus)
    UsbTransport.open(UsbAddress(serial_number="8"), bus).close()
    with pytest.raises(DeviceAbsentError, match="usb:serial=9"):
        UsbTransport.open(UsbAddress(serial_number="9"), bus)


@pytest.mark.parametrize("triple", [(0xFF, 0x75, 2), (0xFF, 0, 1), (3, 0x75, 1)])
def test_a_device_with_another_interface_is_not_ours(
    device: UsbDevice, triple: tuple[int, int, int]
) -> None:
    device.interface_triple = triple
    assert find_devices(UsbAddress(), SimulatedBackend([device])) == []


def test_a_device_with_other_ids_is_not_ours(device: UsbDevice) -> None:
    bus = SimulatedBackend([device])
    assert find_devices(UsbAddress(0x1209, 0x0002), bus) == []
    assert len(find_devices(UsbAddress(0x1209, 0x0001), bus)) == 1


def test_an_unconfigured_device_is_configured(device: UsbDevice) -> None:
    device.configuration_value = 0
    UsbTransport.open(UsbAddress(), SimulatedBackend([device])).close()
    assert device.configuration_value == 1


def test_a_kernel_driver_is_detached(device: UsbDevice) -> None:
    detached: list[int] = []

    class Occupied(SimulatedBackend):
        def is_kernel_driver_active(self, dev_handle: Any, intf: int) -> bool:
            return True

        def detach_kernel_driver(self, dev_handle: Any, intf: int) -> None:
            detached.append(intf)

    UsbTransport.open(UsbAddress(), Occupied([device])).close()
    assert detached == [0]


def test_a_system_without_kernel_drivers_is_no_hindrance(device: UsbDevice) -> None:
    class Foreign(SimulatedBackend):
        def is_kernel_driver_active(self, dev_handle: Any, intf: int) -> bool:
            raise NotImplementedError

    UsbTransport.open(UsbAddress(), Foreign([device])).close()


def test_denied_access_gives_the_udev_hint(device: UsbDevice) -> None:
    class Denied(SimulatedBackend):
        def open_device(self, dev: UsbDevice) -> Any:
            raise usb.core.USBError("Access denied (insufficient permissions)", -3, 13)

    with pytest.raises(DeviceFailedError, match="udev rule"):
        UsbTransport.open(UsbAddress(), Denied([device]))


def test_an_upload_in_pieces_arrives_whole_and_ends_in_time(device: UsbDevice) -> None:
    taken = bytearray()

    class Slow(SimulatedBackend):
        def bulk_write(self, h: Any, ep: int, intf: int, data: Any, timeout: int) -> int:
            taken.extend(data[:100])
            return min(100, len(data))

    transport = UsbTransport.open(UsbAddress(), Slow([device]))
    sent = bytes(range(256)) * 3
    transport.upload(sent, time.monotonic() + 5)
    assert bytes(taken) == sent
    with pytest.raises(DeviceTimeoutError, match="in time"):
        transport.upload(sent, time.monotonic() - 1)
    transport.close()


def test_a_read_without_data_returns_nothing_after_its_time(device: UsbDevice) -> None:
    transport = UsbTransport.open(UsbAddress(), SimulatedBackend([device]))
    began_s = time.monotonic()
    assert len(transport.read(0.03)) == 0
    assert 0.03 <= time.monotonic() - began_s < 1.0
    transport.close()


def test_a_refused_request_is_a_stall_and_an_unplug_an_absence(device: UsbDevice) -> None:
    transport = UsbTransport.open(UsbAddress(), SimulatedBackend([device]))
    with pytest.raises(EndpointStalledError):
        transport.control_in(0x77, length=8)
    device.unplug()
    with pytest.raises(DeviceAbsentError, match="plug it in"):
        transport.control_in(0x01, length=8)
    transport.close()
    transport.close()


def test_a_closed_transport_does_not_open_itself_again(device: UsbDevice) -> None:
    transport = UsbTransport.open(UsbAddress(), SimulatedBackend([device]))
    transport.close()
    for transfer in (
        lambda: transport.control_in(0x01, length=8),
        lambda: transport.control_out(0x05),
        lambda: transport.upload(b"x", time.monotonic() + 1),
        lambda: transport.read(0.1),
        transport.clear_halt,
    ):
        with pytest.raises(StateError, match="open it again"):
            transfer()


def test_a_refused_upload_does_not_stand_in_the_way_of_the_next(device: UsbDevice) -> None:
    transport = UsbTransport.open(UsbAddress(), SimulatedBackend([device]))
    for _ in range(2):
        with pytest.raises(EndpointStalledError):
            transport.upload(b"no message at all", time.monotonic() + 1)
    assert "magic" in DeviceLink(transport).last_error()
    transport.close()


def test_a_device_is_released_also_when_its_reads_cannot_be_ended(device: UsbDevice) -> None:
    backend = SimulatedBackend([device])
    transport = UsbTransport.open(UsbAddress(), backend)

    class Broken:
        def close(self) -> None:
            raise DeviceFailedError("no end")

    transport._ring = Broken()  # type: ignore[assignment]  # as far as it is used
    with pytest.raises(DeviceFailedError):
        transport.close()
    UsbTransport.open(UsbAddress(), backend).close()
