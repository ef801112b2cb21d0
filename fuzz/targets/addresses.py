"""Addresses of devices and keys: refused by type, or such that their text names the same."""

from __future__ import annotations

import contextlib

from usdk.errors import ArgumentError, DriverConflictError, UsdkError
from usdk.front_end import open_front_end
from usdk.trust.pkcs11_uri import Pkcs11Uri
from usdk.trust.tpm_key import TpmSigner
from usdk_drivers.serial_line.address import SerialAddress
from usdk_drivers.simulator.address import SimulatorAddress
from usdk_drivers.usb_address import UsbAddress
from usdk_drivers.usbip.address import UsbIpAddress

_EXAMPLES = (
    ("0", "serial=XYZ"),
    ("0", "1209:0001"),
    ("1", "//host:3240/1-1"),
    ("1", "//[::1]/1-1"),
    ("2", "/dev/ttyUSB0?baud=3000000&rtscts=1"),
    ("3", "linear-l11-5v?scene=vessel&frames=8&noise_db=-60&seed=3&faults=drop:0.1,unplug@7"),
    ("3", "probe?dead=1,2&weak=3&return_s=1&drift_ppm=2&descriptors=truncated&trigger_hz=5"),
    ("4", "a.usrec?loop=1&speed=2&nak_s=1&firmware_after=2.0"),
    ("5", "pkcs11:token=T;object=K;id=%01?module-path=/usr/lib/x.so"),
    ("6", "tpm:0x81000001?tcti=device:/dev/tpmrm0"),
    ("7", "no-such-scheme:x"),
)


def seeds() -> list[bytes]:
    """Return addresses of every kind, behind the number of who reads them."""
    return [(kind + text).encode() for kind, text in _EXAMPLES]


def _read(kind: str, text: str) -> None:
    match kind:
        case "0":
            usb = UsbAddress.parse(text)
            assert UsbAddress.parse(str(usb).removeprefix("usb:")) == usb
        case "1":
            usbip = UsbIpAddress.parse(text)
            assert 0 <= usbip.port < 1 << 16
            assert UsbIpAddress.parse(str(usbip).removeprefix("usbip:")) == usbip
        case "2":
            serial = SerialAddress.parse(text)
            assert SerialAddress.parse(str(serial).removeprefix("serial:")) == serial
        case "3" | "4":
            SimulatorAddress.parse(text, is_recording=kind == "4").check()
        case "5":
            Pkcs11Uri.parse(text)
        case "6":
            # Whatever its address, its certificate is not there.
            with contextlib.suppress(UsdkError):
                TpmSigner(text, "/nonexistent")
        case "7" if text.partition(":")[0] not in ("usb", "usbip", "serial", "sim", "file"):
            with contextlib.suppress(DriverConflictError):
                open_front_end(text)


def one_input(data: bytes) -> None:
    """Parse, write, parse again."""
    text = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(ArgumentError):
        _read(text[:1], text[1:])
