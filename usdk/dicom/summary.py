"""Summary: what an ultrasound file is, in a few lines, without saying whose it is."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from usdk.dicom.check import check_dicom
from usdk.dicom.examination_settings import ExaminationSettings
from usdk.dicom.findings import MAX_SHOWN_CHARACTERS, Finding, number, shown_text, whole
from usdk.dicom.open import open_dicom, parser_border
from usdk.dicom.provenance import read_provenance
from usdk.dicom.pydicom_extra import Dataset
from usdk.dicom.regions import UNITS_CM, Region, read_regions
from usdk.dicom.text import clean_text
from usdk.errors import DataDamagedError

__all__ = ["DicomSummary", "read_summary"]

_UNITS = ("", "%", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm²", "cm²/s", "cm³", "cm³/s", "°")
_SPATIAL_FORMATS = {0: "", 1: "2-D", 2: "M-mode", 3: "spectral", 4: "waveform", 5: "graphics"}
_DATA_TYPES = {
    1: "tissue",
    2: "colour flow",
    3: "PW Doppler",
    4: "CW Doppler",
    10: "ECG",
    11: "pulse",
    12: "phonocardiogram",
    13: "grey bar",
    14: "colour bar",
}
MM_PER_M = 1e3
_PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")


@dataclass(frozen=True, kw_only=True)
class DicomSummary:
    """What a DICOM ultrasound file is; ``str()`` gives the lines that a person reads.

    Attributes
    ----------
    sop_class, transfer_syntax : str
        Their names, or their UIDs where the names are unknown.
    n_rows, n_columns, n_frames : int or None
        Size of the image; None where the file does not say.
    photometric_interpretation : str
        As in the file.
    frame_rate_hz : float or None
        Mean rate of the cine.
    acquired : str
        AcquisitionDateTime, as in the file.
    device : str
        Manufacturer, model, serial number and software, as far as known.
    regions : tuple of Region
        Where the image is calibrated; empty if not at all.
    voxel_size_mm : tuple of float, optional
        Rows, columns and planes of a volume; None of pictures.
    settings : ExaminationSettings
        Output, heart rate, depth and foci, as far as told.
    n_signatures : int
        Digital signatures in the file. They are counted here, not verified.
    n_frames_lost : int or None
        Frames that never arrived; None if the file is of another maker.
    findings : tuple of Finding
        What `check_dicom` has against the file.
    patient : dict of str to str, optional
        Attributes that identify the patient; None unless asked for.
    """

    sop_class: str
    transfer_syntax: str
    n_rows: int | None
    n_columns: int | None
    n_frames: int | None
    photometric_interpretation: str
    frame_rate_hz: float | None
    acquired: str
    device: str
    regions: tuple[Region, ...]
    n_signatures: int
    n_frames_lost: int | None
    findings: tuple[Finding, ...]
    voxel_size_mm: tuple[float, float, float] | None = None
    settings: ExaminationSettings = field(default_factory=ExaminationSettings)
    patient: dict[str, str] | None = field(default=None, repr=False)

    def __str__(self) -> str:
        lines = [f"SOP class        {self.sop_class}"]
        rate = "" if self.frame_rate_hz is None else f" at {self.frame_rate_hz:.4g} per s"
        size = f"{self.n_rows or '?'} rows × {self.n_columns or '?'} columns"
        lines.append(f"image            {size}, {self.n_frames or 1} frame(s){rate}")
        lines.append(f"pixels           {self.photometric_interpretation}, {self.transfer_syntax}")
        lines.append(f"acquired         {self.acquired or 'unknown'}")
        lines.append(f"device           {self.device or 'unknown'}")
        lines += [f"region {index:<9} {_line(region)}" for index, region in enumerate(self.regions)]
        if self.voxel_size_mm is not None:
            lines.append(
                f"voxels           {' × '.join(f'{v:.6g}' for v in self.voxel_size_mm)} mm"
            )
        elif not self.regions:
            lines.append("region           none: distances cannot be measured")
        if told := _told(self.settings):
            lines.append(f"settings         {told}")
        if self.n_frames_lost is not None:
            lines.append(f"frames lost      {self.n_frames_lost}")
        signed = f"{self.n_signatures} signature(s), not verified here"
        lines.append(f"signed           {signed if self.n_signatures else 'no'}")
        for keyword, value in (self.patient or {}).items():
            lines.append(f"{keyword:<16} {value or 'unknown'}")
        lines += [str(finding) for finding in self.findings]
        return "\n".join(lines)


def read_summary(path: str | os.PathLike[str], *, show_patient: bool = False) -> DicomSummary:
    """Return what a DICOM ultrasound file is; anybody's file, conformant or not.

    Parameters
    ----------
    show_patient : bool
        Add the attributes that identify the patient.

    Raises
    ------
    StorageError
        The file cannot be read.
    DataDamagedError
        It is no DICOM file, or is damaged beyond its description.
    """
    dataset = open_dicom(Path(path))
    with parser_border("cannot describe the DICOM file"):
        return _summary(dataset, show_patient)


def _summary(dataset: Dataset, show_patient: bool) -> DicomSummary:
    try:
        regions = tuple(read_regions(dataset))
    except DataDamagedError:
        regions = ()  # The findings name the region and its fault.
    try:
        records = read_provenance(dataset)
        findings = check_dicom(dataset)
    except DataDamagedError as error:
        records = None
        findings = [*check_dicom(dataset), Finding("error", "private USDK block", str(error))]
    lost = None
    if records is not None:
        lost = sum(gap.n_frames for gap in {gap for r in records for gap in r.provenance.gaps})
    device = (
        shown_text(dataset, "Manufacturer"),
        shown_text(dataset, "ManufacturerModelName"),
        f"serial number {shown_text(dataset, 'DeviceSerialNumber')}",
        f"software {shown_text(dataset, 'SoftwareVersions')}",
    )
    return DicomSummary(
        sop_class=_name(dataset.get("SOPClassUID")),
        transfer_syntax=_name(dataset.file_meta.get("TransferSyntaxUID")),
        n_rows=_count(dataset, "Rows"),
        n_columns=_count(dataset, "Columns"),
        n_frames=_count(dataset, "NumberOfFrames"),
        photometric_interpretation=shown_text(dataset, "PhotometricInterpretation"),
        frame_rate_hz=_frame_rate_hz(dataset),
        acquired=shown_text(dataset, "AcquisitionDateTime"),
        device=", ".join(part for part in device if part.strip() and not part.endswith(" ")),
        regions=regions,
        voxel_size_mm=_voxel_size_mm(dataset),
        settings=ExaminationSettings.from_dataset(dataset),
        n_signatures=len(dataset.get("DigitalSignaturesSequence") or ()),
        n_frames_lost=lost,
        findings=tuple(findings),
        patient={key: shown_text(dataset, key) for key in _PATIENT} if show_patient else None,
    )


def _told(settings: ExaminationSettings) -> str:
    numbers = {
        "heart rate": (settings.heart_rate_bpm, 1.0, " per min"),
        "MI": (settings.mechanical_index, 1.0, ""),
        "TIB": (settings.bone_thermal_index, 1.0, ""),
        "TIC": (settings.cranial_thermal_index, 1.0, ""),
        "TIS": (settings.soft_tissue_thermal_index, 1.0, ""),
        "depth": (settings.depth_m, MM_PER_M, " mm"),
    }
    parts = [
        f"{name} {value * factor:.4g}{unit}"
        for name, (value, factor, unit) in numbers.items()
        if value is not None
    ]
    if settings.focus_depths_m:
        depths = ", ".join(f"{depth_m * MM_PER_M:.4g}" for depth_m in settings.focus_depths_m[:8])
        more = "" if len(settings.focus_depths_m) <= 8 else ", …"
        parts.append(f"focus {depths}{more} mm")
    return "; ".join(parts)


def _line(region: Region) -> str:
    place = f"columns {region.min_x0}–{region.max_x1}, rows {region.min_y0}–{region.max_y1}"
    if region.units_x == region.units_y == UNITS_CM:
        x_mm, y_mm = (delta * 10 for delta in (region.delta_x, region.delta_y))
        scale = f"{x_mm:.6g} × {y_mm:.6g} mm per pixel"
    else:
        x = _step(region.delta_x, region.units_x)
        scale = f"{x} × {_step(region.delta_y, region.units_y)} per pixel"
    shape = _SPATIAL_FORMATS.get(region.spatial_format, f"format {region.spatial_format}")
    data = _DATA_TYPES.get(region.data_type, f"data type {region.data_type}")
    return f"{shape} {data}, {place}, {scale}".lstrip()


def _step(delta: float, code: int) -> str:
    if code == 0:
        return "none"
    return f"{delta:.6g} {_UNITS[code] if 0 < code < len(_UNITS) else f'(unit {code})'}"


def _frame_rate_hz(dataset: Dataset) -> float | None:
    vector = dataset.get("FrameTimeVector")
    try:
        if vector and len(vector) > 1:
            return 1e3 * (len(vector) - 1) / sum(map(float, vector[1:]))
        frame_time_ms = number(dataset, "FrameTime")
        return 1e3 / frame_time_ms if frame_time_ms else None
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _voxel_size_mm(dataset: Dataset) -> tuple[float, float, float] | None:
    groups = dataset.get("SharedFunctionalGroupsSequence")
    measures = groups[0].get("PixelMeasuresSequence") if groups else None
    if not measures:
        return None
    try:
        rows, columns = map(float, measures[0].PixelSpacing)
        return rows, columns, float(measures[0].SpacingBetweenSlices)
    except (AttributeError, TypeError, ValueError):
        return None


def _count(dataset: Dataset, keyword: str) -> int | None:
    try:
        return whole(dataset, keyword)
    except ValueError:
        return None


def _name(uid: object) -> str:
    return clean_text(str(getattr(uid, "name", uid or "unknown")))[:MAX_SHOWN_CHARACTERS]
