"""STOW-RS answers: one acknowledgement for each object, or a typed refusal."""

from __future__ import annotations

import json

from usdk.errors import DataDamagedError
from usdk.export.lines.line import Answer
from usdk.export.lines.stow_answer import read_stow_answer

_UIDS = ("1.2.3", "1.2.4")


def _item(uid: str, tag: str, code: int) -> dict[str, object]:
    return {
        "00081155": {"vr": "UI", "Value": [uid]},
        tag: {"vr": "US", "Value": [code]},
    }


def seeds() -> list[bytes]:
    """Return answers in JSON and XML: stored, with a warning, and refused."""
    stored, failed = _item("1.2.3", "00081196", 0xB000), _item("1.2.4", "00081197", 0xA700)
    answer = {
        "00081199": {"vr": "SQ", "Value": [stored]},
        "00081198": {"vr": "SQ", "Value": [failed]},
    }
    xml = (
        '<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">'
        '<DicomAttribute tag="00081199" vr="SQ"><Item number="1">'
        '<DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute>'
        '<DicomAttribute tag="00081196" vr="US"><Value number="1">45056</Value></DicomAttribute>'
        "</Item></DicomAttribute>"
        '<DicomAttribute tag="00081198" vr="SQ"><Item number="1">'
        '<DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.4</Value></DicomAttribute>'
        '<DicomAttribute tag="00081197" vr="US"><Value number="1">42752</Value></DicomAttribute>'
        "</Item></DicomAttribute></NativeDicomModel>"
    )
    bodies = [json.dumps(answer), json.dumps([answer]), xml]
    return [b"\0" + body.encode() for body in bodies] + [b"\1" + bodies[0].encode()]


def one_input(data: bytes) -> None:
    """Read the rest as JSON, or as what it looks like."""
    content_type = ("", "application/dicom+json", "application/dicom+xml")[
        data[0] % 3 if data else 0
    ]
    try:
        answers = read_stow_answer(content_type, data[1:], _UIDS)
    except DataDamagedError:
        return
    assert [answer.sop_instance_uid for answer in answers] == list(_UIDS)
    assert all(isinstance(answer.answer, Answer) for answer in answers)
