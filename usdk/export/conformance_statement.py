"""The DICOM conformance statement, made from the code that writes and reads (PS3.2).

Nothing here is a list that could grow stale: objects of every kind are made, once knowing next to
nothing and once everything, and what is in them is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from usdk.dicom.codecs import CODECS
from usdk.dicom.enhanced_us_volume import ENHANCED_US_VOLUME_STORAGE, NO_APEX
from usdk.dicom.equipment import Equipment
from usdk.dicom.examination_settings import MAX_HEART_RATE_BPM, MAX_OUTPUT_INDEX
from usdk.dicom.image import IMPLEMENTATION_CLASS_UID
from usdk.dicom.pictures import EXTRA_OF_SYNTAX
from usdk.dicom.provenance import PRIVATE_CREATOR, PRIVATE_GROUP
from usdk.dicom.pydicom_extra import UID, Dataset
from usdk.dicom.region_codes import ModeBits, RegionDataType, SpatialFormat, Unit
from usdk.dicom.series import Series
from usdk.dicom.text import MAX_LENGTH
from usdk.dicom.us_image import US_IMAGE_STORAGE
from usdk.dicom.us_multiframe import US_MULTIFRAME_IMAGE_STORAGE
from usdk.export.specimens import full_settings, specimens
from usdk.trust.signature_profile import PROFILES

__all__ = ["conformance_json", "conformance_statement"]

_IODS = {
    US_IMAGE_STORAGE: "PS3.3 A.6",
    US_MULTIFRAME_IMAGE_STORAGE: "PS3.3 A.7",
    ENHANCED_US_VOLUME_STORAGE: "PS3.3 A.59",
}
_READ_CHARACTER_SETS = (
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO_IR 100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 13",
    "ISO 2022 IR 6, 13, 58, 87, 149, 159 and those of the single-byte sets",
)
# Not compressed, and written by others alone.
_PLAIN_SYNTAXES = {"1.2.840.10008.1.2": "dicom", "1.2.840.10008.1.2.2": "dicom"}
_OPT_IN = ("htj2k",)
_MODES = tuple(mode for mode in ModeBits if mode is not ModeBits.CW_DOPPLER)
_AUTOMATIC = (
    "InstanceCreationDate",
    "InstanceCreationTime",
    "SOPClassUID",
    "SOPInstanceUID",
    "SpecificCharacterSet",
)


def conformance_statement() -> dict[str, Any]:
    """Return the conformance statement in types that JSON knows.

    Attributes of each kind of object have a ``type`` (PS3.5 section 7.4, of the strictest module
    that holds them; empty where no module does), a ``presence`` (``ALWAYS``; ``VNAP``: always, and
    empty where the value is unknown; ``ANAP``: where the value is known) and a ``source``, the
    class that they come from.
    """
    return {
        "standard": "DICOM PS3.2 2025",
        "implementation": {
            "class_uid": str(IMPLEMENTATION_CLASS_UID),
            "version_name": "USDK_ and the version",
        },
        "sop_classes": [
            {"uid": uid, "name": UID(uid).name, "iod": section, "created": True, "read": True}
            for uid, section in _IODS.items()
        ],
        "transfer_syntaxes": [
            {
                "codec": codec.name,
                "uid": codec.transfer_syntax_uid,
                "name": UID(codec.transfer_syntax_uid).name,
                "use": "opt-in" if codec.name in _OPT_IN else "offered",
                "is_lossless": True,
            }
            for codec in CODECS.values()
        ],
        "transfer_syntaxes_read_besides": [
            {"uid": uid, "name": UID(uid).name, "extra": extra}
            for uid, extra in {**_PLAIN_SYNTAXES, **EXTRA_OF_SYNTAX}.items()
            if uid not in {codec.transfer_syntax_uid for codec in CODECS.values()}
        ],
        "character_sets": {
            "written": ["ISO_IR 192"],
            "read": list(_READ_CHARACTER_SETS),
            "max_characters": MAX_LENGTH,
        },
        "pixels": {
            "MONOCHROME2": "8 bits",
            "RGB": "8 bits, colour by pixel",
            "PALETTE COLOR": "8 bits up to 256 colours, else 16; for colour, when asked for",
        },
        "regions": {
            "spatial_formats": _names(SpatialFormat, (1, 2, 3)),
            "data_types": _names(RegionDataType, (1, 2, 3)),
            "units": _names(Unit, (2, 3, 4, 7)),
            "modes_of_image_type": _names(ModeBits, _MODES),
        },
        "limits": {
            "HeartRate": f"1 to {MAX_HEART_RATE_BPM}",
            "MechanicalIndex and thermal indices": f"0 to {MAX_OUTPUT_INDEX:g}",
        },
        "extensions": {"UltrasoundAcquisitionGeometry": NO_APEX},
        "private_elements": [
            {
                "tag": f"({PRIVATE_GROUP:04X},xx{element:02X})",
                "creator": PRIVATE_CREATOR,
                "vr": vr,
                "meaning": meaning,
            }
            for element, vr, meaning in (
                (0x01, "UT", "provenance of each frame, JSON"),
                (0x02, "OB", "SHA-256 of each decoded frame"),
            )
        ],
        "signatures": {
            "standard": "PS3.15 Annex C",
            "profiles": [f"{name} RSA" for name in PROFILES],
            "digests": ["SHA256", "SHA384", "SHA512"],
            "certificate_type": "X509_1993_SIG",
            "time_stamps": "CMS_TSP (RFC 3161)",
        },
        "objects": {UID(uid).name: _attributes(uid) for uid in _IODS},
    }


def conformance_json() -> str:
    """Return the statement as JSON, as it lies in the documentation."""
    return json.dumps(conformance_statement(), indent=1, ensure_ascii=False) + "\n"


def _attributes(sop_class_uid: str) -> list[dict[str, str]]:
    least, most, _ = specimens(sop_class_uid)
    walks = [list(_walk(dataset)) for dataset in (*most, *least)]
    always = set.intersection(*({path for path, _ in walk} for walk in walks))
    empty = {path for walk in walks for path, element in walk if element.is_empty}
    sources = _sources()
    types: dict[str, dict[str, str]] = json.loads(
        files("usdk.export").joinpath("attribute_types.json").read_text("utf-8")
    )
    found: dict[str, dict[str, str]] = {}
    for walk in walks:
        for path, element in walk:
            if path in found:
                continue
            is_always, is_empty = path in always, path in empty
            found[path] = {
                "attribute": path,
                "tag": f"({element.tag.group:04X},{element.tag.element:04X})",
                "vr": element.VR,
                "type": types[sop_class_uid].get(path, ""),
                "presence": ("VNAP" if is_empty else "ALWAYS") if is_always else "ANAP",
                "source": sources.get(path.split(".")[0], "picture"),
            }
    return sorted(found.values(), key=lambda row: row["attribute"])


def _walk(dataset: Dataset, place: str = "") -> Iterator[tuple[str, Any]]:
    for element in dataset:
        if element.tag.is_private:
            continue
        path = f"{place}{element.keyword}"
        yield path, element
        if element.VR == "SQ":
            for item in element.value:
                yield from _walk(item, f"{path}.")


def _names(codes: Any, used: tuple[int, ...]) -> dict[str, str]:
    return {f"{int(code):X}": codes(code).name for code in used}


@cache
def _sources() -> dict[str, str]:
    """Return which class fills which attribute, by letting each fill an empty object."""
    study = specimens(US_IMAGE_STORAGE).study
    sources = dict.fromkeys(_AUTOMATIC, "automatic")
    for name, filler in (
        ("Series", Series()),
        ("Series", study.series),
        ("Patient", study.patient),
        ("Equipment", Equipment.from_device(None)),
        ("ExaminationSettings", full_settings()),
    ):
        dataset = Dataset()
        filler.add_to(dataset)
        sources |= {element.keyword: name for element in dataset}
    dataset = Dataset()
    study.add_to(dataset)
    return {element.keyword: "Study" for element in dataset} | sources
