"""What pyusb itself makes of the simulated device."""

from __future__ import annotations

import errno
import struct
from array import array
from collections.abc import Iterator

import pytest
import usb.core
import usb.util

from usdk_drivers.simulator.device_model import BULK_IN, Gone, Nak, Stall, UsbDevice
from usdk_drivers.simulator.pyusb_backend import SimulatedBackend


class Echo:
    """Sends back what it was sent; a device without a protocol."""

    def __init__(self) -> None:
        self.stored = b""
        self.raises: type[Exception] | None = None

    def control(self, *, incoming: bool, request: int, value: int, index: int) -> bytes:
        if self.raises:
            raise self.raises
        return struct.pack("<BHH", request, value, index) if incoming else b""

    def bulk_out(self, data: bytes) -> None:
        if self.raises:
            raise self.raises
        self.stored = data

    def bulk_in(self, buffer: memoryview, timeout_s: float) -> int:
        if self.raises:
            raise self.raises
        n_bytes = min(len(buffer), len(self.stored))
        buffer[:n_bytes] = self.stored[:n_bytes]
        return n_bytes


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def bus(echo: Echo) -> SimulatedBackend:
    simulated = UsbDevice(
        echo,
        vendor_id=0x1209,
        product_id=1,
        interface_triple=(0xFF, 1, 2),
        strings=("Müller", "Probe", "S/N 1"),
    )
    return SimulatedBackend([simulated])


@pytest.fixture
def device(bus: SimulatedBackend) -> Iterator[usb.core.Device]:
    device = usb.core.find(backend=bus)
    yield device
    usb.util.dispose_resources(device)


def test_descriptors_are_those_of_a_superspeed_device(device: usb.core.Device) -> None:
    assert (device.manufacturer, device.product, device.serial_number) == (
        "Müller",
        "Probe",
        "S/N 1",
    )
    assert device.bcdUSB == 0x0320
    (configuration,) = device
    (interface,) = configuration
    assert [e.bEndpointAddress for e in interface] == [0x01, 0x81, 0x82]
    assert [e.bmAttributes for e in interface] == [2, 2, 3]
    # SuperSpeed endpoint companions: length 6, type 0x30.
    assert [list(e.extra_descriptors[:2]) for e in interface] == [[6, 0x30]] * 3
    assert interface[1].wMaxPacketSize == 1024


def test_descriptors_by_request_agree_with_those_by_backend(device: usb.core.Device) -> None:
    raw = bytes(device.ctrl_transfer(0x80, 6, 0x0200, 0, 255))
    configuration = device[0]
    assert struct.unpack_from("<BBHBB", raw) == (9, 2, len(raw), 1, 1)
    assert configuration.wTotalLength == len(raw)
    assert configuration.bMaxPower == raw[8]
    device_raw = bytes(device.ctrl_transfer(0x80, 6, 0x0100, 0, 18))
    assert struct.unpack_from("<HH", device_raw, 8) == (device.idVendor, device.idProduct)


def test_bytes_travel_by_every_pipe(device: usb.core.Device) -> None:
    assert device.write(0x01, b"abc", 100) == 3
    buffer = array("B", bytes(8))
    assert device.read(0x81, buffer, 100) == 3
    assert bytes(buffer) == b"abc\0\0\0\0\0"
    assert bytes(device.ctrl_transfer(0xC0, 9, 0x1234, 0x5678, 64)) == b"\x09\x34\x12\x78\x56"


@pytest.mark.parametrize(
    ("raised", "code", "number"),
    [(Stall, -9, errno.EPIPE), (Gone, -4, errno.ENODEV), (Nak, -7, errno.ETIMEDOUT)],
)
def test_errors_carry_libusb_s_code_and_errno(
    device: usb.core.Device, echo: Echo, raised: type[Exception], code: int, number: int
) -> None:
    echo.raises = raised
    with pytest.raises(usb.core.USBError) as caught:
        device.read(0x81, array("B", bytes(8)), 10)
    assert (caught.value.backend_error_code, caught.value.errno) == (code, number)
    assert isinstance(caught.value, usb.core.USBTimeoutError) == (raised is Nak)


def test_a_halted_endpoint_stays_halted_until_it_is_cleared(
    device: usb.core.Device, echo: Echo
) -> None:
    echo.raises = Stall
    with pytest.raises(usb.core.USBError):
        device.read(0x81, 8, 10)
    echo.raises, echo.stored = None, b"x"
    with pytest.raises(usb.core.USBError) as caught:
        device.read(0x81, 8, 10)
    assert caught.value.errno == errno.EPIPE
    device.clear_halt(BULK_IN)
    assert bytes(device.read(0x81, 8, 10)) == b"x"


def test_a_stalled_control_request_does_not_halt_the_next(
    device: usb.core.Device, echo: Echo
) -> None:
    echo.raises = Stall
    with pytest.raises(usb.core.USBError):
        device.ctrl_transfer(0xC0, 1, 0, 0, 8)
    echo.raises = None
    assert len(device.ctrl_transfer(0xC0, 1, 0, 0, 8)) == 5


def test_a_claimed_interface_is_busy_for_another(
    bus: SimulatedBackend, device: usb.core.Device
) -> None:
    usb.util.claim_interface(device, 0)
    other = usb.core.find(backend=bus)
    with pytest.raises(usb.core.USBError) as caught:
        usb.util.claim_interface(other, 0)
    assert (caught.value.backend_error_code, caught.value.errno) == (-6, errno.EBUSY)
    usb.util.release_interface(device, 0)
    usb.util.claim_interface(other, 0)
    usb.util.dispose_resources(other)


def test_an_unplugged_device_is_not_found(bus: SimulatedBackend, device: usb.core.Device) -> None:
    device._ctx.dev.unplug()
    assert usb.core.find(backend=bus) is None
    with pytest.raises(usb.core.USBError) as caught:
        device.write(0x01, b"x", 10)
    assert caught.value.errno == errno.ENODEV


def test_the_interrupt_endpoint_is_silent(device: usb.core.Device) -> None:
    with pytest.raises(usb.core.USBTimeoutError):
        device.read(0x82, 8, 10)


def test_a_handle_is_void_once_the_device_was_away_and_its_claims_are_gone(
    bus: SimulatedBackend, device: usb.core.Device
) -> None:
    usb.util.claim_interface(device, 0)
    device._ctx.dev.unplug()
    device._ctx.dev.plug()
    with pytest.raises(usb.core.USBError) as caught:
        device.write(0x01, b"x", 10)
    assert caught.value.errno == errno.ENODEV
    other = usb.core.find(backend=bus)
    usb.util.claim_interface(other, 0)
    assert other.write(0x01, b"abc", 100) == 3
    usb.util.dispose_resources(other)


def test_an_endpoint_whose_descriptor_is_cut_off_is_empty(echo: Echo) -> None:
    simulated = UsbDevice(
        echo,
        vendor_id=0x1209,
        product_id=1,
        interface_triple=(0xFF, 1, 2),
        strings=("maker", "thing", "S-1"),
        n_descriptor_bytes=34,
    )
    device = usb.core.find(backend=SimulatedBackend([simulated]))
    raw = bytes(device.ctrl_transfer(0x80, 6, 0x0200, 0, 255))
    assert (len(raw), device[0].wTotalLength) == (34, 57)
    (interface,) = device[0]
    assert [e.bEndpointAddress for e in interface] == [0x01, 0, 0]
