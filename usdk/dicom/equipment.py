"""Equipment: what made the images, and with which software."""

from __future__ import annotations

from dataclasses import dataclass

from usdk.acquisition import DeviceInfo
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.text import check_text, fit_text
from usdk.distribution import sdk_version

__all__ = ["Equipment"]


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What made the images (PS3.3 C.7.5.1); empty text means unknown.

    Parameters
    ----------
    manufacturer, manufacturer_model_name, device_serial_number : str
        Of the device.
    software_versions : tuple of str
        Of the device's firmware and of this package.
    institution_name, station_name : str
        Where it stands.
    """

    manufacturer: str = ""
    manufacturer_model_name: str = ""
    device_serial_number: str = ""
    software_versions: tuple[str, ...] = ()
    institution_name: str = ""
    station_name: str = ""

    def __post_init__(self) -> None:
        check_text(self.manufacturer, "LO", "Manufacturer")
        check_text(self.manufacturer_model_name, "LO", "ManufacturerModelName")
        check_text(self.device_serial_number, "LO", "DeviceSerialNumber")
        for software in self.software_versions:
            check_text(software, "LO", "SoftwareVersions")
        check_text(self.institution_name, "LO", "InstitutionName")
        check_text(self.station_name, "SH", "StationName")

    @classmethod
    def from_device(
        cls, device: DeviceInfo | None, *, institution_name: str = "", station_name: str = ""
    ) -> Equipment:
        """Return the equipment that a device says it is; its texts are made to fit."""
        software = f"usdk {sdk_version()}"
        if device is None:
            versions: tuple[str, ...] = (software,)
            device = DeviceInfo(manufacturer="", model="")
        else:
            firmware = fit_text(device.firmware_version, "LO")
            versions = (firmware, software) if firmware else (software,)
        return cls(
            manufacturer=fit_text(device.manufacturer, "LO"),
            manufacturer_model_name=fit_text(device.model, "LO"),
            device_serial_number=fit_text(device.serial_number, "LO"),
            software_versions=versions,
            institution_name=institution_name,
            station_name=station_name,
        )

    def add_to(self, dataset: Dataset) -> None:
        """Write the General Equipment module."""
        dataset.Manufacturer = self.manufacturer
        if self.manufacturer_model_name:
            dataset.ManufacturerModelName = self.manufacturer_model_name
        if self.device_serial_number:
            dataset.DeviceSerialNumber = self.device_serial_number
        if self.software_versions:
            dataset.SoftwareVersions = list(self.software_versions)
        if self.institution_name:
            dataset.InstitutionName = self.institution_name
        if self.station_name:
            dataset.StationName = self.station_name
