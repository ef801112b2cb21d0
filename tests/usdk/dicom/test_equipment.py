from __future__ import annotations

import pytest
from pydicom import Dataset

from usdk.acquisition import DeviceInfo
from usdk.dicom import Equipment
from usdk.errors import ArgumentError


def written(equipment):
    dataset = Dataset()
    equipment.add_to(dataset)
    return dataset


def test_a_device_is_named_with_its_firmware_and_this_software():
    device = DeviceInfo(
        manufacturer="Gerätebau", model="S1", serial_number="42", firmware_version="1.2"
    )
    dataset = written(Equipment.from_device(device, station_name="ROOM3"))
    assert dataset.Manufacturer == "Gerätebau"
    assert dataset.ManufacturerModelName == "S1"
    assert dataset.DeviceSerialNumber == "42"
    assert dataset.SoftwareVersions[0] == "1.2"
    assert dataset.SoftwareVersions[1].startswith("usdk ")
    assert dataset.StationName == "ROOM3"


def test_an_unknown_device_leaves_the_manufacturer_empty():
    dataset = written(Equipment.from_device(None))
    assert dataset.Manufacturer == ""
    assert "DeviceSerialNumber" not in dataset
    assert dataset.SoftwareVersions.startswith("usdk ")


def test_what_a_device_reports_is_made_to_fit():
    device = DeviceInfo(manufacturer="A\\B\x00", model="m" * 100)
    dataset = written(Equipment.from_device(device))
    assert dataset.Manufacturer == "A B"
    assert dataset.ManufacturerModelName == "m" * 64


def test_what_a_user_writes_must_fit():
    with pytest.raises(ArgumentError, match="Manufacturer"):
        Equipment(manufacturer="A\\B")
    with pytest.raises(ArgumentError, match="StationName"):
        Equipment(station_name="s" * 17)
