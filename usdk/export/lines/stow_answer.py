"""What a STOW-RS answer says of each object (PS3.18 section 10.5.3), without I/O.

The status code alone says nothing: archives answer 200 and have stored some, or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# Document types, and thus entities, are refused before they act.
from xml.parsers import expat  # nosec B407

from usdk.errors import DataDamagedError
from usdk.export.lines.line import Acknowledgement, Answer
from usdk.export.lines.status_codes import failure, success

__all__ = ["NOT_NAMED", "read_stow_answer"]

NOT_NAMED = "the receiver's answer does not name it"

_FAILED = "00081198"
_REFERENCED = "00081199"
_INSTANCE = "00081155"
_WARNING = "00081196"
_FAILURE = "00081197"

MAX_DEPTH = 32


def read_stow_answer(
    content_type: str, body: bytes, sent_uids: Sequence[str]
) -> list[Acknowledgement]:
    """Return one acknowledgement for each object sent, in their order.

    Raises
    ------
    DataDamagedError
        The body is no STOW-RS answer, in JSON or XML.
    """
    sequences = _from_xml(body) if _is_xml(content_type, body) else _from_json(body)
    stored = dict(sequences[_REFERENCED])
    failed = dict(sequences[_FAILED])
    answers = []
    for uid in sent_uids:
        if uid in failed:
            answers.append(failure(uid, failed[uid]))
        elif uid in stored:
            answers.append(success(uid, stored[uid]))
        else:
            answers.append(Acknowledgement(uid, Answer.NOT_NOW, NOT_NAMED))
    return answers


_Entry = tuple[str, int | None]


def _is_xml(content_type: str, body: bytes) -> bool:
    if "json" in content_type.lower():
        return False
    return "xml" in content_type.lower() or body.lstrip()[:1] == b"<"


def _from_json(body: bytes) -> dict[str, list[_Entry]]:
    try:
        document = json.loads(body)
        # Some answer with the data set alone, some with an array of one.
        data_sets = document if isinstance(document, list) else [document]
        found: dict[str, list[_Entry]] = {_FAILED: [], _REFERENCED: []}
        for tag, code in ((_FAILED, _FAILURE), (_REFERENCED, _WARNING)):
            for data_set in data_sets:
                for item in data_set.get(tag, {}).get("Value", []):
                    uid = item[_INSTANCE]["Value"][0]
                    values = item.get(code, {}).get("Value") or [None]
                    found[tag].append((str(uid), None if values[0] is None else int(values[0])))
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise DataDamagedError("the receiver's answer is not a STOW-RS answer in JSON") from error
    return found


class _XmlReader:
    """Collects UIDs and codes by the path of tags that they lie in."""

    def __init__(self) -> None:
        self.found: dict[str, list[_Entry]] = {_FAILED: [], _REFERENCED: []}
        self._path: list[str] = []
        self._item: dict[str, str] = {}
        self._text = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if len(self._path) >= MAX_DEPTH:
            raise DataDamagedError("the receiver's answer is nested too deeply")
        self._path.append(attributes.get("tag", "").upper() if local == "DicomAttribute" else local)
        self._text = ""
        if local == "Item" and self._sequence() is not None:
            self._item = {}

    def text(self, text: str) -> None:
        self._text += text

    def end(self, _name: str) -> None:
        ended = self._path.pop()
        sequence = self._sequence()
        if sequence is None:
            return
        if ended == "Value" and len(self._path) == 4:
            self._item.setdefault(self._path[-1], self._text.strip())
        elif ended == "Item" and len(self._path) == 2 and _INSTANCE in self._item:
            code = self._item.get(_FAILURE if sequence == _FAILED else _WARNING)
            self.found[sequence].append((self._item[_INSTANCE], int(code) if code else None))

    def _sequence(self) -> str | None:
        at = self._path[1] if len(self._path) > 1 else ""
        return at if at in self.found else None

    def refuse(self, *_arguments: Any) -> None:
        raise DataDamagedError("the receiver's answer holds a document type, which is refused")


def _from_xml(body: bytes) -> dict[str, list[_Entry]]:
    reader = _XmlReader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    # Entities are declared in a document type, and nowhere else.
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(body, True)
    except DataDamagedError:
        raise
    except (expat.ExpatError, ValueError) as error:
        raise DataDamagedError("the receiver's answer is not a STOW-RS answer in XML") from error
    return reader.found
