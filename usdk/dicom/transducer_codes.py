"""Codes that describe a transducer (PS3.16 CID 12032 to 12035)."""

from __future__ import annotations

from usdk.dicom.series import Code
from usdk.probe import ArrayKind

__all__ = ["APPLICATIONS", "GEOMETRIES", "STEERINGS", "VOLUME_PATTERN"]


def _dcm(value: str, meaning: str) -> Code:
    return Code(value=value, scheme="DCM", meaning=meaning)


VOLUME_PATTERN = _dcm("125242", "Volume scan pattern")

GEOMETRIES = {
    ArrayKind.LINEAR: _dcm("125252", "Linear ultrasound transducer geometry"),
    ArrayKind.CURVED: _dcm("125253", "Curved linear ultrasound transducer geometry"),
    ArrayKind.PHASED: _dcm("125254", "Sector ultrasound transducer geometry"),
    ArrayKind.MATRIX: _dcm("130808", "Planar matrix ultrasound transducer geometry"),
}

STEERINGS = {
    "fixed": _dcm("125257", "Fixed beam direction"),
    "mechanical": _dcm("125258", "Mechanical beam steering"),
    "phased": _dcm("125259", "Phased beam steering"),
}

APPLICATIONS = {
    "external": _dcm("125261", "External Transducer"),
    "transesophageal": _dcm("125262", "Transesophageal Transducer"),
    "endovaginal": _dcm("125263", "Endovaginal Transducer"),
    "endorectal": _dcm("125264", "Endorectal Transducer"),
    "intravascular": _dcm("125265", "Intravascular Transducer"),
    "endocavitary": _dcm("125266", "Endocavitary Transducer"),
    "intraoperative": _dcm("125267", "Intraoperative Transducer"),
}
