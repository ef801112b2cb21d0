"""BOS and Microsoft OS 2.0 descriptors: what a device can do, and that Windows shall use WinUSB.

Sources: USB 3.2 specification, 9.6.2 (binary device object store); Microsoft OS 2.0 Descriptors
Specification (2018), tables 3 to 5 and 10 to 15.
"""

from __future__ import annotations

import struct
from uuid import UUID

__all__ = [
    "BOS",
    "MICROSOFT_DESCRIPTOR_INDEX",
    "MICROSOFT_VENDOR_REQUEST",
    "binary_object_store",
    "microsoft_descriptor_set",
]

BOS = 15
"""Descriptor type of the store."""
MICROSOFT_VENDOR_REQUEST = 0x20
"""``bRequest`` by which Windows asks for the set; the store tells it, so a device may choose."""
MICROSOFT_DESCRIPTOR_INDEX = 7
"""``wIndex`` of that request."""
INTERFACE_GUID = UUID("7bb40048-6e28-4da4-ae55-bccaffc87dfd")
"""By which a program on Windows finds the interface; libusb needs one."""

_CAPABILITY = 0x10
_USB_2_EXTENSION, _SUPER_SPEED, _PLATFORM = 2, 3, 5
_LINK_POWER_MANAGEMENT = 0x02
_HIGH_AND_SUPER_SPEED = 0x0C
_FULLY_FUNCTIONAL_AT_SUPER_SPEED = 3
_U1_EXIT_LATENCY_US, _U2_EXIT_LATENCY_US = 10, 512
_MICROSOFT_OS_2_0 = UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f")
_WINDOWS_8_1 = 0x06030000
_SET_HEADER, _COMPATIBLE_ID, _REGISTRY_PROPERTY = 0, 3, 4
_REG_MULTI_SZ = 7


def binary_object_store() -> bytes:
    """Return the BOS descriptor with the capabilities that belong to it."""
    capabilities = (
        struct.pack("<BBBI", 7, _CAPABILITY, _USB_2_EXTENSION, _LINK_POWER_MANAGEMENT),
        struct.pack(
            "<BBBBHBBH",
            *(10, _CAPABILITY, _SUPER_SPEED, 0, _HIGH_AND_SUPER_SPEED),
            *(_FULLY_FUNCTIONAL_AT_SUPER_SPEED, _U1_EXIT_LATENCY_US, _U2_EXIT_LATENCY_US),
        ),
        struct.pack(
            "<BBBB16sIHBB",
            *(28, _CAPABILITY, _PLATFORM, 0, _MICROSOFT_OS_2_0.bytes_le, _WINDOWS_8_1),
            *(len(microsoft_descriptor_set()), MICROSOFT_VENDOR_REQUEST, 0),
        ),
    )
    n_bytes = 5 + sum(map(len, capabilities))
    return struct.pack("<BBHB", 5, BOS, n_bytes, len(capabilities)) + b"".join(capabilities)


def microsoft_descriptor_set() -> bytes:
    """Return the Microsoft OS 2.0 descriptor set of a device with one interface.

    Windows binds WinUSB by the compatible ID and registers the interface's GUID: no driver has
    to be installed. A composite device would put both into a subset for its function.
    """
    compatible_id = struct.pack("<HH8s8s", 20, _COMPATIBLE_ID, b"WINUSB", b"")
    name = "DeviceInterfaceGUIDs\0".encode("utf-16-le")
    # A list of strings ends with an empty one.
    guids = f"{{{INTERFACE_GUID}}}\0\0".upper().encode("utf-16-le")
    body = struct.pack("<HH", _REG_MULTI_SZ, len(name)) + name
    body += struct.pack("<H", len(guids)) + guids
    registry_property = struct.pack("<HH", 4 + len(body), _REGISTRY_PROPERTY) + body
    n_bytes = 10 + len(compatible_id) + len(registry_property)
    header = struct.pack("<HHIH", 10, _SET_HEADER, _WINDOWS_8_1, n_bytes)
    return header + compatible_id + registry_property
