"""What a DICOM file holds, for ``usdk show``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from usdk.errors import DataDamagedError

__all__ = ["describe_dicom"]


def describe_dicom(path: Path, *, patient: bool) -> tuple[dict[str, Any], str]:
    """Return what a DICOM file says of itself, in types that JSON knows and as text.

    Who the patient is stays out of both unless ``patient``.
    """
    from usdk.dicom.summary import read_summary

    summary = read_summary(path, show_patient=patient)
    if summary.sop_class == "unknown":
        raise DataDamagedError(f"{path} is a DICOM file that does not say of what: it is cut off")
    plain: dict[str, Any] = {
        "kind": "dicom",
        "sop_class": summary.sop_class,
        "transfer_syntax": summary.transfer_syntax,
        "photometric_interpretation": summary.photometric_interpretation,
        "n_rows": summary.n_rows,
        "n_columns": summary.n_columns,
        "n_frames": summary.n_frames or 1,
        "n_frames_lost": summary.n_frames_lost,
        "frame_rate_hz": summary.frame_rate_hz,
        "acquired": summary.acquired,
        "device": summary.device,
        "regions": [asdict(region) for region in summary.regions],
        "settings": {
            name: value
            for name, value in asdict(summary.settings).items()
            if value not in (None, "", ())
        },
        "voxel_size_mm": summary.voxel_size_mm,
        "n_signatures": summary.n_signatures,
        "findings": [str(finding) for finding in summary.findings],
    }
    if summary.patient is not None:
        plain["patient"] = summary.patient
    return plain, str(summary)
